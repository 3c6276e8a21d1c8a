"""What the suspended days of a payout's month earned, exact, from the fills that are booked for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection
from django.db.models import Sum

from payouts.desk.money_models import PayoutRelease
from payouts.feed import archive
from payouts.money import EXACT, ZERO, to_cents
from payouts.month import Month
from payouts.monthend import formula
from payouts.monthend.models import Correction, CorrectionLine, Payout
from payouts.program.terms import entry_named

#: What changes the amount of a month: neither days left unpaid nor cents.
_EARNED = (CorrectionLine.Kind.LATE, CorrectionLine.Kind.VOIDED, CorrectionLine.Kind.REPRICING)

#: The frozen input again: batches and voids that the calculation saw, in suspensions of these cases.
_FILLS = """
    SELECT fill.affiliate_rate, count(*), sum(fill.price * fill.quantity), sum(greatest(fill.fee, 0))
    FROM standing_range AS stopped
    JOIN standing_change AS change ON change.id = stopped.change_id AND change.case_id = ANY (%(cases)s)
    JOIN fill ON fill.broker_code = stopped.broker_id
         AND fill.executed_at >= stopped.starts_at
         AND (stopped.ends_at IS NULL OR fill.executed_at < stopped.ends_at)
    WHERE stopped.broker_id = %(code)s AND stopped.kind = 'suspended'
      AND fill.executed_at >= %(starts_at)s AND fill.executed_at < %(ends_at)s
      AND fill.batch_id <@ %(watermark)s::int8multirange
      AND NOT EXISTS (SELECT FROM fill_void AS voided WHERE voided.fill_id = fill.id
                      AND voided.id <@ %(voids)s::int8multirange)
    GROUP BY fill.affiliate_rate
"""


@dataclass(frozen=True, slots=True)
class SuspendedPart:
    """Fills of suspended days: their volume and fees in dollars, and exactly what they earned."""

    fills: int
    volume: Decimal
    fees: Decimal
    amount: Decimal


NOTHING = SuspendedPart(0, ZERO, ZERO, ZERO)


@dataclass(frozen=True, slots=True)
class Booked:
    """What is booked for a payout's month by now: as it was approved, and corrected by later payouts."""

    #: Exact dollars of all its fills, and of those of suspended days that were left unpaid.
    amount: Decimal
    suspended: Decimal
    rebate: Decimal
    #: The batches and voids that it was calculated from last.
    watermark: str
    voids: str


def booked(payout: Payout) -> Booked:
    """The latest approved state of a payout's own month."""
    corrections = Correction.objects.filter(
        payout__broker=payout.broker_id, month=payout.run.month, payout__approved_at__isnull=False
    )
    last = corrections.select_related("payout").order_by("-payout__run__month").first()
    released = (
        PayoutRelease.objects.filter(hold__payout=payout, mode=PayoutRelease.Mode.WITHOUT)
        .order_by("-released_at", "-suspended")
        .first()
    )
    if last is None:
        suspended = released.suspended if released else ZERO
        return Booked(payout.amount, suspended, payout.rebate, payout.watermark, payout.voids)
    lines = CorrectionLine.objects.filter(correction__in=corrections, kind__in=_EARNED)
    changed: Decimal = lines.aggregate(changed=Sum("amount"))["changed"] or ZERO
    is_later = released is not None and released.released_at > _approved_at(last.payout)
    return Booked(
        amount=EXACT.add(payout.amount, changed),
        suspended=released.suspended if released is not None and is_later else last.suspended,
        rebate=next(tier.rebate for tier in entry_named(payout.terms).ladder if tier.name == last.tier_after),
        watermark=last.payout.watermark,
        voids=last.payout.voids,
    )


def of(payout: Payout, *, cases: Iterable[int]) -> SuspendedPart:
    """The part of a payout's own month that was executed while these cases suspended the broker.

    At the tier that the whole month reached: "the tier stays from all volume". Refuses `archive.IsArchived`.
    """
    month, state = Month.of_date(payout.run.month), booked(payout)
    archive.must_be_here(month)
    cap = entry_named(payout.terms).rebate_cap
    fills, volume, fees, amount = 0, ZERO, ZERO, ZERO
    with connection.cursor() as cursor:
        cursor.execute(
            _FILLS,
            {
                "cases": list(cases),
                "code": payout.broker_id,
                "starts_at": month.starts_at,
                "ends_at": month.ends_at,
                "watermark": state.watermark,
                "voids": state.voids,
            },
        )
        for affiliate_rate, its_fills, its_volume, its_fees in cursor.fetchall():
            rate = formula.applied_rate(rebate=state.rebate, affiliate_rate=affiliate_rate, cap=cap)
            fills += its_fills
            volume = EXACT.add(volume, its_volume)
            fees = EXACT.add(fees, its_fees)
            amount = EXACT.add(amount, formula.amount(fees=its_fees, applied_rate=rate))
    return SuspendedPart(fills, volume, fees, amount)


def to_withhold(payout: Payout, suspended: Decimal) -> Decimal:
    """Cents to withhold now, so that what is paid for the month is its amount without the suspended days.

    Both are rounded once, as a whole: earlier releases, corrections and this one together withhold their
    difference.
    """
    state = booked(payout)
    before = to_cents(EXACT.subtract(state.amount, state.suspended))
    return EXACT.subtract(before, to_cents(EXACT.subtract(state.amount, suspended)))


def _approved_at(payout: Payout) -> datetime:
    if payout.approved_at is None:
        raise ValueError("a correction counts once its payout is approved")
    return payout.approved_at
