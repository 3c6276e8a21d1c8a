"""A stage for money on its way: a clock moved by hand, an exchange over real HTTP, approved payouts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from payouts.exchange.port import Exchange
from payouts.ledger import entries
from payouts.ledger.actions import post
from payouts.ledger.queries import balances
from payouts.models import Attempt, Broker, Difference, Payout
from payouts.month import Month
from payouts.settlement import asking, reconciling, sending
from portal.accounts.models import User
from portal.simulator.answering import AnsweringExchange
from tests import make
from tests.exchange import answering
from tests.exchange import asking as client
from tests.payouts.desk import changing_account as changing
from tests.payouts.desk import standing_acts as acts

NOW = make.NOW
#: A business account of the broker with the code, as the simulated exchange knows it.
ACCOUNT = "BP-90{code:04d}"


@dataclass
class Hand:
    """A clock that stands still unless it is moved."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: float) -> None:
        self.now += timedelta(**time)

    def to(self, moment: datetime) -> None:
        self.now = moment


@dataclass
class Scene:
    clock: Hand
    there: AnsweringExchange
    port: Exchange

    def broker(self, code: int = 1400) -> Broker:
        return make.broker(code=code, account_id=ACCOUNT.format(code=code))

    def payout(self, amount: str = "100.00", *, code: int = 1400, month: str = "2026-10") -> Payout:
        """Approved, and booked as earned."""
        broker = Broker.objects.filter(code=code).first() or self.broker(code)
        made = acts.payout(broker, month, amount, approved_at=self.clock())
        post(
            kind="accrual",
            broker_code=code,
            postings=entries.accrual(Decimal(amount)),
            reference=f"payout:{made.pk}",
            at=self.clock(),
            by=None,
            month=Month.parse(month),
        )
        return made

    def send(self) -> int:
        return sending.send_due(exchange=self.port, clock=self.clock)

    def ask(self) -> int:
        return asking.ask_due(exchange=self.port, clock=self.clock)

    def reconcile(self) -> int:
        return reconciling.reconcile_due(exchange=self.port, clock=self.clock)

    def ask_until_quiet(self, *, most: int = 12) -> None:
        """As a sweep would that runs again and again, until the exchange is asked about nothing any more."""
        for _ in range(most):
            self.there.credit_door.at_rest()
            due = Attempt.objects.filter(next_ask_at__isnull=False).order_by("-next_ask_at").first()
            if due is None or due.next_ask_at is None:
                return
            self.clock.to(max(self.clock(), due.next_ask_at))
            self.ask()

    def change_account(self, code: int = 1400, *, to: str = changing.NEW) -> None:
        """Asked by an owner, checked and confirmed by two of the staff, and in effect three days later."""
        asker, first, second = (
            User.objects.get_or_create(email=f"{name}@example.com")[0]
            for name in ("asker", "first", "second")
        )
        change = changing.asked(asker, broker_code=code, new_account_id=to, now=self.clock())
        changing.prepared(change, first, now=self.clock())
        changing.confirmed(change, second, now=self.clock())
        self.clock.forward(hours=72)
        assert changing.sweep(self.clock()) == 1
        assert Broker.objects.get(code=code).account_id == to

    def next_day(self, days: int = 1) -> None:
        """A quarter past midnight, when the day before is compared."""
        self.clock.to(
            (self.clock() + timedelta(days=days)).replace(hour=0, minute=15, second=0, microsecond=0)
        )

    def listed(self) -> list[tuple[str, Decimal]]:
        """What the exchange really credited: account and amount."""
        return [(each.account_id, each.amount) for each in self.there.credits.listed()]

    def asked(self, operation: str) -> int:
        return [what for what, _ in self.there.credit_door.asked].count(operation)


@contextmanager
def on_stage() -> Iterator[Scene]:
    hand = Hand()
    with answering(clock=hand) as there:
        yield Scene(hand, there, client(there))


def state(payout: Payout) -> str:
    return Payout.objects.get(pk=payout.pk).state


def tries(payout: Payout) -> list[str]:
    """The states of its attempts, the first one first."""
    return list(Attempt.objects.filter(payout=payout).order_by("number").values_list("state", flat=True))


def attempt(payout: Payout) -> Attempt:
    """The latest."""
    return Attempt.objects.filter(payout=payout).order_by("number")[::-1][0]


def owed_and_credited(code: int = 1400) -> tuple[Decimal, Decimal]:
    found = balances([code])[code]
    return found["owed"], found["credited"]


def differences() -> list[tuple[str, int | None]]:
    """Kind, and whose sending it freezes."""
    return list(Difference.objects.order_by("pk").values_list("kind", "broker"))


@dataclass
class Between:
    """An exchange that does something before it passes on what it is asked: the world does not wait."""

    beyond: Exchange
    before_credit: Callable[[], object] = lambda: None
    after_credit: Callable[[], object] = lambda: None
    before_lookup: Callable[[], object] = lambda: None

    def account(self, account_id: str) -> Any:
        return self.beyond.account(account_id)

    def credit(self, **order: Any) -> Any:
        self.before_credit()
        answer = self.beyond.credit(**order)
        self.after_credit()
        return answer

    def credit_by_key(self, key: str) -> Any:
        self.before_lookup()
        return self.beyond.credit_by_key(key)

    def credits(self, **span: datetime) -> Any:
        return self.beyond.credits(**span)
