"""Tells a story about money through the engine's own actions, with the simulated exchange over real HTTP.

Every fill of a story is 10,000 USD of volume unless it says otherwise and is charged 0.1 %, so that 100 fills
are a million. What came of it is read back as plain rows: the ledger, statements, payouts, credits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from payouts import books
from payouts.desk import adjust, approve, forfeit, hold, prepare, release, retry, review, void
from payouts.desk.void import Selection
from payouts.models import (
    CorrectionLine,
    Fill,
    Line,
    Payout,
    PayoutBound,
    PayoutHold,
    StandingChange,
    Transaction,
    WorkItem,
)
from payouts.money import ZERO, plain, two_places
from payouts.month import Month
from payouts.monthend import actions as monthend
from payouts.program.terms import Terms
from portal.simulator.credit_faults import Fault
from tests import make
from tests.payouts.desk import standing_acts as acts
from tests.payouts.desk.case_making import paper
from tests.payouts.desk.standing_acts import person
from tests.payouts.settlement.scene import Scene, on_stage


def at(text: str) -> datetime:
    """An instant of 2026, like "10-02T09:00"."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


class Story:
    """One broker, 1400, from its fills to its credits. Time goes on only as it is told."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        scene.clock.to(at("09-01T00:00"))
        self.broker = scene.broker(1400)

    # What happens.

    def on(self, moment: str) -> None:
        """Time goes on; of a broker that is stopped by then everything is held."""
        self.scene.clock.to(at(moment))
        hold.hold_due(now=self.now)

    def fills(self, day: str, volume: int = 10_000, **changes: Any) -> None:
        """One fill at noon of so many dollars, charged 0.1 %; it arrives at once, or late if told late."""
        self.scene.clock.to(max(self.now, at(f"{day}T12:00")))
        record = {"price": str(volume), "timestamp": f"2026-{day}T12:00:00Z"} | changes
        make.fills(make.record(**record), now=self.now)

    def close(self, month: str, *, terms: Terms | None = None) -> None:
        """Calculate a month, as often as it takes."""
        monthend.calculate(month=Month.parse(month), now=self.now, terms=terms)
        hold.hold_due(now=self.now)

    def approve(self, month: str) -> Payout:
        """What is unusual is acknowledged, one person prepares and another approves."""
        payout = self.payout(month)
        for bound in PayoutBound.objects.filter(payout=payout):
            review.acknowledge(
                payout_id=payout.pk, name=bound.name, value=bound.value, note="in order", by=person("walt"),
                now=self.now,
            )  # fmt: skip
        prepare.prepare(payout_ids=[payout.pk], by=person("pia"), now=self.now)
        shown = approve.shown([payout.pk])
        approve.approve(payout_ids=[payout.pk], shown=shown, by=person("quentin"), now=self.now)
        return self.payout(month)

    def send(self) -> int:
        return self.scene.send()

    def rejects_the_next_credit(self) -> None:
        self.scene.there.faults.will(Fault.REJECTS)

    def retry(self, month: str) -> None:
        retry.retry(payout_id=self.payout(month).pk, by=person("walt"), now=self.now)

    def suspend(self, **changes: Any) -> StandingChange:
        return acts.suspend(self.broker, now=self.now, **changes)

    def lift(self, suspension: StandingChange) -> None:
        acts.lift(suspension, now=self.now)

    def terminate(self) -> None:
        acts.terminate(self.broker, now=self.now)
        hold.hold_due(now=self.now)

    def release(self, month: str, mode: str) -> None:
        held = PayoutHold.objects.get(payout=self.payout(month), release__isnull=True)
        self._by_two(release, hold_id=held.pk, mode=mode)

    def forfeit(self, month: str) -> None:
        self._by_two(forfeit, payout_id=self.payout(month).pk)

    def void(self, day: str) -> None:
        """Every fill of a day."""
        begins = at(f"{day}T00:00")
        ids = Fill.objects.filter(executed_at__gte=begins, executed_at__lt=begins + timedelta(days=1))
        selection = Selection(ids=tuple(ids.values_list("pk", flat=True)))
        self._by_two(void, broker_code=1400, selection=selection)

    def adjust(self, amount: str, text: str) -> None:
        self._by_two(adjust, broker_code=1400, amount=Decimal(amount), text=text, evidence=[paper()])

    def _by_two(self, act: Any, **given: Any) -> None:
        made = act.prepare(note="seen by two of us", by=person("pia"), now=self.now, **given)
        act.confirm(proposal_id=made.pk, shown=act.shown(made.pk), by=person("quentin"), now=self.now)

    # What came of it.

    @property
    def now(self) -> datetime:
        return self.scene.clock()

    def payout(self, month: str) -> Payout:
        return Payout.objects.get(broker=1400, run__month=Month.parse(month).first_date)

    def state(self, month: str) -> str:
        return self.payout(month).state

    def ledger(self) -> list[str]:
        """Every row, oldest first: what, of which month, and what moved where."""
        rows = Transaction.objects.filter(broker=1400).order_by("pk").prefetch_related("entries")
        return [_row(row) for row in rows]

    def statement(self, month: str) -> list[str]:
        """A month's own lines, then the lines of its corrections, then what is due."""
        payout = self.payout(month)
        told = [
            f"{row.trader} {row.market} {plain(row.fee_rate)}: {row.fills} fills {plain(row.volume)} USD,"
            f" fees {plain(row.fees)} x {plain(row.applied_rate)} = {plain(row.amount)}"
            for row in Line.objects.filter(payout=payout).order_by("trader", "market", "fee_rate")
        ]
        for line in CorrectionLine.objects.filter(correction__payout=payout).order_by(
            "correction__month", "pk"
        ):
            of = f"{line.correction.month:%Y-%m} {line.kind}"
            rate = "" if line.rate is None else f"{plain(line.fees)} x {plain(line.rate)} = "
            told.append(f"{of}: {line.fills} fills, {rate}{plain(line.amount)}")
        told.append(
            f"{payout.tier}: carried {two_places(payout.carried or ZERO)}, adjustments"
            f" {two_places(payout.adjustments or ZERO)}, month {two_places(payout.payout)}, corrections"
            f" {two_places(payout.corrections)}, due {two_places(payout.due or ZERO)}"
        )
        return told

    def credits(self) -> list[str]:
        """What the exchange really credited."""
        return [f"{account} {two_places(amount)}" for account, amount in self.scene.listed()]

    def item(self, month: str) -> WorkItem:
        return WorkItem.objects.get(broker=1400, run__month=Month.parse(month).first_date)


def _row(row: Transaction) -> str:
    moved = ", ".join(f"{each.account} {each.amount:+f}" for each in row.entries.order_by("account"))
    return f"{row.kind} {row.month:%Y-%m}: {moved}" if row.month else f"{row.kind}: {moved}"


@contextmanager
def told() -> Iterator[Story]:
    """A story; at its end every book is sound."""
    with on_stage() as scene:
        story = Story(scene)
        yield story
        assert books.breaches() == []
