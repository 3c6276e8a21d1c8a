"""A world for the pages of money: a payout in each state, acts that wait, credits of each kind."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.utils import timezone

from payouts.desk import adjust, approve, forfeit, hold, lift, prepare, review, suspend, void
from payouts.desk import resolve as resolving
from payouts.desk.void import Selection
from payouts.ledger import entries
from payouts.ledger.actions import post
from payouts.models import (
    Attempt,
    BooksCheck,
    Difference,
    ExchangeCredit,
    Payout,
    PayoutBound,
    PayoutHold,
    Reconciliation,
    Transaction,
    WorkItem,
)
from payouts.month import Month
from payouts.monthend import actions as monthend
from payouts.settlement import allowed, sending
from tests import make
from tests.journeys.world import World, entered
from tests.portal.matrix.desk import paper
from tests.portal.staff import make_review

#: What each broker of this world is there for.
BROKERS = {
    1400: "Altair Terminal",
    1500: "Gridwright Bots",
    1600: "Kestrel Copy Trading",
    1700: "Lyra Execution",
    1800: "Norrland Algo AB",
    1900: "Osprey Signals",
    2000: "Quillon Desk",
    2100: "Rook and Bishop Market Making GmbH",
    2300: "Meridian Terminal",
}
CALCULATED, PREPARED, UNUSUAL, HELD, PARKED, CREDITED, UNKNOWN, REJECTED, EMPTY = BROKERS
#: The first of the two, the second, and who looks on.
_ROLES = {
    "prep": "finance preparer",
    "finn": "finance approver",
    "ada": "auditor",
    "oper": "operations",
    "root": "superuser",
}


def months() -> World:
    """Two months of nine brokers; everybody on the staff has proved themselves just now."""
    now = timezone.now()
    people = {
        name: make_review.staff(role, email=f"{name}@exchange.example") for name, role in _ROLES.items()
    }
    for number, (code, name) in enumerate(BROKERS.items()):
        make.broker(code=code, name=name, account_id=f"BP-90003{number}")
    before, month = _months(now)
    _fills(before, "0.6")
    _fills(month, "1")
    monthend.calculate(month=before, now=now)
    first = _of(before)
    _approve(list(first.values()), people, now)
    case = _held(people, now)
    monthend.calculate(month=month, now=now)
    hold.hold_due(now=now, broker_code=HELD)
    found = _of(month)
    facts: dict[str, Any] = {"run": found[CALCULATED].run_id, "before": first[CALCULATED].run_id}
    _look_at(found, people, now)
    _approve([found[code] for code in (HELD, CREDITED, UNKNOWN, REJECTED)], people, now)
    _lift(case, people, now)
    prepare.prepare(payout_ids=[found[PREPARED].pk], by=people["prep"].pk, now=now)
    facts |= _credits(found, now) | _acts(found, people, now)
    _park(found[PARKED], now)
    _books(now)
    names = {
        "calculated": CALCULATED,
        "prepared": PREPARED,
        "unusual": UNUSUAL,
        "held": HELD,
        "parked": PARKED,
        "credited": CREDITED,
        "unknown": UNKNOWN,
        "rejected": REJECTED,
    }
    facts |= {name: found[code].pk for name, code in names.items()}
    facts["hold"] = PayoutHold.objects.get(payout=found[HELD]).pk
    facts["reconciliation"] = Reconciliation.objects.get().pk
    transaction = Transaction.objects.filter(broker=HELD).latest("pk")
    facts["transaction"] = transaction.pk
    facts = {f"{name}_pk": number for name, number in facts.items()}
    facts["line"] = _line(found[PREPARED])
    return World(facts, {name: entered(login, proven=True) for name, login in people.items()})


def _months(now: datetime) -> tuple[Month, Month]:
    """The month before the last one that is over, and that one."""
    last = Month.of(now).previous()
    return last.previous(), last


def _fills(month: Month, factor: str) -> None:
    """A few traders for each broker; the larger codes trade more."""
    records = []
    for number, code in enumerate(BROKERS):
        if code == EMPTY:
            continue
        for trader in range(3):
            price = Decimal(factor) * (20_000 + 35_000 * number)
            records.append(
                make.record(
                    brokerId=code,
                    userId=700 + trader,
                    price=format(price, "f"),
                    quantity="11.5",
                    feeRate="0.0008" if trader else "0.0005",
                    marketType="SPOT" if trader else "PERP",
                    symbol="SOL_USDC" if trader else "BTC_USDC_PERP",
                    timestamp=f"{month}-{11 + trader:02d}T1{trader}:00:00Z",
                )
            )
    make.fills(*records)


def _of(month: Month) -> dict[int, Payout]:
    rows = Payout.objects.filter(run__month=month.first_date).select_related("run", "broker")
    return {each.broker_id: each for each in rows}


def _look_at(found: dict[int, Payout], people: dict[str, Any], now: datetime) -> None:
    """Every bound is acknowledged but those of the unusual one."""
    for payout in found.values():
        if payout.broker_id != UNUSUAL:
            _acknowledge(payout, people, now)


def _acknowledge(payout: Payout, people: dict[str, Any], now: datetime) -> None:
    said = set(payout.acknowledgements.values_list("name", "value"))
    for each in PayoutBound.objects.filter(payout=payout):
        if (each.name, each.value) in said:
            continue
        review.acknowledge(
            payout_id=payout.pk,
            name=each.name,
            value=each.value,
            note="A new market maker; seen with the desk in Zug.",
            by=people["prep"].pk,
            now=now,
        )


def _approve(payouts: list[Payout], people: dict[str, Any], now: datetime) -> None:
    numbers = [each.pk for each in payouts]
    for each in payouts:
        _acknowledge(each, people, now)
    prepare.prepare(payout_ids=numbers, by=people["prep"].pk, now=now)
    approve.approve(payout_ids=numbers, shown=approve.shown(numbers), by=people["finn"].pk, now=now)


def _held(people: dict[str, Any], now: datetime) -> Any:
    """A broker that is suspended now, and was in its month."""
    return suspend.suspend(
        broker_code=HELD,
        reason="conduct",
        note="Seen by the desk.",
        message="Orders with your code were placed and taken back within a second.",
        starts_at=_months(now)[1].starts_at + timedelta(days=11),
        case_id=None,
        by=people["oper"].pk,
        now=now,
    )


def _lift(suspension: Any, people: dict[str, Any], now: datetime) -> None:
    lift.lift(
        suspension_id=suspension.pk,
        note="Explained.",
        message="You have explained it.",
        by=people["oper"].pk,
        now=now + timedelta(microseconds=1),
    )


def _credits(found: dict[int, Payout], now: datetime) -> dict[str, Any]:
    """One confirmed, one that nobody knows about, one that was rejected; and the exchange's list."""
    made = {}
    for code in (CREDITED, UNKNOWN, REJECTED):
        payout = found[code]
        made[code] = sending.make(
            allowed.facts(payout.pk, at=now), account_id=payout.account_id, ready_until=now, now=now
        )
    tried = {"sent_at": now, "lease_until": None, "next_ask_at": None}
    rows = {code: Attempt.objects.filter(pk=attempt.pk) for code, attempt in made.items()}
    for each in rows.values():
        each.update(**tried, state="sending")
    rows[CREDITED].update(state="confirmed", decided_at=now, credit_id="CR-20417")
    rows[REJECTED].update(state="rejected", decided_at=now, detail="The account is closed.")
    rows[UNKNOWN].update(state="unknown", detail="The exchange does not know the key any more.")
    Payout.objects.filter(pk=found[CREDITED].pk).update(state="credited")
    Payout.objects.filter(pk=found[REJECTED].pk).update(state="approved")
    post(
        kind="credit",
        broker_code=CREDITED,
        postings=entries.credit(made[CREDITED].amount),
        reference=f"payout:{found[CREDITED].pk}",
        at=now,
        by=None,
    )
    credit = ExchangeCredit.objects.create(
        credit_id="CR-20999",
        key=str(uuid4()),
        account_id="BP-900999",
        amount=Decimal("77.10"),
        credited_at=now,
        seen_at=now,
    )
    difference = Difference.objects.create(
        kind="unknown",
        credit=credit,
        broker_id=EMPTY,
        detail="The exchange lists CR-20999 over $77.10 to BP-900999, which we never sent.",
        found_at=now,
    )
    Reconciliation.objects.create(
        day=now.date() - timedelta(days=1),
        done_at=now,
        due_at=now,
        listed=2,
        listed_total=Decimal("1677.10"),
        confirmed=1,
        confirmed_total=Decimal("1600.00"),
    )
    return {
        "attempt": made[UNKNOWN].pk,
        "attempt_rejected": made[REJECTED].pk,
        "attempt_credited": made[CREDITED].pk,
        "difference": difference.pk,
    }


def _acts(found: dict[int, Payout], people: dict[str, Any], now: datetime) -> dict[str, Any]:
    """One prepared act of each kind; one of them withdrawn would be the same page."""
    by = {"by": people["prep"].pk, "now": now, "note": "The desk has looked at it twice."}
    made = {
        "adjusted": adjust.prepare(
            broker_code=CALCULATED,
            amount=Decimal("-12.50"),
            text="Refund of a fee that was paid twice",
            evidence=[paper("agreement")],
            **by,
        ),
        "voided": void.prepare(broker_code=PREPARED, selection=Selection(trader=700), **by),
        "forfeited": forfeit.prepare(payout_id=found[REJECTED].pk, text="The account is closed.", **by),
        "resolved": resolving.prepare_difference(difference_id=Difference.objects.get().pk, **by),
    }
    return {name: each.pk for name, each in made.items()}


def _park(payout: Payout, now: datetime) -> None:
    """As a calculation that fails leaves it."""
    Payout.objects.filter(pk=payout.pk).update(state="parked")
    WorkItem.objects.filter(run=payout.run_id, broker=payout.broker_id).update(
        state="parked",
        lease_until=None,
        reason="A figure of this month is too large, or has too many digits, to be added exactly.",
        next_step="Look for fills with absurd prices: have them voided. Then press Calculate again.",
    )


def _books(now: datetime) -> None:
    BooksCheck.objects.create(checked_at=now, occasion="nightly", breaches=[], took_ms=12)


def _line(payout: Payout) -> str:
    """The query that opens the fills of the first line."""
    line = payout.lines.order_by("trader", "market", "fee_rate")[0]
    rates = f"fee_rate={line.fee_rate.normalize():f}&affiliate_rate={line.affiliate_rate.normalize():f}"
    return f"?trader={line.trader}&market={line.market}&{rates}"
