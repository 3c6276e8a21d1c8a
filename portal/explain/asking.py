"""What somebody typed into the one box, and what an address asks for: read strictly. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, get_args

from payouts.money import plain
from payouts.month import Month, NotAMonth
from portal.explain.cursors import is_text

#: As long as the feed lets the number of an order be.
MOST_TYPED = 200
Kind = Literal["trader", "day", "text"]
Part = Literal["counted", "late", "voided"]
MARKETS = ("spot", "futures")

_TRADER = re.compile(r"[Tt]-[A-Za-z2-7]{12}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RATE = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,40})?")
_NUMBER = re.compile(r"[0-9]{1,19}")


class NotAsked(ValueError):
    """An address asks for something that cannot be."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, and what it can be: a day, a trader, or an order, a trade or a symbol."""

    kind: Kind
    text: str
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Which fills an address asks for; None leaves all."""

    trader: str | None = None
    market: str | None = None
    fee_rate: Decimal | None = None
    affiliate_rate: Decimal | None = None
    symbol: str | None = None
    day: date | None = None
    trade_id: int | None = None
    order_id: str | None = None
    part: Part = "counted"
    #: The month whose payout booked late or voided fills; None: since the month was calculated.
    by: Month | None = None

    @property
    def names_fills(self) -> bool:
        """Few enough to be shown one by one: of one day, one trade or one order."""
        return self.day is not None or self.trade_id is not None or self.order_id is not None


def typed(text: str) -> Typed | None:
    """What was typed into the box; None of nothing, and of what can be nothing of a broker's."""
    text = text.strip()
    if not text or len(text) > MOST_TYPED or not is_text(text):
        return None
    if _TRADER.fullmatch(text):
        return Typed("trader", text.upper())
    if _DAY.fullmatch(text):
        try:
            return Typed("day", text, date.fromisoformat(text))
        except ValueError:
            return None
    return Typed("text", text)


def asked(given: Mapping[str, str]) -> Asked:
    """What the query of an address asks for. Raises `NotAsked`."""
    try:
        market = given.get("market") or None
        if market not in (None, *MARKETS):
            raise NotAsked
        return Asked(
            trader=_text(given, "trader"),
            market=market,
            fee_rate=rate(given.get("fee_rate", "")),
            affiliate_rate=rate(given.get("affiliate_rate", "")),
            symbol=_text(given, "symbol"),
            day=None if not given.get("day") else _day(given["day"]),
            trade_id=_number(given.get("trade", "")),
            order_id=_text(given, "order"),
            part=_part(given.get("part") or "counted"),
            by=None if not given.get("by") else Month.parse(given["by"]),
        )
    except NotAMonth:
        raise NotAsked from None


def query(of: Asked) -> dict[str, str]:
    """What an address asks, so that it is read as this again."""
    given: dict[str, object] = {
        "trader": of.trader,
        "market": of.market,
        "fee_rate": None if of.fee_rate is None else plain(of.fee_rate),
        "affiliate_rate": None if of.affiliate_rate is None else plain(of.affiliate_rate),
        "symbol": of.symbol,
        "day": of.day,
        "trade": of.trade_id,
        "order": of.order_id,
        "part": None if of.part == "counted" else of.part,
        "by": of.by,
    }
    return {name: str(value) for name, value in given.items() if value is not None}


def rate(text: str) -> Decimal | None:
    """A rate as addresses write it; None of nothing. Raises `NotAsked`."""
    if not text:
        return None
    if not _RATE.fullmatch(text):
        raise NotAsked
    return Decimal(text)


def _day(text: str) -> date:
    found = typed(text)
    if found is None or found.day is None:
        raise NotAsked
    return found.day


def _number(text: str) -> int | None:
    if not text:
        return None
    if not _NUMBER.fullmatch(text) or int(text) >= 2**63:
        raise NotAsked
    return int(text)


def _text(given: Mapping[str, str], name: str) -> str | None:
    text = given.get(name, "")
    if len(text) > MOST_TYPED or not is_text(text):
        raise NotAsked
    return text or None


def _part(text: str) -> Part:
    for part in get_args(Part):
        if part == text:
            return part  # type: ignore[no-any-return]  # one of the three
    raise NotAsked
