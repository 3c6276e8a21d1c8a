"""A broker's month opened: what its payout is the sum of, from a run or from the totals as they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from django.db import connection

from payouts.month import Month
from payouts.monthend import arms, queries
from payouts.monthend.arms import Arm
from payouts.monthend.calculation import Group, Line
from payouts.monthend.models import Payout
from payouts.monthend.queries import BrokerMonth
from payouts.program.terms import Market

#: Text of an `int8multirange` that holds every batch, or every void.
EVERY = "{(,)}"

_STORED = """
    SELECT trader, market, fee_rate, affiliate_rate, fills, volume, fees, applied_rate, bound_by, amount
    FROM payout_line WHERE payout_id = %(payout)s
"""
#: The rules give a rate for each affiliate rate; the database multiplies, exactly.
_STANDING = """
    SELECT total.trader, total.market, total.fee_rate, total.affiliate_rate, total.fills, total.volume,
           total.fees, given.applied_rate, given.bound_by, total.fees * given.applied_rate AS amount
    FROM total_by_rate AS total
    JOIN unnest(%(affiliate_rates)s::numeric[], %(applied_rates)s::numeric[], %(arms)s::text[])
         AS given (affiliate_rate, applied_rate, bound_by) ON given.affiliate_rate = total.affiliate_rate
    WHERE total.month = %(month)s AND total.broker_code = %(code)s AND total.fills > 0
"""
_GROUPS = """
    SELECT market, affiliate_rate, applied_rate, bound_by, count(*), count(DISTINCT trader),
           sum(fills)::bigint, sum(volume), sum(fees), sum(amount)
    FROM ({lines}) AS line GROUP BY 1, 2, 3, 4 ORDER BY 1, 2
"""
#: The largest first. Ties stand in an order that says nothing of the traders' numbers.
_PLACE = (
    'amount, volume, fees, hashint8extended(trader, %(seed)s), market COLLATE "C", fee_rate, affiliate_rate'
)
_LINES = f"""
    SELECT trader, market, fee_rate, affiliate_rate, fills, volume, fees, applied_rate, bound_by, amount
    FROM ({{lines}}) AS line WHERE {{where}} ORDER BY ({_PLACE}) DESC LIMIT %(limit)s
"""
_BEHIND = f"""({_PLACE}) < (
    SELECT {_PLACE} FROM ({{lines}}) AS last
    WHERE trader = %(after_trader)s::bigint AND market = %(after_market)s AND fee_rate = %(after_fee_rate)s
      AND affiliate_rate = %(after_affiliate_rate)s)"""
_SUMS = """
    SELECT count(*), coalesce(sum(fills), 0)::bigint, coalesce(sum(volume), 0), coalesce(sum(fees), 0),
           coalesce(sum(amount), 0)
    FROM ({lines}) AS line WHERE {where}
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """A month and the input that its figures are the sums of."""

    of: BrokerMonth
    #: None of a month that is only looked at.
    payout_id: int | None
    #: Text of `int8multirange`s: the batches that count, and the voids that do not.
    batches: str
    voids: str

    @property
    def month(self) -> Month:
        return self.of.month

    @property
    def broker(self) -> int:
        return self.of.broker

    @property
    def is_live(self) -> bool:
        return self.payout_id is None

    def arm(self, affiliate_rate: Decimal) -> Arm:
        """Which arm binds at an affiliate rate, by the month's own terms and tier."""
        return arms.arm(
            rebate=self.of.tier.rebate, affiliate_rate=affiliate_rate, cap=self.of.terms.rebate_cap
        )


@dataclass(frozen=True, slots=True)
class LineGroup:
    """The lines of a month that share market and affiliate rate, and so the arm that bound them; exact."""

    market: Market
    affiliate_rate: Decimal
    applied_rate: Decimal
    bound_by: str
    lines: int
    traders: int
    fills: int
    volume: Decimal
    fees: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class LineKey:
    """What names a line within a month."""

    trader: int
    market: str
    fee_rate: Decimal
    affiliate_rate: Decimal


@dataclass(frozen=True, slots=True)
class Which:
    """Which lines of a month: None leaves all."""

    market: str | None = None
    affiliate_rate: Decimal | None = None
    trader: int | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """What some lines come to; exact dollars."""

    lines: int
    fills: int
    volume: Decimal
    fees: Decimal
    amount: Decimal


def opened(*, broker_code: int, month: Month) -> Opened:
    """The month as its run calculated it, else as it stands. Two queries of one, four of the other."""
    row = Payout.objects.filter(run__month=month.first_date, broker=broker_code).first()
    if row is None:
        return Opened(queries.month_so_far(broker_code=broker_code, month=month), None, EVERY, EVERY)
    [of] = queries.calculated(month=month, broker_code=broker_code)
    return Opened(of, row.pk, row.watermark, row.voids)


def groups(of: Opened) -> list[LineGroup]:
    """What the payout's exact amount is the sum of: futures before spot, lowest affiliate rate first."""
    source, values = _source(of)
    return [LineGroup(*row) for row in _rows(_GROUPS.format(lines=source), values)]


def sums(of: Opened, which: Which) -> Sums:
    """What these lines come to."""
    source, values = _source(of)
    where, more = _where(which)
    [row] = _rows(_SUMS.format(lines=source, where=where), values | more)
    return Sums(*row)


def lines(of: Opened, which: Which, *, seed: int, limit: int, after: LineKey | None = None) -> list[Line]:
    """Lines of a month, the largest amount first, behind one of them; none behind one that is not there.

    `seed`, which nobody else knows, orders lines of the same amount.
    """
    source, values = _source(of)
    where, more = _where(which)
    more |= {"seed": seed, "limit": limit}
    if after is not None:
        where = f"{where} AND {_BEHIND.format(lines=source)}"
        more |= {
            "after_trader": after.trader,
            "after_market": after.market,
            "after_fee_rate": after.fee_rate,
            "after_affiliate_rate": after.affiliate_rate,
        }
    return [Line(*row) for row in _rows(_LINES.format(lines=source, where=where), values | more)]


def line(of: Opened, key: LineKey) -> Line | None:
    """One line; None if the month has no such one."""
    source, values = _source(of)
    where, more = _where(Which(key.market, key.affiliate_rate, key.trader))
    more |= {"seed": 0, "limit": 1, "fee_rate": key.fee_rate}
    query = _LINES.format(lines=source, where=f"{where} AND fee_rate = %(fee_rate)s")
    return next((Line(*row) for row in _rows(query, values | more)), None)


def groups_as_calculated(found: Sequence[LineGroup]) -> list[Group]:
    """The same groups as the calculation takes them."""
    return [Group(each.market, each.affiliate_rate, each.fills, each.volume, each.fees) for each in found]


def _source(of: Opened) -> tuple[str, dict[str, Any]]:
    if of.payout_id is not None:
        return _STORED, {"payout": of.payout_id}
    bound = [of.arm(each) for each in of.of.affiliate_rates]
    return _STANDING, {
        "month": of.month.first_date,
        "code": of.broker,
        "affiliate_rates": list(of.of.affiliate_rates),
        "applied_rates": [each.applied_rate for each in bound],
        "arms": [each.bound_by for each in bound],
    }


def _where(which: Which) -> tuple[str, dict[str, Any]]:
    named = {
        "market": which.market,
        "affiliate_rate": which.affiliate_rate,
        "trader": which.trader,
    }
    given = {name: value for name, value in named.items() if value is not None}
    return " AND ".join(["true", *(f"{name} = %({name})s" for name in given)]), dict(given)


def _rows(query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cast("list[tuple[Any, ...]]", cursor.fetchall())
