"""Where a page of a long table begins, as its address says it: in nothing but what the broker knows. Pure."""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import quote, unquote

from payouts.money import plain

#: Two texts of 200 signs, each of them escaped.
_MOST = 4_000


@dataclass(frozen=True, slots=True)
class LineName:
    """A line as a broker names it: by the trader's pseudonym."""

    trader: str
    market: str
    fee_rate: Decimal
    affiliate_rate: Decimal


@dataclass(frozen=True, slots=True)
class FillKey:
    """A fill's natural key."""

    symbol: str
    trade_id: int
    order_id: str


@dataclass(frozen=True, slots=True)
class FillName:
    """A fill's place in time, and its natural key."""

    executed_at: datetime
    symbol: str
    trade_id: int
    order_id: str


class LineInAddress:
    """A line in an address: `T-4QX7ABCDEFGH~futures~0.0005~0.25`."""

    regex = "T-[A-Z2-7]{12}~(?:spot|futures)~-?[0-9]{1,3}(?:[.][0-9]{1,20})?~[0-9]{1,3}(?:[.][0-9]{1,20})?"

    def to_python(self, text: str) -> LineName:
        trader, market, fee_rate, affiliate_rate = text.split("~")
        return LineName(trader, market, Decimal(fee_rate), Decimal(affiliate_rate))

    def to_url(self, name: LineName) -> str:
        return "~".join((name.trader, name.market, plain(name.fee_rate), plain(name.affiliate_rate)))


class FillInAddress:
    """A fill in an address: `SOL_USDC~4711~A-1`; what else stands in a number of an order is escaped."""

    regex = "[^/~]+~[0-9]{1,19}~[^/~]+"

    def to_python(self, text: str) -> FillKey:
        symbol, trade_id, order_id = text.split("~")
        key = FillKey(unquote(symbol), int(trade_id), unquote(order_id))
        if key.trade_id >= 2**63 or not (is_text(key.symbol) and is_text(key.order_id)):
            raise ValueError("no fill has this name")
        return key

    def to_url(self, key: FillKey) -> str:
        return f"{_escaped(key.symbol)}~{key.trade_id}~{_escaped(key.order_id)}"


def of_line(name: LineName) -> str:
    return _written([name.trader, name.market, plain(name.fee_rate), plain(name.affiliate_rate)])


def of_fill(name: FillName) -> str:
    at = name.executed_at.astimezone(UTC).isoformat()
    return _written([at, name.symbol, str(name.trade_id), name.order_id])


def line_at(cursor: str) -> LineName | None:
    """The line behind which a page begins; None if the text is no such cursor."""
    parts = _read(cursor)
    if parts is None:
        return None
    trader, market, fee_rate, affiliate_rate = parts
    try:
        rates = Decimal(fee_rate), Decimal(affiliate_rate)
    except ArithmeticError:
        return None
    if not all(each.is_finite() for each in rates):
        return None
    return LineName(trader, market, *rates)


def fill_at(cursor: str) -> FillName | None:
    """The fill behind which a page begins; None if the text is no such cursor."""
    parts = _read(cursor)
    if parts is None:
        return None
    at, symbol, trade_id, order_id = parts
    try:
        moment, number = datetime.fromisoformat(at), int(trade_id)
    except ValueError:
        return None
    if moment.tzinfo is None or not 0 <= number < 2**63:
        return None
    return FillName(moment, symbol, number, order_id)


def _written(parts: list[str]) -> str:
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str) -> tuple[str, str, str, str] | None:
    if len(cursor) > _MOST:
        return None
    try:
        parts = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    if (
        not isinstance(parts, list)
        or len(parts) != 4
        or not all(isinstance(each, str) and is_text(each) for each in parts)
    ):
        return None
    return parts[0], parts[1], parts[2], parts[3]


def _escaped(text: str) -> str:
    return quote(text, safe="").replace("~", "%7E")


def is_text(text: str) -> bool:
    """Whether a text is one that the database takes too."""
    return "\x00" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)
