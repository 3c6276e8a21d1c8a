"""Payouts on their way to approval, with everything said that a test does not care for."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from payouts.desk import adjust as adjusting
from payouts.desk import approve as approving
from payouts.desk import prepare as preparing
from payouts.desk import review
from payouts.models import (
    Adjustment,
    BoundAcknowledgement,
    Correction,
    CorrectionLine,
    Entry,
    Line,
    Payout,
    PayoutBound,
    PayoutHold,
    Proposal,
)
from payouts.monthend.bounding import bounds_of
from payouts.refusal import Refusal
from tests import make
from tests.payouts.desk.case_making import paper
from tests.payouts.desk.standing_acts import NOON, person

OCTOBER = date(2026, 10, 1)


def prepare(*payouts: Payout, by: str = "pia", **changes: Any) -> list[Payout]:
    given: dict[str, Any] = {"payout_ids": [each.pk for each in payouts], "by": person(by), "now": NOON}
    return preparing.prepare(**given | changes)


def unprepare(*payouts: Payout, by: str = "pia") -> list[Payout]:
    return preparing.unprepare(payout_ids=[each.pk for each in payouts], by=person(by), now=NOON)


def shown(*payouts: Payout) -> str:
    return approving.shown([each.pk for each in payouts])


def approve(*payouts: Payout, by: str = "quentin", **changes: Any) -> list[Payout]:
    given: dict[str, Any] = {"payout_ids": [each.pk for each in payouts], "by": person(by), "now": NOON}
    if "shown" not in changes:
        given["shown"] = shown(*payouts)
    return approving.approve(**given | changes)


def approved(*payouts: Payout) -> list[Payout]:
    """Both halves, by two people."""
    prepare(*payouts)
    return approve(*payouts)


def line(payout: Payout, amount: str = "1.00", trader: int = 7) -> Line:
    return Line.objects.create(
        payout=payout,
        trader=trader,
        market="spot",
        fee_rate="0.001",
        affiliate_rate=0,
        fills=1,
        volume=Decimal(amount) * 5000,
        fees=Decimal(amount) * 5,
        applied_rate="0.2",
        bound_by="tier",
        amount=amount,
    )


def correction(payout: Payout, cents: str, month: date = date(2026, 9, 1)) -> Correction:
    made = Correction.objects.create(
        payout=payout, month=month, tier_before="BKR 0", tier_after="BKR 0", amount=cents, cents=cents
    )
    is_late = Decimal(cents) > 0
    CorrectionLine.objects.create(
        correction=made,
        kind="late volume" if is_late else "voided fills",
        trader=7,
        market="spot",
        fee_rate="0.001",
        affiliate_rate=0,
        fills=1 if is_late else -1,
        fees=Decimal(cents) * 5,
        rate="0.2",
        amount=cents,
    )
    total = sum(each.cents for each in Correction.objects.filter(payout=payout))
    Payout.objects.filter(pk=payout.pk).update(corrections=total)
    return made


def bound(payout: Payout, name: str = "very large fill", value: str = "11000000 USD") -> PayoutBound:
    return PayoutBound.objects.create(payout=payout, name=name, value=value, limit="10000000 USD")


def acknowledge(payout: Payout, **changes: str) -> BoundAcknowledgement:
    given = {"name": "very large fill", "value": "11000000 USD", "note": "a block trade, agreed before"}
    return review.acknowledge(payout_id=payout.pk, by=person(), now=NOON, **given | changes)


def acknowledge_all(payout: Payout) -> None:
    for each in bounds_of(payout.pk):
        acknowledge(payout, name=each.name, value=each.value, note="looked at")


def adjust(broker_code: int, amount: str, text: str = "a fee that was charged twice") -> Adjustment:
    """Confirmed by two people."""
    proposal = propose(broker_code, amount, text)
    adjusting.confirm(
        proposal_id=proposal.pk, shown=adjusting.shown(proposal.pk), by=person("vera"), now=NOON
    )
    return Adjustment.objects.get(proposal=proposal)


def propose(broker_code: int, amount: str, text: str = "a fee that was charged twice") -> Proposal:
    return adjusting.prepare(
        broker_code=broker_code,
        amount=Decimal(amount),
        text=text,
        note="asked for by the broker",
        evidence=[paper()],
        by=person("walt"),
        now=NOON,
    )


def hold(payout: Payout) -> PayoutHold:
    """Held by a case, as rows."""
    return PayoutHold.objects.create(
        payout=payout, case=make.suspended(payout.broker, NOON).case, held_at=NOON
    )


def booked() -> list[tuple[str, str, str, str, str]]:
    """The journal: kind, month, reference without the payout's number, account, amount."""
    rows = Entry.objects.order_by("pk").select_related("transaction")
    return [
        (
            row.transaction.kind,
            f"{row.transaction.month:%Y-%m}" if row.transaction.month else "",
            row.transaction.reference.split(":", 2)[2] if row.transaction.reference.count(":") > 1 else "",
            row.account,
            format(row.amount, "f"),
        )
        for row in rows
    ]


def settle() -> None:
    """What the database would say at the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def refusal(act: Any, *payouts: Payout, **changes: Any) -> type[Refusal] | None:
    """By which refusal an act says no; None if it does not."""
    try:
        act(*payouts, **changes)
    except Refusal as refused:
        return type(refused)
    return None


def states(payouts: Sequence[Payout]) -> list[str]:
    return [Payout.objects.get(pk=each.pk).state for each in payouts]
