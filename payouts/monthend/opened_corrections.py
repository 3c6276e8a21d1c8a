"""What changed of a month after it was calculated: corrections, the fills behind them, and what waits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, cast

from django.db import connection

from payouts.month import Month
from payouts.monthend import queries
from payouts.monthend.corrections import Correction
from payouts.monthend.models import Payout
from payouts.monthend.opened import Opened
from payouts.monthend.opened_fills import Window
from payouts.program.terms import entry_named
from payouts.program.tiers import Tier

#: In the order of booking: drafts come last.
_OF_A_MONTH = """
    SELECT correction.payout_id, month_run.month, correction.cents, later.approved_at IS NOT NULL,
           correction.tier_before, correction.tier_after, later.watermark, later.voids
    FROM payout_correction AS correction JOIN payout AS later ON later.id = correction.payout_id
    JOIN month_run ON month_run.id = later.run_id
    WHERE later.broker_id = %(code)s AND correction.month = %(month)s
    ORDER BY later.approved_at NULLS LAST, month_run.month
"""
#: Fills of the month by now, those that were booked, and those taken out since; the rest came late.
_WAITING = """
    WITH present AS (
        SELECT coalesce(sum(fills), 0) AS fills FROM total_by_month
        WHERE month = %(month)s AND broker_code = %(code)s
    ), moved AS (
        SELECT coalesce(sum(line.fills), 0) AS fills
        FROM payout_correction AS correction JOIN correction_line AS line
          ON line.correction_id = correction.id
        WHERE correction.month = %(month)s AND correction.payout_id = ANY (%(payouts)s)
          AND line.kind IN ('late volume', 'voided fills')
    ), voided AS (
        SELECT count(*) AS fills FROM fill_void
        WHERE broker_code = %(code)s AND executed_at >= %(start)s AND executed_at < %(end)s
          AND NOT id <@ %(voids)s::int8multirange AND batch_id <@ %(batches)s::int8multirange
    )
    SELECT (present.fills - %(fills)s - moved.fills + voided.fills)::bigint, voided.fills::bigint
    FROM present, moved, voided
"""


@dataclass(frozen=True, slots=True)
class Booking:
    """A correction of a month: the later payout that carries it, and the stretch of input behind it."""

    payout_id: int
    #: The month whose payout carries it.
    carried_by: Month
    cents: Decimal
    is_approved: bool
    #: The tier at which late and voided fills of it count, and the month's tier from then on.
    tier_before: Tier
    tier_after: Tier
    #: What had been booked of the corrected month before …
    since: Window
    #: … and what had been seen when this was calculated.
    until: Window


@dataclass(frozen=True, slots=True)
class Waiting:
    """Fills of a month that nothing has booked yet: come late, and taken out."""

    late: int
    voided: int

    def __bool__(self) -> bool:
        return bool(self.late or self.voided)


def bookings(*, broker_code: int, month: Month) -> list[Booking]:
    """Every correction of a calculated month, in the order of booking. Two queries."""
    payout = Payout.objects.filter(run__month=month.first_date, broker=broker_code).first()
    if payout is None:
        return []
    since, found = Window(payout.watermark, payout.voids), []
    ladder = {tier.name: tier for tier in entry_named(payout.terms).ladder}
    for number, later, cents, is_approved, before, after, batches, voids in _rows(
        _OF_A_MONTH, {"code": broker_code, "month": month.first_date}
    ):
        until = Window(batches, voids)
        found.append(
            Booking(
                payout_id=number,
                carried_by=Month.of_date(later),
                cents=cents,
                is_approved=is_approved,
                tier_before=ladder[before],
                tier_after=ladder[after],
                since=since,
                until=until,
            )
        )
        since = until
    return found


def carried(of: Opened) -> list[Correction]:
    """The corrections of earlier months that a payout carries; none of a month that is only looked at."""
    return [] if of.payout_id is None else queries.corrections_of(of.payout_id)


def behind(of: Opened, booked: Sequence[Booking], by: Month | None) -> tuple[Opened, Window]:
    """The month, at the tier that counts, and the stretch of input that late and voided fills are read in.

    Those that the payout of `by` booked; None: those that nothing has booked yet. Raises `LookupError` if
    that payout corrects nothing of the month.
    """
    if by is None:
        if not booked:
            return of, Window()
        return _at(of, booked[-1].tier_after, booked[-1].until), Window()
    found = next((each for each in booked if each.carried_by == by), None)
    if found is None:
        raise LookupError(f"the payout of {by} corrects nothing of {of.month}")
    return _at(of, found.tier_before, found.since), found.until


def _at(of: Opened, tier: Tier, since: Window) -> Opened:
    at_tier = replace(of.of, payout=replace(of.of.payout, tier=tier))
    return replace(of, of=at_tier, batches=since.batches, voids=since.voids)


def waiting(of: Opened, booked: list[Booking]) -> Waiting:
    """What has come or gone since the last booking; nothing of a month that is only looked at."""
    if of.payout_id is None:
        return Waiting(0, 0)
    last = booked[-1].until if booked else Window(of.batches, of.voids)
    [row] = _rows(
        _WAITING,
        {
            "code": of.broker,
            "month": of.month.first_date,
            "start": of.month.starts_at,
            "end": of.month.ends_at,
            "payouts": [each.payout_id for each in booked],
            "fills": of.of.payout.fills,
            "batches": last.batches,
            "voids": last.voids,
        },
    )
    return Waiting(*row)


def booking_of(booked: list[Booking], *, batch_id: int, void_id: int | None) -> Booking | None:
    """The correction that first brought a late fill, or took out a voided one; None while none has."""
    for each in booked:
        is_in = _holds(each.until.batches, batch_id) if void_id is None else _holds(each.until.voids, void_id)
        if is_in:
            return each
    return None


def was_counted(of: Opened, *, batch_id: int, void_id: int | None) -> bool:
    """Whether the month's own figures count a fill."""
    return _holds(of.batches, batch_id) and (void_id is None or not _holds(of.voids, void_id))


def _holds(multirange: str, number: int) -> bool:
    [(found,)] = _rows(
        "SELECT %(number)s::bigint <@ %(of)s::int8multirange", {"number": number, "of": multirange}
    )
    return bool(found)


def _rows(query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cast("list[tuple[Any, ...]]", cursor.fetchall())
