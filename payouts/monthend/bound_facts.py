"""What the bounds of payouts are decided by: read for many payouts at once, from lines where they say it."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from payouts.money import ZERO
from payouts.month import Month
from payouts.monthend.bounds import LARGE_FILL, MOST_FOR_A_MEAN, Facts
from payouts.program.terms import entry_named

#: How many traders, trades and fills a bound names; how many there are is always told.
NAMED = 20

_PAYOUTS = """
    SELECT payout.id, payout.broker_id, month_run.month, payout.terms, payout.tier, payout.payout,
           payout.corrections, payout.amount, payout.fees, payout.volume, payout.fills, broker.account_id,
           EXISTS (SELECT FROM affiliate_check AS said WHERE said.broker_id = broker.code
                   AND said.account_id = broker.account_id AND said.answer = 'affiliate'
                   AND said.answered_at <= %(now)s)
    FROM payout JOIN month_run ON month_run.id = payout.run_id JOIN broker ON broker.code = payout.broker_id
    WHERE payout.id = ANY (%(payouts)s)
"""

#: Of each payout those of the same broker before it, newest first.
_EARLIER = """
    SELECT payout.id, before.payout, before.tier, before.terms
    FROM payout JOIN month_run ON month_run.id = payout.run_id
    JOIN payout AS before ON before.broker_id = payout.broker_id
    JOIN month_run AS its ON its.id = before.run_id AND its.month < month_run.month
    WHERE payout.id = ANY (%(payouts)s) ORDER BY payout.id, its.month DESC
"""

_BY_TRADER = """
    SELECT payout_id, trader, volume, free FROM (
        SELECT payout_id, trader, volume, free,
               row_number() OVER (PARTITION BY payout_id ORDER BY volume DESC, trader) AS by_volume,
               row_number() OVER (PARTITION BY payout_id ORDER BY free DESC, trader) AS by_free
        FROM (SELECT payout_id, trader, sum(volume) AS volume,
                     coalesce(sum(volume) FILTER (WHERE fees = 0), 0) AS free
              FROM payout_line WHERE payout_id = ANY (%(payouts)s) GROUP BY payout_id, trader) AS traders
    ) AS ranked WHERE by_volume = 1 OR (by_free <= %(named)s AND free > 0)
    ORDER BY payout_id, free DESC, trader
"""
_FREE = """
    SELECT payout_id, sum(volume) FROM payout_line
    WHERE payout_id = ANY (%(payouts)s) AND fees = 0 GROUP BY payout_id
"""

#: Only hours whose total is that large can hold such a fill, and the index by time finds those.
_HOURS = """
    SELECT DISTINCT hour FROM total_by_hour
    WHERE broker_code = ANY (%(codes)s) AND hour >= %(start)s AND hour < %(end)s AND volume > %(large)s
    ORDER BY hour
"""
_LARGE = """
    SELECT broker_code, id, price * quantity FROM fill
    WHERE executed_at >= %(start)s AND executed_at < %(end)s AND broker_code = ANY (%(codes)s)
      AND price * quantity > %(large)s
      AND NOT EXISTS (SELECT FROM fill_void WHERE fill_void.fill_id = fill.id)
"""

#: Trades both sides of which came under the same code, the largest first. Grouped rather than joined: a month
#: that has just arrived has no statistics, and then the planner joins by nested loops, for minutes.
_BOTH_SIDES = """
    WITH trades AS (
        SELECT broker_code, symbol, trade_id, sum(price * quantity) AS volume FROM fill
        WHERE executed_at >= %(start)s AND executed_at < %(end)s AND broker_code = ANY (%(codes)s)
          AND NOT EXISTS (SELECT FROM fill_void WHERE fill_void.fill_id = fill.id)
        GROUP BY broker_code, symbol, trade_id
        HAVING bool_or(side = 'Bid') AND bool_or(side = 'Ask')
    ), ranked AS (
        SELECT broker_code, symbol, trade_id, sum(volume) OVER (PARTITION BY broker_code) AS of_all,
               row_number() OVER (PARTITION BY broker_code ORDER BY volume DESC, symbol, trade_id) AS place
        FROM trades
    )
    SELECT broker_code, symbol, trade_id, of_all FROM ranked
    WHERE place <= %(named)s ORDER BY broker_code, place
"""

_WAITING = """
    SELECT broker_code, count(*) FROM quarantine_place
    WHERE state = 'waiting' AND broker_code = ANY (%(codes)s)
      AND coalesce(month, date_trunc('month', received_at AT TIME ZONE 'UTC')::date) = %(month)s
    GROUP BY broker_code
"""


def facts_of(payout_ids: Collection[int], *, now: datetime) -> dict[int, Facts]:
    """The facts of each payout, by its number; of several months each month's fills are read once."""
    months: dict[date, dict[int, int]] = defaultdict(dict)
    found: dict[int, Facts] = {}
    tiers: dict[int, tuple[str, str]] = {}
    for number, code, month, terms, tier, *values, account_id, is_affiliate in _rows(
        _PAYOUTS, payouts=list(payout_ids), now=now
    ):
        months[month][code] = number
        tiers[number] = (tier, terms)
        payout, corrections, amount, fees, volume, fills = values
        found[number] = Facts(
            payout=payout,
            corrections=corrections,
            amount=amount,
            fees=fees,
            volume=volume,
            fills=fills,
            tier=tier,
            is_affiliate=is_affiliate,
            account_id=account_id,
        )
    _add_earlier(found, tiers)
    _add_traders(found)
    for month, payout_of in months.items():
        _add_fills(found, Month.of_date(month), payout_of)
        _add_waiting(found, Month.of_date(month), payout_of)
    return found


def _add_earlier(found: dict[int, Facts], tiers: dict[int, tuple[str, str]]) -> None:
    earlier: dict[int, list[tuple[Decimal, str, str]]] = defaultdict(list)
    for number, *before in _rows(_EARLIER, payouts=list(found)):
        earlier[number].append(tuple(before))
    for number, payouts in earlier.items():
        _, tier, terms = payouts[0]
        found[number] = replace(
            found[number],
            earlier=[payout for payout, _, _ in payouts[:MOST_FOR_A_MEAN]],
            paid_before=sum(payout > 0 for payout, _, _ in payouts),
            tier_before=tier,
            tier_steps=_step(*tiers[number]) - _step(tier, terms),
        )


def _step(tier: str, terms: str) -> int:
    """The place of a tier on the ladder of its terms."""
    return [each.name for each in entry_named(terms).ladder].index(tier)


def _add_traders(found: dict[int, Facts]) -> None:
    for number, volume in _rows(_FREE, payouts=list(found)):
        found[number] = replace(found[number], zero_fee_volume=volume)
    for number, trader, volume, free in _rows(_BY_TRADER, payouts=list(found), named=NAMED):
        facts = found[number]
        if volume > facts.largest_trader_volume:
            facts = replace(facts, largest_trader=trader, largest_trader_volume=volume)
        if free and len(facts.zero_fee_traders) < NAMED:
            facts = replace(facts, zero_fee_traders=[*facts.zero_fee_traders, trader])
        found[number] = facts


def _add_fills(found: dict[int, Facts], month: Month, payout_of: dict[int, int]) -> None:
    within = {"codes": list(payout_of), "start": month.starts_at, "end": month.ends_at}
    large: dict[int, list[tuple[Decimal, int]]] = defaultdict(list)
    for (hour,) in _rows(_HOURS, **within, large=LARGE_FILL):
        one = within | {"start": hour, "end": hour + timedelta(hours=1)}
        for code, fill, volume in _rows(_LARGE, **one, large=LARGE_FILL):
            large[code].append((-volume, fill))
    for code, fills in large.items():
        fills.sort()
        found[payout_of[code]] = replace(
            found[payout_of[code]],
            large_fills=len(fills),
            largest_fill=-fills[0][0],
            large_fill_ids=[fill for _, fill in fills[:NAMED]],
        )
    trades: dict[int, list[tuple[str, int]]] = defaultdict(list)
    volumes: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for code, symbol, trade, volume in _rows(_BOTH_SIDES, **within, named=NAMED):
        trades[code].append((symbol, trade))
        volumes[code] = volume
    for code, number in payout_of.items():
        if code in trades:
            found[number] = replace(
                found[number], both_sides_volume=volumes[code], both_sides_trades=trades[code]
            )


def _add_waiting(found: dict[int, Facts], month: Month, payout_of: dict[int, int]) -> None:
    """Records that wait in quarantine, by whose they say they are.

    Of one whose time cannot be read the month is that of its receipt. One that names no broker, or none of
    these, counts for nobody.
    """
    for code, records in _rows(_WAITING, codes=list(payout_of), month=month.first_date):
        found[payout_of[code]] = replace(found[payout_of[code]], quarantined=records)


def _rows(query: str, **values: Any) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
