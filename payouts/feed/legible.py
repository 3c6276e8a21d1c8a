"""What a record says of itself as far as its bytes can be read: its key, its broker, its month. Pure."""

import json
import re
from dataclasses import dataclass
from typing import Any

from payouts.feed.csv_rows import cells
from payouts.feed.outcomes import NaturalKey
from payouts.feed.record import Malformed

# Not only read as JSON: what waits is often broken, and the broker's code may still be legible.
_CODE = re.compile(rb'"brokerId"\s*:\s*"?([0-9]{1,5})(?![0-9.eE])')
_MONTH = re.compile(rb'"timestamp"\s*:\s*"((?!0000)[0-9]{4}-(?:0[1-9]|1[0-2]))-')
_WRITTEN_CODE = re.compile(r"[0-9]{1,5}")
_WRITTEN_MONTH = re.compile(r"((?!0000)[0-9]{4}-(?:0[1-9]|1[0-2]))-.*", re.DOTALL)
_WRITTEN_TRADE_ID = re.compile(r"0|[1-9][0-9]{0,18}")
_HIGHEST_CODE, _HIGHEST_TRADE_ID, _LONGEST = 65_535, 2**63 - 1, 200
#: A line longer than this is junk; to read it as JSON would cost more than it says.
_LONGEST_READ = 64 * 1024


@dataclass(frozen=True, slots=True)
class Legible:
    """What can be read; None for what cannot. The key is whole or None."""

    key: NaturalKey | None = None
    broker: int | None = None
    #: Of execution, as `YYYY-MM`.
    month: str | None = None


def legible(*, file_format: str, header: bytes, raw: bytes) -> Legible:
    """What the bytes of a record say of themselves, however broken the rest of it is."""
    if file_format == "csv":
        return _of_csv(header, raw)
    code, month = _CODE.search(raw), _MONTH.search(raw)
    return Legible(
        _key_of_json(raw) if file_format == "ndjson" else None,
        _code(code[1].decode()) if code else None,
        month[1].decode() if month else None,
    )


def _of_csv(header: bytes, raw: bytes) -> Legible:
    try:
        row = dict(zip(cells(header), cells(raw), strict=False))
    except Malformed:
        return Legible()
    code = row.get("brokerId", "")
    month = _WRITTEN_MONTH.fullmatch(row.get("timestamp", ""))
    trade_id = row.get("tradeId", "")
    return Legible(
        _key(
            row.get("symbol"),
            int(trade_id) if _WRITTEN_TRADE_ID.fullmatch(trade_id) else None,
            row.get("orderId"),
        ),
        _code(code) if _WRITTEN_CODE.fullmatch(code) else None,
        month[1] if month else None,
    )


def _key_of_json(raw: bytes) -> NaturalKey | None:
    if len(raw) > _LONGEST_READ:
        return None
    try:
        found: Any = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    return _key(found.get("symbol"), found.get("tradeId"), found.get("orderId"))


def _key(symbol: object, trade_id: object, order_id: object) -> NaturalKey | None:
    if not (_is_a_name(symbol) and _is_a_name(order_id)):
        return None
    if type(trade_id) is not int or not 0 <= trade_id <= _HIGHEST_TRADE_ID:
        return None
    return (str(symbol), trade_id, str(order_id))


def _is_a_name(value: object) -> bool:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST or "\0" in value:
        return False
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _code(digits: str) -> int | None:
    return code if (code := int(digits)) <= _HIGHEST_CODE else None
