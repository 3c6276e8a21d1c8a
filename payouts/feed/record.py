"""The record contract: what a fill's record looks like, checked once for every way in. Pure."""

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256

import msgspec

from payouts.money import EXACT, ZERO, plain
from payouts.month import INSTANT

#: Containers inside containers, the record itself included; deeper lines are not read.
DEEPEST_NESTING = 64
LONGEST_STRING = 200
HIGHEST_INTEGER = 2**63 - 1
HIGHEST_CODE = 65_535

#: Possessive: digits that were taken are never given back, so a million matches cost a third less.
_DECIMAL = r"-?[0-9]{1,20}+(?:\.[0-9]{1,18}+)?+"
#: All numbers and the time of a record in one match, because a million of them are read at a stretch.
_NUMBERS = re.compile(rf"{_DECIMAL}\|{_DECIMAL}\|{_DECIMAL}\|{_DECIMAL}\|{_DECIMAL}\|{INSTANT}")
#: What COPY's text format would take for its own signs.
_COPY_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
NULL = r"\N"
_OPENING = ord("{")
_ONE_DECIMAL = re.compile(_DECIMAL)


class Malformed(ValueError):
    """The record cannot be read by the contract; the text says which part of it."""


class Wire(
    msgspec.Struct,
    gc=False,
    rename={
        "market_type": "marketType",
        "trade_id": "tradeId",
        "order_id": "orderId",
        "client_id": "clientId",
        "trader": "userId",
        "broker": "brokerId",
        "is_maker": "isMaker",
        "fee_symbol": "feeSymbol",
        "fee_rate": "feeRate",
        "affiliate_rate": "affiliateRate",
        "system_order_type": "systemOrderType",
    },
):
    """The fields by their JSON types alone; what they may hold is checked by `read`.

    Types only, so that of a repeated key the last value counts while an earlier one of the wrong
    type still makes the line malformed.
    """

    symbol: str
    market_type: str
    order_id: str
    trader: int
    broker: int
    side: str
    is_maker: bool
    price: str
    quantity: str
    fee: str
    fee_symbol: str
    fee_rate: str
    timestamp: str
    trade_id: int | None = None
    client_id: str | None = None
    affiliate_rate: str | None = None
    system_order_type: str | None = None


class Record(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One well-formed record. Decimals are canonical texts: equal values have equal texts."""

    symbol: str
    quote: str
    market_type: str
    trade_id: int | None
    order_id: str
    client_id: str | None
    trader: int
    broker: int
    side: str
    is_maker: bool
    price: str
    quantity: str
    fee: str
    fee_symbol: str
    fee_rate: str
    affiliate_rate: str
    system_order_type: str | None
    #: UTC, without a zone: it is made and compared a million times.
    executed_at: datetime
    #: price × quantity in dollars, exact.
    volume: Decimal
    #: How far the fee is from volume × fee rate.
    fee_gap: Decimal
    #: A digest of every field of the table but clientId, by value: the same content, the same digest.
    content: bytes
    #: All but the type of a system's order as a row of PostgreSQL's COPY text, clientId last.
    row: str

    @property
    def fee_paid(self) -> Decimal:
        """What the trader paid, max(fee, 0): "Fee Rate is determined by each user's trading fees"."""
        return max(ZERO, Decimal(self.fee))


_decoder = msgspec.json.Decoder(Wire)
_list_decoder = msgspec.json.Decoder(list[Wire])


def read_json(line: bytes) -> Record:
    """Read one line of NDJSON. Raises `Malformed`."""
    # Brackets inside strings count here too; only a line with very many is looked at closely.
    if line.count(b"{") + line.count(b"[") > DEEPEST_NESTING and _is_too_deep(line):
        raise Malformed(f"nested deeper than {DEEPEST_NESTING}")
    try:
        wire = _decoder.decode(line.decode())
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None
    except (msgspec.DecodeError, RecursionError) as problem:
        raise Malformed(str(problem)) from None
    return read(wire)


def decode_together(lines: Sequence[bytes]) -> list[Wire] | None:
    """The fields of many lines at once, for a third less; None if they have to be looked at one by one.

    Each line must begin with the only bracket that it opens: then as many objects as lines are those of
    the lines, and none nests. A line end cannot be inside a string of JSON, so none reaches over it.
    """
    joined = b",\n".join(lines)
    if joined.count(b"{") != len(lines) or b"[" in joined or not all(line[0] == _OPENING for line in lines):
        return None
    try:
        wires = _list_decoder.decode(f"[{joined.decode()}]")
    except (UnicodeDecodeError, msgspec.DecodeError):
        return None
    return wires


def read(wire: Wire) -> Record:
    """Check the fields' values and make the record. Raises `Malformed` with the first fault found."""
    affiliate_rate = "0" if wire.affiliate_rate is None else wire.affiliate_rate
    price, quantity, fee, fee_rate = wire.price, wire.quantity, wire.fee, wire.fee_rate
    moment = wire.timestamp
    if _NUMBERS.fullmatch(f"{price}|{quantity}|{fee}|{fee_rate}|{affiliate_rate}|{moment}") is None:
        raise Malformed(_which_number(wire, affiliate_rate))
    price, quantity, fee = _canonical(price), _canonical(quantity), _canonical(fee)
    fee_rate, affiliate_rate = _canonical_rate(fee_rate), _canonical_rate(affiliate_rate)
    if wire.side not in ("Bid", "Ask"):
        raise Malformed("side: neither Bid nor Ask")
    order_id, client_id = _texts(wire)  # before any string is remembered: only short ones are
    named = _named(wire.symbol, wire.market_type, wire.fee_symbol, wire.system_order_type)
    symbol, quote, market_type, fee_symbol, system_order_type = named
    if moment[-1] == "Z":
        moment = moment[:-1]
    try:
        executed_at = datetime.fromisoformat(moment)
    except ValueError:
        raise Malformed("timestamp: no such date or time") from None
    if "." in moment:
        moment = moment.rstrip("0").rstrip(".")

    _check_integers(wire)
    _check_ranges(price, quantity, fee_rate, affiliate_rate)
    volume = EXACT.multiply(Decimal(price), Decimal(quantity))
    fee_due = EXACT.multiply(volume, Decimal(fee_rate))
    # "Every field of the table but clientId", by value. COPY's signs keep the cells apart and null from
    # the empty text, so equal texts are equal contents.
    row = (
        f"{moment}Z\t{wire.broker}\t{wire.trader}\t{symbol}\t{market_type}\t{wire.trade_id}\t{order_id}"
        f"\t{wire.side}\t{wire.is_maker}\t{price}\t{quantity}\t{fee}\t{fee_symbol}\t{fee_rate}"
        f"\t{affiliate_rate}"
    )
    content = sha256(f"{row}\t{system_order_type}".encode()).digest()[:16]
    # By position: with names it takes twice as long, a million times over.
    return Record(
        wire.symbol,
        quote,
        wire.market_type,
        wire.trade_id,
        wire.order_id,
        wire.client_id,
        wire.trader,
        wire.broker,
        wire.side,
        wire.is_maker,
        price,
        quantity,
        fee,
        wire.fee_symbol,
        fee_rate,
        affiliate_rate,
        wire.system_order_type,
        executed_at,
        volume,
        EXACT.subtract(Decimal(fee), fee_due).copy_abs(),
        content,
        f"{row}\t{client_id}",
    )


def _check_ranges(price: str, quantity: str, fee_rate: str, affiliate_rate: str) -> None:
    """Canonical texts say enough: those below 1 begin with 0, those below 0 with a minus."""
    if price == "0" or price[0] == "-":
        raise Malformed("price: not above 0")
    if quantity == "0" or quantity[0] == "-":
        raise Malformed("quantity: not above 0")
    if fee_rate[0] != "0" and fee_rate[:2] != "-0" and fee_rate not in ("1", "-1"):
        raise Malformed("feeRate: not from -1 to 1")
    if affiliate_rate[0] != "0" and affiliate_rate != "1":
        raise Malformed("affiliateRate: not from 0 to 1")


def _check_integers(wire: Wire) -> None:
    if wire.trade_id is not None and not 0 <= wire.trade_id <= HIGHEST_INTEGER:
        raise Malformed("tradeId: not from 0 to 2^63-1")
    if not 0 <= wire.trader <= HIGHEST_INTEGER:
        raise Malformed("userId: not from 0 to 2^63-1")
    if not 0 <= wire.broker <= HIGHEST_CODE:
        raise Malformed("brokerId: not from 0 to 65535")


def _texts(wire: Wire) -> tuple[str, str]:
    """The order's id and the client's as cells of COPY text; no string is too long. Raises `Malformed`."""
    order_id, client_id = wire.order_id, wire.client_id
    if not order_id:
        raise Malformed("orderId: empty")
    others = (wire.symbol, wire.market_type, wire.fee_symbol, client_id or "", wire.system_order_type or "")
    if len(order_id) + sum(map(len, others)) > LONGEST_STRING and (
        max(len(order_id), *map(len, others)) > LONGEST_STRING
    ):
        raise Malformed(f"a string is longer than {LONGEST_STRING} characters")
    if not order_id.isalnum():
        order_id = _checked(order_id)
    if client_id is None:
        return order_id, NULL
    return order_id, client_id if client_id.isalnum() else _checked(client_id)


@lru_cache(maxsize=65_536)
def _named(
    symbol: str, market_type: str, fee_symbol: str, system_order_type: str | None
) -> tuple[str, str, str, str, str]:
    """The cells of what is one of a few, with the quote asset of the symbol. Raises `Malformed`."""
    cells = [_checked(text) for text in (symbol, market_type, fee_symbol, system_order_type or "")]
    parts = symbol.split("_")
    if len(parts) not in (2, 3) or not all(parts):
        raise Malformed("symbol: not two or three parts joined by _")
    return cells[0], parts[1], cells[1], cells[2], NULL if system_order_type is None else cells[3]


def _checked(text: str) -> str:
    """A text as a cell of COPY text. Raises `Malformed`."""
    if "\0" in text:
        raise Malformed("a string holds U+0000")
    return cell(text)


def cell(text: str) -> str:
    """A text as a cell of COPY text."""
    return text if text.isprintable() and "\\" not in text else text.translate(_COPY_ESCAPES)


def _which_number(wire: Wire, affiliate_rate: str) -> str:
    """Which of the numbers broke the pattern, for the person who will look at the record."""
    named = {
        "price": wire.price,
        "quantity": wire.quantity,
        "fee": wire.fee,
        "feeRate": wire.fee_rate,
        "affiliateRate": affiliate_rate,
    }
    for name, text in named.items():
        if _ONE_DECIMAL.fullmatch(text) is None:
            return f"{name}: not a decimal string"
    return "timestamp: not YYYY-MM-DDTHH:MM:SS with at most 6 digits after the second"


def _canonical(decimal_text: str) -> str:
    """The one text of a decimal value: `1.50` → `1.5`, `-0.0` → `0`, `007` → `7`."""
    text = decimal_text
    if text[-1] == "0" and "." in text:
        text = text.rstrip("0").rstrip(".")
    # Nearly all begin with a digit above 0, or are a 0 and digits behind the point, of which one is not 0.
    if text[0] > "0" or text[:2] == "0." or text == "0" or text[:3] == "-0.":
        return text
    return plain(Decimal(text)) if text[0] == "0" or text[:2] == "-0" else text


#: A rate is one of a few, again and again. Only what the pattern let through comes here, so it is short.
_canonical_rate = lru_cache(maxsize=4_096)(_canonical)


def _is_too_deep(line: bytes) -> bool:
    """Whether the containers of a line nest too deep; brackets inside strings do not count."""
    depth = 0
    in_string = escaped = False
    for byte in line:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:  # backslash
                escaped = True
            elif byte == 0x22:  # quote
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in (0x7B, 0x5B):  # { [
            depth += 1
            if depth > DEEPEST_NESTING:
                return True
        elif byte in (0x7D, 0x5D):  # } ]
            depth -= 1
    return False
