"""A quarantined record beside the one that holds its key: field by field, with what differs marked. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from payouts.money import plain

#: The fields of the contract, in its order.
FIELDS = (
    "symbol",
    "marketType",
    "tradeId",
    "orderId",
    "clientId",
    "userId",
    "brokerId",
    "side",
    "isMaker",
    "price",
    "quantity",
    "fee",
    "feeSymbol",
    "feeRate",
    "affiliateRate",
    "systemOrderType",
    "timestamp",
)
#: "*Content* is every field of the table but `clientId`, compared by value."
_NO_CONTENT = frozenset({"clientId"})
_DECIMALS = frozenset({"price", "quantity", "fee", "feeRate", "affiliateRate"})
_DECIMAL = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,18})?")
_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,6}))?Z?")


@dataclass(frozen=True, slots=True)
class Row:
    """One field of the record and, where there is one, of what holds its key."""

    name: str
    #: As it was written; None where it is absent or cannot be read.
    value: str | None
    beside: str | None
    #: By value: `1.50` is `1.5`.
    differs: bool
    #: The contract knows no such field.
    is_extra: bool


def rows(fields: Iterable[tuple[str, str]], beside: Iterable[tuple[str, str]] | None) -> list[Row]:
    """The fields of the contract in its order, then whatever else the record says."""
    said, held = dict(fields), dict(beside or ())
    names = [name for name in FIELDS if name in said or name in held]
    names += [name for name in said if name not in FIELDS]
    return [
        Row(
            name,
            said.get(name),
            held.get(name),
            bool(held) and name in FIELDS and _differs(name, said.get(name), held.get(name)),
            name not in FIELDS,
        )
        for name in names
    ]


def _differs(name: str, value: str | None, other: str | None) -> bool:
    return name not in _NO_CONTENT and _by_value(name, value or "") != _by_value(name, other or "")


def _by_value(name: str, written: str) -> str:
    if name in _DECIMALS:
        if name == "affiliateRate" and not written:
            return "0"
        return plain(Decimal(written)) if _DECIMAL.fullmatch(written) else written
    if name == "timestamp" and (found := _TIME.fullmatch(written)):
        return f"{found[1]}.{(found[2] or '').rstrip('0')}"
    return written
