"""Acts about money with everything said that a test does not care for; and payouts on their way."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from payouts.desk import adjust, forfeit, release, void
from payouts.desk import approve as approving
from payouts.desk import prepare as preparing
from payouts.ledger import queries
from payouts.models import Broker, CaseEntry, Payout, Proposal
from payouts.month import Month
from payouts.monthend import actions as monthend
from tests import make
from tests.payouts.desk.case_making import paper
from tests.payouts.desk.standing_acts import person

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
OCTOBER = Month(2026, 10)

#: Each act by its kind, as its module.
ACTS: dict[str, Any] = {"release": release, "forfeit": forfeit, "void": void, "adjust": adjust}


def pia() -> int:
    """Who prepares."""
    return person("pia")


def quentin() -> int:
    """Who confirms."""
    return person("quentin")


def calculated(broker: Broker, month: Month = OCTOBER, *, now: datetime = NOON) -> Payout:
    """The payout of a month as a calculation of the books as they stand leaves it."""
    monthend.calculate(month=month, now=now)
    return Payout.objects.get(run__month=month.first_date, broker=broker)


def approved(payout: Payout, *, at: datetime = NOON) -> Payout:
    """The payout prepared, approved and booked, whatever bounds it breaks."""
    for bound in payout.bounds.all():
        payout.acknowledgements.create(
            name=bound.name, value=bound.value, note="seen by two of us", by_id=pia(), at=at
        )
    preparing.prepare(payout_ids=[payout.pk], by=pia(), now=at)
    approving.approve(payout_ids=[payout.pk], shown=approving.shown([payout.pk]), by=quentin(), now=at)
    payout.refresh_from_db()
    return payout


def row(broker: Broker, amount: str, month: str = "2026-10", *, at: datetime = NOON) -> Payout:
    """An approved payout of so many dollars without lines."""
    return approved(make.payout(broker, month, amount), at=at)


def earned(broker: Broker, amount: str) -> Payout:
    """The same with a fill, at BKR 0, in October."""
    price = Decimal(amount) * 5_000
    make.fills(make.record(brokerId=broker.code, price=f"{price:f}", timestamp="2026-10-05T12:00:00Z"))
    return approved(calculated(broker))


def prepare(kind: str, *, now: datetime = NOON, by: int | None = None, **given: Any) -> Proposal:
    if kind == "adjust":
        given = {"text": "Agreed in writing", "evidence": [paper()], **given}
    made: Proposal = ACTS[kind].prepare(note="seen by two of us", by=by or pia(), now=now, **given)
    return made


def confirm(proposal: Proposal, *, now: datetime = LATER, by: int | None = None) -> Any:
    act = ACTS[proposal.kind]
    return act.confirm(proposal_id=proposal.pk, shown=act.shown(proposal.pk), by=by or quentin(), now=now)


def done(kind: str, **given: Any) -> Any:
    """Both halves."""
    return confirm(prepare(kind, **given))


def accounts(broker: Broker) -> dict[str, Decimal]:
    """The broker's balances that are not zero."""
    return {name: amount for name, amount in queries.balances([broker.code])[broker.code].items() if amount}


def booked(broker: Broker) -> list[tuple[str, str, dict[str, Decimal]]]:
    """The broker's ledger, oldest first: kind, reference, and what moved where."""
    return [
        (each.kind, each.reference, {side.account: side.amount for side in each.postings})
        for each in reversed(queries.transactions_of(broker.code))
    ]


def entries_of(case_id: int) -> list[tuple[str, str]]:
    return list(CaseEntry.objects.filter(case=case_id).order_by("pk").values_list("kind", "text"))
