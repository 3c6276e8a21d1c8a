"""Reads what corrections are made of: for all brokers at once, and details only of months that changed."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from payouts.money import ZERO
from payouts.month import Month
from payouts.monthend.calculation import Group, paying_tier
from payouts.monthend.corrections import Booked, Change, Part
from payouts.monthend.queries import terms_of
from payouts.program.terms import Terms

#: Approved months of brokers before a month, as they were booked: with their approved corrections, and with
#: what the last release or correction left unpaid. Of brokers that have no earlier draft: it comes first.
_APPROVED = """
    WITH approved AS (
        SELECT payout.id, payout.broker_id, month_run.month, payout.tier, payout.terms,
               payout.preceding_volume IS NOT NULL AS by_preceding, payout.fills,
               payout.payout - payout.withheld AS cents, payout.watermark, payout.voids
        FROM payout JOIN month_run ON month_run.id = payout.run_id
        WHERE payout.broker_id = ANY (%(codes)s) AND month_run.month < %(month)s
          AND payout.approved_at IS NOT NULL AND payout.state <> 'forfeited'
          AND NOT EXISTS (SELECT FROM payout AS earlier JOIN month_run AS its ON its.id = earlier.run_id
                          WHERE earlier.broker_id = payout.broker_id AND its.month < %(month)s
                            AND earlier.approved_at IS NULL)
    ), corrected AS (
        SELECT later.broker_id, correction.month, correction.id, correction.cents, correction.suspended,
               correction.tier_after, later.watermark, later.voids, later.approved_at,
               row_number() OVER (PARTITION BY later.broker_id, correction.month
                                  ORDER BY later.approved_at DESC, month_run.month DESC) AS newest
        FROM payout AS later JOIN month_run ON month_run.id = later.run_id
        JOIN payout_correction AS correction ON correction.payout_id = later.id
        WHERE later.broker_id = ANY (%(codes)s) AND later.approved_at IS NOT NULL
    ), moved AS (
        SELECT corrected.broker_id, corrected.month, sum(line.fills) AS fills
        FROM corrected JOIN correction_line AS line ON line.correction_id = corrected.id
             AND line.kind IN ('late volume', 'voided fills')
        GROUP BY corrected.broker_id, corrected.month
    ), booked AS (
        SELECT broker_id, month, sum(cents) AS cents FROM corrected GROUP BY broker_id, month
    ), released AS (
        SELECT DISTINCT ON (held.payout_id) held.payout_id, ended.suspended, ended.released_at
        FROM approved JOIN payout_hold AS held ON held.payout_id = approved.id
        JOIN payout_release AS ended ON ended.hold_id = held.id AND ended.mode = 'without suspended days'
        ORDER BY held.payout_id, ended.released_at DESC, ended.suspended DESC
    )
    SELECT approved.id, approved.broker_id, approved.month, coalesce(last.tier_after, approved.tier),
           approved.terms, approved.by_preceding, approved.fills + coalesce(moved.fills, 0),
           approved.cents + coalesce(booked.cents, 0),
           CASE WHEN released.released_at > coalesce(last.approved_at, '-infinity') THEN released.suspended
                ELSE coalesce(last.suspended, 0) END,
           released.payout_id IS NOT NULL, coalesce(last.watermark, approved.watermark),
           coalesce(last.voids, approved.voids)
    FROM approved
    LEFT JOIN corrected AS last ON last.broker_id = approved.broker_id AND last.month = approved.month
         AND last.newest = 1
    LEFT JOIN moved ON moved.broker_id = approved.broker_id AND moved.month = approved.month
    LEFT JOIN booked ON booked.broker_id = approved.broker_id AND booked.month = approved.month
    LEFT JOIN released ON released.payout_id = approved.id
    ORDER BY approved.broker_id, approved.month
"""

_WANTED = """
    wanted AS (
        SELECT id, code, month, month::timestamp AT TIME ZONE 'UTC' AS starts_at,
               (month + interval '1 month') AT TIME ZONE 'UTC' AS ends_at,
               batches::int8multirange AS batches, voids::int8multirange AS voids
        FROM unnest(%(ids)s::bigint[], %(codes)s::integer[], %(months)s::date[], %(batches)s::text[],
                    %(voids)s::text[]) AS named (id, code, month, batches, voids)
    )
"""
#: One step down the index of totals for each month of a broker.
_NOW = """
    SELECT id, coalesce(fills, 0)::bigint, coalesce(volume, 0)
    FROM unnest(%s::bigint[], %s::integer[], %s::date[]) AS wanted (id, code, month),
    LATERAL (SELECT sum(fills) AS fills, sum(volume) AS volume FROM total_by_rate AS total
             WHERE total.month = wanted.month AND total.broker_code = wanted.code) AS present
"""
_VOIDED_SINCE = f"""
    WITH {_WANTED}
    SELECT DISTINCT wanted.id FROM wanted JOIN fill_void AS voided ON voided.broker_code = wanted.code
        AND voided.executed_at >= wanted.starts_at AND voided.executed_at < wanted.ends_at
        AND NOT voided.id <@ wanted.voids
"""
_CHANGES = f"""
    WITH {_WANTED}, present AS (
        SELECT wanted.id, trader, market, fee_rate, affiliate_rate, fills, volume, fees
        FROM wanted JOIN total_by_rate AS total
            ON total.month = wanted.month AND total.broker_code = wanted.code
    ), past AS (
        SELECT id, trader, market, fee_rate, affiliate_rate, sum(fills) AS fills, sum(volume) AS volume,
               sum(fees) AS fees
        FROM (
            SELECT wanted.id, trader, market, fee_rate, affiliate_rate, fills, volume, fees
            FROM wanted JOIN payout_line AS line ON line.payout_id = wanted.id
            UNION ALL
            SELECT wanted.id, line.trader, line.market, line.fee_rate, line.affiliate_rate, line.fills,
                   line.volume, line.fees
            FROM wanted
            JOIN payout AS later ON later.broker_id = wanted.code AND later.approved_at IS NOT NULL
            JOIN payout_correction AS correction ON correction.payout_id = later.id
                 AND correction.month = wanted.month
            JOIN correction_line AS line ON line.correction_id = correction.id
                 AND line.kind IN ('late volume', 'voided fills')
        ) AS parts GROUP BY 1, 2, 3, 4, 5
    ), voided AS (
        SELECT wanted.id, trader, market, fee_rate, affiliate_rate, count(*) AS fills,
               sum(volume) AS volume, sum(greatest(fee, 0)) AS fees
        FROM wanted JOIN fill_void AS voided ON voided.broker_code = wanted.code
            AND voided.executed_at >= wanted.starts_at AND voided.executed_at < wanted.ends_at
            AND NOT voided.id <@ wanted.voids AND voided.batch_id <@ wanted.batches
        GROUP BY 1, 2, 3, 4, 5
    )
    SELECT id, trader, market, fee_rate, affiliate_rate,
           (coalesce(present.fills, 0) - coalesce(past.fills, 0) + coalesce(voided.fills, 0))::bigint,
           coalesce(present.volume, 0) - coalesce(past.volume, 0) + coalesce(voided.volume, 0),
           coalesce(present.fees, 0) - coalesce(past.fees, 0) + coalesce(voided.fees, 0),
           coalesce(voided.fills, 0)::bigint, coalesce(voided.volume, 0), coalesce(voided.fees, 0)
    FROM present FULL JOIN past USING (id, trader, market, fee_rate, affiliate_rate)
    FULL JOIN voided USING (id, trader, market, fee_rate, affiliate_rate)
    WHERE voided.fills IS NOT NULL
       OR (coalesce(present.fills, 0), coalesce(present.volume, 0), coalesce(present.fees, 0))
          <> (coalesce(past.fills, 0), coalesce(past.volume, 0), coalesce(past.fees, 0))
"""
_GROUPS = f"""
    WITH {_WANTED}
    SELECT wanted.id, market, affiliate_rate, sum(fills)::bigint, sum(volume), sum(fees)
    FROM wanted JOIN total_by_rate AS total ON total.month = wanted.month
        AND total.broker_code = wanted.code AND total.fills > 0
    GROUP BY 1, 2, 3
"""
#: Fills of the days that the cases suspended which released the payout without them.
_UNPAID = f"""
    WITH {_WANTED}
    SELECT wanted.id, fill.market, fill.affiliate_rate, count(*), sum(fill.price * fill.quantity),
           sum(greatest(fill.fee, 0))
    FROM wanted JOIN payout_hold AS held ON held.payout_id = wanted.id
    JOIN payout_release AS ended ON ended.hold_id = held.id AND ended.mode = 'without suspended days'
    JOIN standing_change AS change ON change.case_id = held.case_id
    JOIN standing_range AS stopped ON stopped.change_id = change.id AND stopped.kind = 'suspended'
         AND stopped.broker_id = wanted.code
    JOIN fill ON fill.broker_code = wanted.code
         AND fill.executed_at >= greatest(stopped.starts_at, wanted.starts_at)
         AND fill.executed_at < least(coalesce(stopped.ends_at, wanted.ends_at), wanted.ends_at)
    WHERE NOT EXISTS (SELECT FROM fill_void WHERE fill_void.fill_id = fill.id)
    GROUP BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class ApprovedMonth:
    """A broker's approved month, and the input that its booked figures came from."""

    payout_id: int
    broker: int
    month: Month
    terms: Terms
    booked: Booked
    #: Fills that are booked.
    fills: int
    #: Whether a release left suspended days unpaid.
    is_without: bool
    batches: str
    voids: str


@dataclass(frozen=True, slots=True)
class ChangedMonth:
    """One of them whose truth may have moved, with everything that says where to."""

    approved: ApprovedMonth
    changes: Sequence[Change]
    groups: Sequence[Group]
    preceding_volume: Decimal
    unpaid: Sequence[Group]


def changed_months(*, before: Month, broker_codes: Collection[int]) -> list[ChangedMonth]:
    """Approved months of brokers before a month that late fills, voids or another month's tier have moved.

    A broker with a draft of an earlier month has none: that draft carries its corrections.
    """
    approved = _approved(before, broker_codes)
    if not approved:
        return []
    present = _volumes([(each.broker, each.month) for each in approved])
    preceding = _volumes([(each.broker, _before(each.month)) for each in approved if _by_preceding(each)])
    voided = {number for (number,) in _read(_VOIDED_SINCE, approved)}

    def preceding_volume(of: ApprovedMonth) -> Decimal:
        return preceding.get((of.broker, _before(of.month)), (0, ZERO))[1]

    changed = [
        each
        for each in approved
        if each.payout_id in voided
        or each.is_without
        or present[each.broker, each.month][0] != each.fills
        or (_by_preceding(each) and _tier_by(each, preceding_volume(each)) != each.booked.tier.name)
    ]
    if not changed:
        return []
    changes, groups, unpaid = _changes(changed), _groups(_GROUPS, changed), _groups(_UNPAID, changed)
    return [
        ChangedMonth(
            approved=each,
            changes=changes[each.payout_id],
            groups=groups[each.payout_id],
            preceding_volume=preceding_volume(each),
            unpaid=unpaid[each.payout_id],
        )
        for each in changed
    ]


def _approved(before: Month, codes: Collection[int]) -> list[ApprovedMonth]:
    with connection.cursor() as cursor:
        cursor.execute(_APPROVED, {"codes": list(codes), "month": before.first_date})
        return [_approved_month(*row) for row in cursor.fetchall()]


def _approved_month(
    number: int,
    broker: int,
    month: date,
    tier: str,
    terms: str,
    by_preceding: bool,
    fills: int,
    cents: Decimal,
    suspended: Decimal,
    is_without: bool,
    batches: str,
    voids: str,
) -> ApprovedMonth:
    of_month = terms_of(terms, by_preceding=by_preceding)
    return ApprovedMonth(
        payout_id=number,
        broker=broker,
        month=Month.of_date(month),
        terms=of_month,
        booked=Booked(
            tier=next(each for each in of_month.ladder if each.name == tier), cents=cents, suspended=suspended
        ),
        fills=int(fills),
        is_without=is_without,
        batches=batches,
        voids=voids,
    )


def _by_preceding(of: ApprovedMonth) -> bool:
    return of.terms.tier_basis == "preceding_month"


def _before(month: Month) -> Month:
    return month if month == Month(1, 1) else month.previous()


def _tier_by(of: ApprovedMonth, preceding_volume: Decimal) -> str:
    return paying_tier(terms=of.terms, volume=ZERO, preceding_volume=preceding_volume).name


def _volumes(wanted: Sequence[tuple[int, Month]]) -> dict[tuple[int, Month], tuple[int, Decimal]]:
    """Fills and volume of each broker and month by now."""
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            _NOW,
            [
                list(range(len(wanted))),
                [code for code, _ in wanted],
                [month.first_date for _, month in wanted],
            ],
        )
        return {wanted[number]: (fills, volume) for number, fills, volume in cursor.fetchall()}


def _changes(months: Sequence[ApprovedMonth]) -> dict[int, list[Change]]:
    found: dict[int, list[Change]] = defaultdict(list)
    for number, trader, market, fee_rate, affiliate_rate, *parts in _read(_CHANGES, months):
        change = Change(trader, market, fee_rate, affiliate_rate, Part(*parts[:3]), Part(*parts[3:]))
        found[number].append(change)
    return found


def _groups(query: str, months: Sequence[ApprovedMonth]) -> dict[int, list[Group]]:
    found: dict[int, list[Group]] = defaultdict(list)
    for number, *group in _read(query, months):
        found[number].append(Group(*group))
    return found


def _read(query: str, months: Sequence[ApprovedMonth]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(
            query,
            {
                "ids": [each.payout_id for each in months],
                "codes": [each.broker for each in months],
                "months": [each.month.first_date for each in months],
                "batches": [each.batches for each in months],
                "voids": [each.voids for each in months],
            },
        )
        return list(cursor.fetchall())
