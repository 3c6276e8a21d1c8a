"""Writes one fill by the feed contract, in whole ticks, lots and millionths of a dollar. Pure."""

import random
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from portal.simulator.businesses import CODES, Business
from portal.simulator.symbols import FUTURES, FUTURES_CHOICE, SPOT, SPOT_CHOICE, Symbol
from portal.simulator.traders import Crowd, Trader

Fill = dict[str, Any]

#: Trade ids are milliseconds since then, times the lanes, so that later fills always have larger ones.
_EPOCH = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1000)
_LANES = 64
#: Each business has a lane of its own in each of these, so no two make the same id in a millisecond.
HISTORY, LIVE, LATE, ODD = 0, 16, 32, 48
_BUSINESSES = 16


def fill(
    chance: random.Random, business: Business, group: Crowd, *, at: int, dollars: float, lanes: int, seed: int
) -> Fill:
    """A fill of about so many dollars, executed `at` milliseconds since 1970."""
    trader: Trader = chance.choices(group.traders, cum_weights=group.choice)[0]
    if chance.random() * 100 < business.futures:
        symbol: Symbol = chance.choices(FUTURES, cum_weights=FUTURES_CHOICE)[0]
    else:
        symbol = chance.choices(SPOT, cum_weights=SPOT_CHOICE)[0]
    price = symbol.price_at(at / 1000, seed=seed) * chance.uniform(0.9996, 1.0004)
    ticks = max(1, int(price * 10**symbol.price_digits))
    lots = max(1, int(dollars / price * 10**symbol.quantity_digits))
    is_maker = chance.random() < trader.maker_share
    rate = 0 if symbol.is_free else _rate(trader, symbol, is_maker, at / 1000)
    trade_id = (at - _EPOCH) * _LANES + lanes + CODES.index(business.code)
    moment = datetime.fromtimestamp(at // 1000, UTC)
    return {
        "symbol": symbol.name_on(moment.date()),
        "marketType": symbol.market_type,
        "tradeId": trade_id,
        "orderId": str(4_000_000_000 + trade_id // 16),
        "clientId": str(chance.getrandbits(32)) if trader.id % 3 else None,
        "userId": trader.id,
        "brokerId": business.code,
        "side": "Bid" if chance.random() < 0.52 else "Ask",
        "isMaker": is_maker,
        "price": decimal(ticks, symbol.price_digits),
        "quantity": decimal(lots, symbol.quantity_digits),
        "fee": decimal(_fee(ticks * lots * rate, symbol.price_digits + symbol.quantity_digits), 6),
        "feeSymbol": "USDC",
        "feeRate": _rate_text(rate),
        "affiliateRate": trader.affiliate_rate_at(at / 1000),
        "systemOrderType": None,
        "timestamp": f"{moment.isoformat()[:19]}.{at % 1000:03d}",
    }


def late(found: Fill) -> Fill:
    """The same business and moment, another fill: one that the feed has not heard of yet."""
    return _in_lanes(LATE, found)


def odd(found: Fill) -> Fill:
    """A record beside another one, with a key of its own, for something to go wrong with."""
    return _in_lanes(ODD, found)


def decimal(whole: int, digits: int) -> str:
    """So many of the smallest unit, written as a decimal with that many digits after the point."""
    sign = "-" if whole < 0 else ""
    text = str(abs(whole)).rjust(digits + 1, "0")
    return f"{sign}{text[:-digits]}.{text[-digits:]}"


def _in_lanes(lanes: int, found: Fill) -> Fill:
    trade_id = found["tradeId"] // _LANES * _LANES + lanes + found["tradeId"] % _BUSINESSES
    return found | {"tradeId": trade_id, "orderId": f"{found['orderId']}{lanes // _BUSINESSES}"}


def _rate(trader: Trader, symbol: Symbol, is_maker: bool, seconds: float) -> int:
    tier = trader.tier_at(seconds)
    if symbol.is_spot:
        return tier.spot_maker if is_maker else tier.spot_taker
    return tier.futures_maker if is_maker else tier.futures_taker


def _fee(product: int, digits: int) -> int:
    """Ticks × lots × millionths as millionths of a dollar, to the nearest: as the exchange charges."""
    scale: int = 10**digits
    magnitude = (2 * abs(product) + scale) // (2 * scale)
    return magnitude if product >= 0 else -magnitude


@lru_cache(maxsize=256)
def _rate_text(millionths: int) -> str:
    return decimal(millionths, 6).rstrip("0").removesuffix(".")
