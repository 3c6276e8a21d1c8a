"""The fills that a broker's figures are the sums of: by day, one after the other, and each by its names.

Every question names a broker and one month at most: its partition is read by the blocks that can hold what is
asked, or in a stretch of time.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal, cast

from django.db import connection

from payouts.money import EXACT, ZERO
from payouts.month import Month
from payouts.monthend import formula
from payouts.monthend.opened import EVERY, Opened
from payouts.program.terms import Market

#: Which fills of a month: those that its figures count, those that came after them, those taken out since.
Part = Literal["counted", "late", "voided"]

_COLUMNS = """
    fill.executed_at, fill.trader, fill.symbol, fill.market, fill.market_type, fill.trade_id, fill.order_id,
    fill.client_id, fill.side, fill.is_maker, fill.price, fill.quantity, fill.price * fill.quantity, fill.fee,
    fill.fee_symbol, fill.fee_rate, fill.affiliate_rate, fill.batch_id, voided.id, voided.voided_at
"""
_OF_A_BROKER = """
    FROM fill LEFT JOIN fill_void AS voided ON voided.fill_id = fill.id
    WHERE fill.broker_code = %(code)s::integer
      AND fill.executed_at >= %(start)s AND fill.executed_at < %(end)s
"""
#: Of late and voided ones: since what was seen before, until what is seen by now.
_PARTS: dict[Part, str] = {
    "counted": " AND fill.batch_id <@ %(batches)s::int8multirange"
    " AND (voided.id IS NULL OR NOT voided.id <@ %(voids)s::int8multirange)",
    "late": " AND NOT fill.batch_id <@ %(batches)s::int8multirange"
    " AND fill.batch_id <@ %(until_batches)s::int8multirange"
    " AND (voided.id IS NULL OR NOT voided.id <@ %(until_voids)s::int8multirange)",
    "voided": " AND fill.batch_id <@ %(batches)s::int8multirange"
    " AND voided.id <@ %(until_voids)s::int8multirange AND NOT voided.id <@ %(voids)s::int8multirange",
}
#: A test of a column for everything that can be asked for. The casts let the index be used.
_TESTS = {
    "trader": "fill.trader = %(trader)s::bigint",
    "market": "fill.market = %(market)s",
    "fee_rate": "fill.fee_rate = %(fee_rate)s",
    "affiliate_rate": "fill.affiliate_rate = %(affiliate_rate)s",
    "symbol": "fill.symbol = %(symbol)s",
    "trade_id": "fill.trade_id = %(trade_id)s::bigint",
    "order_id": "fill.order_id = %(order_id)s",
}
_DAYS = """
    SELECT (fill.executed_at AT TIME ZONE 'UTC')::date, fill.affiliate_rate, count(*),
           sum(fill.price * fill.quantity), sum(greatest(fill.fee, 0))
"""
_PLACE = 'fill.executed_at, fill.symbol COLLATE "C", fill.trade_id, fill.order_id COLLATE "C"'
_BEHIND = f"""
    AND fill.executed_at >= %(after_at)s AND ({_PLACE})
        > (%(after_at)s, %(after_symbol)s, %(after_trade_id)s::bigint, %(after_order_id)s)
"""
_NAMED = f"""
    SELECT {_COLUMNS} {_OF_A_BROKER} AND {{test}} ORDER BY fill.executed_at DESC, {_PLACE} LIMIT %(limit)s
"""
_MONTHS = "SELECT DISTINCT month FROM total_by_month WHERE broker_code = %s ORDER BY month DESC LIMIT %s"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which fills of a month; None leaves all. A line is named by its first four."""

    trader: int | None = None
    market: str | None = None
    fee_rate: Decimal | None = None
    affiliate_rate: Decimal | None = None
    symbol: str | None = None
    day: date | None = None
    trade_id: int | None = None
    order_id: str | None = None
    part: Part = "counted"


@dataclass(frozen=True, slots=True)
class Window:
    """What was seen by an instant, for late and voided fills; text of `int8multirange`s."""

    batches: str = EVERY
    voids: str = EVERY


@dataclass(frozen=True, slots=True)
class FillKey:
    """Where a fill stands among others, by what its broker knows of it."""

    executed_at: datetime
    symbol: str
    trade_id: int
    order_id: str


@dataclass(frozen=True, slots=True)
class OpenedFill:
    """One fill as the exchange sent it; dollars."""

    executed_at: datetime
    trader: int
    symbol: str
    market: Market
    market_type: str
    trade_id: int
    order_id: str
    client_id: str | None
    side: str
    is_maker: bool
    price: Decimal
    quantity: Decimal
    volume: Decimal
    #: As charged; a maker rebate is below zero.
    fee: Decimal
    fee_symbol: str
    fee_rate: Decimal
    affiliate_rate: Decimal
    batch_id: int
    void_id: int | None
    voided_at: datetime | None

    @property
    def counted_fee(self) -> Decimal:
        """What of the fee counts: a maker rebate earns nothing and costs nothing."""
        return max(self.fee, ZERO)

    @property
    def key(self) -> FillKey:
        return FillKey(self.executed_at, self.symbol, self.trade_id, self.order_id)


@dataclass(frozen=True, slots=True)
class DayOfFills:
    """Some fills of a UTC day and what they earned; exact dollars."""

    date: date
    fills: int
    volume: Decimal
    fees: Decimal
    amount: Decimal


def days(of: Opened, wanted: Wanted, *, until: Window = Window()) -> list[DayOfFills]:
    """What the wanted fills come to on each day that has some, oldest first."""
    where, values = _wanted(of, wanted, until)
    rows = _rows(f"{_DAYS} {_OF_A_BROKER} {where} GROUP BY 1, 2 ORDER BY 1, 2", values)
    found: dict[date, DayOfFills] = {}
    for day, affiliate_rate, fills, volume, fees in rows:
        before = found.get(day, DayOfFills(day, 0, ZERO, ZERO, ZERO))
        found[day] = DayOfFills(
            date=day,
            fills=before.fills + fills,
            volume=EXACT.add(before.volume, volume),
            fees=EXACT.add(before.fees, fees),
            amount=EXACT.add(
                before.amount,
                formula.amount(fees=fees, applied_rate=of.arm(affiliate_rate).applied_rate),
            ),
        )
    return list(found.values())


def fills(
    of: Opened, wanted: Wanted, *, limit: int, after: FillKey | None = None, until: Window = Window()
) -> list[OpenedFill]:
    """The wanted fills in the order of time, behind one of them."""
    where, values = _wanted(of, wanted, until)
    values["limit"] = limit
    if after is not None:
        where += _BEHIND
        values |= {
            "after_at": after.executed_at,
            "after_symbol": after.symbol,
            "after_trade_id": after.trade_id,
            "after_order_id": after.order_id,
        }
    query = f"SELECT {_COLUMNS} {_OF_A_BROKER} {where} ORDER BY {_PLACE} LIMIT %(limit)s"
    return [OpenedFill(*row) for row in _rows(query, values)]


def amount_of(of: Opened, fill: OpenedFill) -> Decimal:
    """What one fill earns by the formula, at the month's tier; exact dollars."""
    rate = of.arm(fill.affiliate_rate).applied_rate
    return formula.amount(fees=fill.counted_fee, applied_rate=rate)


def one_fill(
    *, broker_code: int, month: Month, symbol: str, trade_id: int, order_id: str
) -> OpenedFill | None:
    """A broker's fill by its natural key; None of another broker's."""
    tests = " AND ".join(_TESTS[name] for name in ("symbol", "trade_id", "order_id"))
    values = {"symbol": symbol, "trade_id": trade_id, "order_id": order_id, "limit": 1}
    return next(iter(_named(tests, broker_code, [month], values)), None)


def with_id(*, broker_code: int, months: Collection[Month], text: str, limit: int) -> list[OpenedFill]:
    """A broker's fills from the first of these months to the last whose order, or whose trade, has this
    number; the newest first. Two queries at most."""
    if not months:
        return []
    values = {"order_id": text, "limit": limit}
    found = _named(_TESTS["order_id"], broker_code, months, values)
    if text.isascii() and text.isdigit() and int(text) < 2**63:
        known = {each.key for each in found}
        values = {"trade_id": int(text), "limit": limit}
        traded = _named(_TESTS["trade_id"], broker_code, months, values)
        found += [each for each in traded if each.key not in known]
        found.sort(key=lambda each: each.executed_at, reverse=True)
    return found[:limit]


def newest_month_with(*, broker_code: int, months: Collection[Month], symbol: str) -> Month | None:
    """The newest of these months in which the broker has fills of a symbol, from the totals by hour."""
    if not months:
        return None
    query = (
        "SELECT max(hour) FROM total_by_hour WHERE broker_code = %(code)s"
        " AND hour >= %(start)s AND hour < %(end)s AND symbol = %(symbol)s"
    )
    [(hour,)] = _rows(query, _between(broker_code, months) | {"symbol": symbol})
    return None if hour is None else Month.of(hour)


def months_with_fills(*, broker_code: int, limit: int) -> list[Month]:
    """The newest months in which the broker ever had a fill, newest first."""
    with connection.cursor() as cursor:
        cursor.execute(_MONTHS, [broker_code, limit])
        return [Month.of_date(first) for (first,) in cursor.fetchall()]


def received_at(batch_id: int) -> datetime | None:
    """When the exchange sent a fill's batch."""
    rows = _rows("SELECT received_at FROM feed_batch WHERE id = %(batch)s", {"batch": batch_id})
    return rows[0][0] if rows else None


def _wanted(of: Opened, wanted: Wanted, until: Window) -> tuple[str, dict[str, Any]]:
    start, end = of.month.starts_at, of.month.ends_at
    if wanted.day is not None:
        start = datetime.combine(wanted.day, time(), UTC)
        end = start + timedelta(days=1)
    given = {name: getattr(wanted, name) for name in _TESTS if getattr(wanted, name) is not None}
    values: dict[str, Any] = given | {
        "code": of.broker,
        "start": start,
        "end": end,
        "batches": of.batches,
        "voids": of.voids,
        "until_batches": until.batches,
        "until_voids": until.voids,
    }
    tests = "".join(f" AND {_TESTS[name]}" for name in given)
    return tests + _PARTS[wanted.part], values


def _named(test: str, code: int, months: Collection[Month], values: dict[str, Any]) -> list[OpenedFill]:
    rows = _rows(_NAMED.format(test=test), _between(code, months) | values)
    return [OpenedFill(*row) for row in rows]


def _between(code: int, months: Collection[Month]) -> dict[str, Any]:
    """A broker, and the time from the first of some months to the end of the last."""
    return {"code": code, "start": min(months).starts_at, "end": max(months).ends_at}


def _rows(query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cast("list[tuple[Any, ...]]", cursor.fetchall())
