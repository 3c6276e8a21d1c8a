"""Corrections of approved months: found for many brokers at once, written to the drafts that carry them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from django.db import connection

from payouts.money import EXACT, ZERO
from payouts.month import Month
from payouts.monthend import corrections, models
from payouts.monthend.correction_facts import changed_months
from payouts.monthend.corrections import Correction
from payouts.monthend.writing import UNPREPARED

#: Drafts of later months that carry corrections: from now on the earlier draft does.
_LATER = """
    SELECT DISTINCT payout.id FROM payout JOIN month_run ON month_run.id = payout.run_id
    JOIN payout_correction AS correction ON correction.payout_id = payout.id
    WHERE payout.broker_id = ANY (%s) AND month_run.month > %s AND payout.approved_at IS NULL
"""
_REMOVE = (
    "DELETE FROM correction_line USING payout_correction AS correction"
    " WHERE correction.id = correction_line.correction_id AND correction.payout_id = ANY (%s)",
    "DELETE FROM payout_correction WHERE payout_id = ANY (%s)",
)


def find(*, month: Month, broker_codes: Collection[int]) -> dict[int, list[Correction]]:
    """What each broker's draft of a month carries for approved months before it; changes nothing.

    So that "Σ booked for a month = round(its truth)" once the draft is approved. Only the first draft of a
    broker carries any, so that nothing is corrected twice.
    """
    found: dict[int, list[Correction]] = defaultdict(list)
    for each in changed_months(before=month, broker_codes=broker_codes):
        correction = corrections.correction(
            month=each.approved.month,
            terms=each.approved.terms,
            booked=each.approved.booked,
            changes=each.changes,
            groups=each.groups,
            preceding_volume=each.preceding_volume,
            unpaid=each.unpaid,
        )
        if correction is not None:
            found[each.approved.broker].append(correction)
    return dict(found)


def total(of: Sequence[Correction]) -> Decimal:
    """Cents of a payout's corrections."""
    cents = ZERO
    for each in of:
        cents = EXACT.add(cents, each.cents)
    return cents


def write(*, payouts: Mapping[int, int], found: Mapping[int, Sequence[Correction]]) -> None:
    """Replace the corrections of payouts (broker code → payout id); their sums are written already."""
    _remove(list(payouts.values()))
    pairs = [(each, code) for code, its in sorted(found.items()) for each in its]
    rows = models.Correction.objects.bulk_create(
        [
            models.Correction(
                payout_id=payouts[code],
                month=each.month.first_date,
                tier_before=each.tier_before,
                tier_after=each.tier_after,
                amount=each.amount,
                cents=each.cents,
                suspended=each.suspended,
            )
            for each, code in pairs
        ]
    )
    models.CorrectionLine.objects.bulk_create(
        [
            models.CorrectionLine(
                correction=row,
                kind=line.kind,
                trader=line.trader,
                market=line.market or "",
                fee_rate=line.fee_rate,
                affiliate_rate=line.affiliate_rate,
                fills=line.fills,
                volume=line.volume,
                fees=line.fees,
                rate=line.rate,
                amount=line.amount,
            )
            for row, (each, _) in zip(rows, pairs, strict=True)
            for line in each.lines
        ],
        batch_size=2_000,
    )


def take_from_later_drafts(*, month: Month, broker_codes: Collection[int]) -> None:
    """Drafts of later months that were calculated first give up their corrections and their preparation."""
    with connection.cursor() as cursor:
        cursor.execute(_LATER, [list(broker_codes), month.first_date])
        later = [number for (number,) in cursor.fetchall()]
    if not later:
        return
    _remove(later)
    drafts = models.Payout.objects.filter(pk__in=later)
    calculated, parked = models.Payout.State.CALCULATED, models.Payout.State.PARKED
    drafts.exclude(state=parked).update(state=calculated, corrections=ZERO, **UNPREPARED)
    drafts.filter(state=parked).update(corrections=ZERO)


def _remove(payout_ids: list[int]) -> None:
    with connection.cursor() as cursor:
        for statement in _REMOVE:
            cursor.execute(statement, [payout_ids])
