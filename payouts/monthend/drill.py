"""From a payout down to the fills that it was calculated from: those of a line, those behind a bound."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from payouts.month import Month
from payouts.monthend import bounds
from payouts.monthend.models import Payout, PayoutBound

#: Fills of the payout's broker and month that its watermark covers and that were not voided by then.
_FILLS = """
    SELECT fill.id, fill.executed_at, fill.trader, fill.symbol, fill.market, fill.market_type, fill.trade_id,
           fill.order_id, fill.side, fill.is_maker, fill.price, fill.quantity, fill.price * fill.quantity,
           fill.fee, fill.fee_rate, fill.affiliate_rate,
           EXISTS (SELECT FROM fill_void WHERE fill_void.fill_id = fill.id)
    FROM fill
    WHERE fill.executed_at >= %(start)s AND fill.executed_at < %(end)s AND fill.broker_code = %(code)s
      AND fill.batch_id <@ %(watermark)s::int8multirange
      AND NOT EXISTS (SELECT FROM fill_void WHERE fill_void.fill_id = fill.id
                      AND fill_void.id <@ %(voids)s::int8multirange)
"""
_OF_LINE = f"""
    {_FILLS} AND fill.trader = %(trader)s AND fill.market = %(market)s AND fill.fee_rate = %(fee_rate)s
      AND fill.affiliate_rate = %(affiliate_rate)s
    ORDER BY fill.executed_at, fill.id LIMIT %(limit)s OFFSET %(offset)s
"""
_LARGEST = "ORDER BY fill.price * fill.quantity DESC, fill.id LIMIT %(limit)s"
#: Bound → which fills are behind it; of the others the largest fills of the month are shown.
_BEHIND = {
    bounds.LARGE: "AND fill.id = ANY (%(fills)s)",
    bounds.BOTH_SIDES: "AND (fill.symbol, fill.trade_id) IN"
    " (SELECT * FROM unnest(%(symbols)s::text[], %(trades)s::bigint[]))",
    bounds.ONE_TRADER: "AND fill.trader = ANY (%(traders)s)",
    bounds.ZERO_FEE: "AND fill.trader = ANY (%(traders)s) AND fill.fee <= 0",
}
#: Bounds that are about no fill.
_ABOUT_NO_FILL = (bounds.AFFILIATE, bounds.QUARANTINED, bounds.NEGATIVE)


@dataclass(frozen=True, slots=True)
class FillRow:
    """One fill as the exchange sent it; dollars."""

    id: int
    executed_at: datetime
    trader: int
    symbol: str
    market: str
    market_type: str
    trade_id: int
    order_id: str
    side: str
    is_maker: bool
    price: Decimal
    quantity: Decimal
    volume: Decimal
    #: As charged; a maker rebate is below zero.
    fee: Decimal
    fee_rate: Decimal
    affiliate_rate: Decimal
    #: Voided since: the next payout corrects it.
    is_voided: bool


def fills_of_line(
    *,
    payout_id: int,
    trader: int,
    market: str,
    fee_rate: Decimal,
    affiliate_rate: Decimal,
    limit: int,
    offset: int = 0,
) -> list[FillRow]:
    """The fills that a line of a payout is the sum of, oldest first; empty if there is no such line."""
    return _fills(
        _OF_LINE,
        payout_id,
        trader=trader,
        market=market,
        fee_rate=fee_rate,
        affiliate_rate=affiliate_rate,
        limit=limit,
        offset=offset,
    )


def fills_behind(*, payout_id: int, bound_name: str, limit: int) -> list[FillRow]:
    """The fills that a bound is about, the largest first, for example both sides of the trades it names.

    Empty where a bound is about no fill, and where the payout does not break it.
    """
    bound = PayoutBound.objects.filter(payout=payout_id, name=bound_name).first()
    if bound is None or bound_name in _ABOUT_NO_FILL:
        return []
    trades = bound.detail.get("trades", [])
    return _fills(
        f"{_FILLS} {_BEHIND.get(bound_name, '')} {_LARGEST}",
        payout_id,
        fills=bound.detail.get("fills", []),
        traders=bound.detail.get("traders", []),
        symbols=[each["symbol"] for each in trades],
        trades=[each["trade"] for each in trades],
        limit=limit,
    )


def _fills(query: str, payout_id: int, **values: Any) -> list[FillRow]:
    payout = Payout.objects.select_related("run").filter(pk=payout_id).first()
    if payout is None:
        return []
    month = Month.of_date(payout.run.month)
    given: Mapping[str, Any] = {
        "start": month.starts_at,
        "end": month.ends_at,
        "code": payout.broker_id,
        "watermark": payout.watermark,
        "voids": payout.voids,
    }
    with connection.cursor() as cursor:
        cursor.execute(query, {**given, **values})
        return [FillRow(*row) for row in cursor.fetchall()]
