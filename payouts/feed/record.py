"""The record contract: what a fill's record looks like, checked once for every way in. Pure."""

import re
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

_DECIMAL = r"-?[0-9]{1,20}(?:\.[0-9]{1,18})?"
#: All numbers and the time of a record in one match, because a million of them are read at a stretch.
_NUMBERS = re.compile(rf"(?:{_DECIMAL}\|){{4}}{_DECIMAL}\|{INSTANT}")
#: What COPY's text format would take for its own signs.
_COPY_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
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
    #: How far the fee is from price × quantity × fee rate.
    fee_gap: Decimal
    #: A digest of every field of the table but clientId, by value: the same content, the same digest.
    content: bytes
    #: All of it as a row of PostgreSQL's COPY text: content, clientId, digest.
    row: str

    @property
    def volume(self) -> Decimal:
        """price × quantity in dollars, exact."""
        return EXACT.multiply(Decimal(self.price), Decimal(self.quantity))

    @property
    def fee_paid(self) -> Decimal:
        """What the trader paid, max(fee, 0): "Fee Rate is determined by each user's trading fees"."""
        return max(ZERO, Decimal(self.fee))


_decoder = msgspec.json.Decoder(Wire)


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


def read(wire: Wire) -> Record:
    """Check the fields' values and make the record. Raises `Malformed` with the first fault found."""
    affiliate_rate = wire.affiliate_rate
    if affiliate_rate is None:
        affiliate_rate = "0"
    numbers = f"{wire.price}|{wire.quantity}|{wire.fee}|{wire.fee_rate}|{affiliate_rate}|{wire.timestamp}"
    if _NUMBERS.fullmatch(numbers) is None:
        raise Malformed(_which_number(wire, affiliate_rate))
    _check_plain_fields(wire)  # before any string is remembered: only short ones are
    quote = _quote_asset(wire.symbol)
    if quote is None:
        raise Malformed("symbol: not two or three parts joined by _")
    try:
        executed_at = datetime.fromisoformat(wire.timestamp.removesuffix("Z"))
    except ValueError:
        raise Malformed("timestamp: no such date or time") from None

    price, quantity, fee = Decimal(wire.price), Decimal(wire.quantity), Decimal(wire.fee)
    fee_rate = Decimal(wire.fee_rate)
    if price <= 0:
        raise Malformed("price: not above 0")
    if quantity <= 0:
        raise Malformed("quantity: not above 0")
    if not -1 <= fee_rate <= 1:
        raise Malformed("feeRate: not from -1 to 1")
    if not 0 <= Decimal(affiliate_rate) <= 1:
        raise Malformed("affiliateRate: not from 0 to 1")
    volume = EXACT.multiply(price, quantity)
    texts = (
        _canonical(wire.price),
        _canonical(wire.quantity),
        _canonical(wire.fee),
        _canonical(wire.fee_rate),
        _canonical(affiliate_rate),
    )
    row = _row(wire, texts, executed_at)
    content = sha256(row.encode()).digest()[:16]
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
        *texts[:3],
        wire.fee_symbol,
        *texts[3:],
        wire.system_order_type,
        executed_at,
        EXACT.subtract(fee, EXACT.multiply(volume, fee_rate)).copy_abs(),
        content,
        f"{row}\t{_cell(wire.client_id)}\t\\\\x{content.hex()}",
    )


def _check_plain_fields(wire: Wire) -> None:
    if wire.trade_id is not None and not 0 <= wire.trade_id <= HIGHEST_INTEGER:
        raise Malformed("tradeId: not from 0 to 2^63-1")
    if not 0 <= wire.trader <= HIGHEST_INTEGER:
        raise Malformed("userId: not from 0 to 2^63-1")
    if not 0 <= wire.broker <= HIGHEST_CODE:
        raise Malformed("brokerId: not from 0 to 65535")
    if wire.side not in ("Bid", "Ask"):
        raise Malformed("side: neither Bid nor Ask")
    if not wire.order_id:
        raise Malformed("orderId: empty")
    strings = (
        wire.symbol,
        wire.market_type,
        wire.order_id,
        wire.client_id or "",
        wire.fee_symbol,
        wire.system_order_type or "",
    )
    joined = "".join(strings)
    if len(joined) > LONGEST_STRING and max(map(len, strings)) > LONGEST_STRING:
        raise Malformed(f"a string is longer than {LONGEST_STRING} characters")
    if "\0" in joined:
        raise Malformed("a string holds U+0000")


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


@lru_cache(maxsize=65_536)
def _quote_asset(symbol: str) -> str | None:
    """The second part of `SOL_USDC` or `BTC_USDC_PERP`; None when the symbol is not of that form."""
    parts = symbol.split("_")
    if len(parts) not in (2, 3) or not all(parts):
        return None
    return parts[1]


def _canonical(decimal_text: str) -> str:
    """The one text of a decimal value: `1.50` → `1.5`, `-0.0` → `0`, `007` → `7`."""
    text = decimal_text.rstrip("0").rstrip(".") if "." in decimal_text else decimal_text
    if text[0] not in "-0" or text[:2] == "0." or text == "0":
        return text
    return plain(Decimal(text))


def _row(wire: Wire, numbers: tuple[str, ...], executed_at: datetime) -> str:
    """The record's content, "every field of the table but clientId", as cells of COPY text, by value.

    COPY's signs keep the cells apart and null from the empty text, so equal texts are equal contents.
    """
    return (
        f"{executed_at.isoformat()}Z\t{wire.broker}\t{wire.trader}\t{_cell(wire.symbol)}"
        f"\t{_cell(wire.market_type)}\t{wire.trade_id}\t{_cell(wire.order_id)}\t{wire.side}"
        f"\t{wire.is_maker}\t{numbers[0]}\t{numbers[1]}\t{numbers[2]}\t{_cell(wire.fee_symbol)}"
        f"\t{numbers[3]}\t{numbers[4]}\t{_cell(wire.system_order_type)}"
    )


def _cell(value: str | None) -> str:
    if value is None:
        return "\\N"
    return value if value.isalnum() else value.translate(_COPY_ESCAPES)


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
