"""A second reader of the record contract: slow, plain, written from the contract and not from the code."""

import json
import re
from datetime import datetime
from decimal import Decimal
from typing import Any


class Unreadable(Exception):
    """The reference says `malformed`."""


class Number(str):
    """A JSON number as it was written."""


class Integer(Number):
    """One without a point or an exponent."""


#: Field → JSON types; None among them means that the field may be null or absent.
FIELDS: dict[str, tuple[Any, ...]] = {
    "symbol": (str,),
    "marketType": (str,),
    "tradeId": (Integer, None),
    "orderId": (str,),
    "clientId": (str, None),
    "userId": (Integer,),
    "brokerId": (Integer,),
    "side": (str,),
    "isMaker": (bool,),
    "price": (str,),
    "quantity": (str,),
    "fee": (str,),
    "feeSymbol": (str,),
    "feeRate": (str,),
    "affiliateRate": (str, None),
    "systemOrderType": (str, None),
    "timestamp": (str,),
}
_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


def read(line: bytes) -> dict[str, Any]:
    """The values of a line by field, as Python values. Raises `Unreadable`."""
    try:
        text = line.decode("utf-8")
        found = json.loads(
            text,
            object_pairs_hook=_Pairs,
            parse_int=Integer,
            parse_float=Number,
            parse_constant=_refuse,
        )
    except (ValueError, RecursionError) as problem:
        raise Unreadable(str(problem)) from None
    _walk(found, 1)
    if not isinstance(found, _Pairs):
        raise Unreadable("not an object")
    values: dict[str, Any] = dict.fromkeys(FIELDS)
    for key, value in found:
        if key in FIELDS:
            if not any(_is(value, kind) for kind in FIELDS[key]):
                raise Unreadable(f"{key}: wrong type")
            values[key] = value
    for key, kinds in FIELDS.items():
        if values[key] is None and None not in kinds:
            raise Unreadable(f"{key}: null")
    return _checked(values)


class _Pairs(list[Any]):
    """An object with all its pairs, repeated keys too."""


def _refuse(token: str) -> None:
    raise ValueError(token)


def _is(value: Any, kind: Any) -> bool:
    if kind is None:
        return value is None
    if kind is str:
        return isinstance(value, str) and not isinstance(value, Number)
    return isinstance(value, kind)


def _walk(value: Any, depth: int) -> None:
    """Nesting and lone surrogates, anywhere in the line."""
    if isinstance(value, str):
        if any(0xD800 <= ord(sign) <= 0xDFFF for sign in value):
            raise Unreadable("a lone surrogate")
        return
    if not isinstance(value, list):
        return
    if depth > 64:
        raise Unreadable("too deep")
    for each in value:
        if isinstance(value, _Pairs):
            _walk(each[0], depth)
            _walk(each[1], depth + 1)
        else:
            _walk(each, depth + 1)


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    for key, value in values.items():
        if _is(value, str):
            if len(value) > 200:
                raise Unreadable(f"{key}: long")
            if "\0" in value:
                raise Unreadable(f"{key}: U+0000")
    parts = values["symbol"].split("_")
    if len(parts) not in (2, 3) or "" in parts:
        raise Unreadable("symbol")
    if values["orderId"] == "":
        raise Unreadable("orderId")
    if values["side"] not in ("Bid", "Ask"):
        raise Unreadable("side")
    for key, highest in (("tradeId", 2**63 - 1), ("userId", 2**63 - 1), ("brokerId", 65535)):
        if values[key] is not None:
            # A number of many digits is out of range before it is a number.
            if len(values[key]) > 19 or not 0 <= int(values[key]) <= highest:
                raise Unreadable(key)
            values[key] = int(values[key])
    if values["affiliateRate"] is None:
        values["affiliateRate"] = "0"
    for key in ("price", "quantity", "fee", "feeRate", "affiliateRate"):
        values[key] = _decimal(values[key])
    if values["price"] <= 0 or values["quantity"] <= 0:
        raise Unreadable("price or quantity")
    if abs(values["feeRate"]) > 1 or not 0 <= values["affiliateRate"] <= 1:
        raise Unreadable("rate")
    values["timestamp"] = _instant(values["timestamp"])
    return values


def _decimal(text: str) -> Decimal:
    whole, point, fraction = text.removeprefix("-").partition(".")
    digits = set("0123456789")
    if not 1 <= len(whole) <= 20 or not set(whole) <= digits:
        raise Unreadable("decimal")
    if point and (not 1 <= len(fraction) <= 18 or not set(fraction) <= digits):
        raise Unreadable("decimal")
    return Decimal(text)


def _instant(text: str) -> datetime:
    found = re.fullmatch(
        r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]{1,6})?Z?", text
    )
    if found is None:
        raise Unreadable("timestamp")
    year, month, day, hour, minute, second = (int(found[group]) for group in range(1, 7))
    if year == 0 or not 1 <= month <= 12 or hour > 23 or minute > 59 or second > 59:
        raise Unreadable("timestamp")
    leap = month == 2 and ((year % 4 == 0 and year % 100 != 0) or year % 400 == 0)
    if not 1 <= day <= _DAYS[month - 1] + leap:
        raise Unreadable("timestamp")
    microsecond = int((found[7] or ".")[1:].ljust(6, "0"))
    return datetime(year, month, day, hour, minute, second, microsecond)
