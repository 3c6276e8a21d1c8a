"""Reads the rows of a Parquet file as the contract's fields, batch by batch in constant memory."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from payouts.feed import csv_rows
from payouts.feed.record import Malformed, Wire
from payouts.money import plain

_ROWS_AT_ONCE = 5_000
_READ_AT_ONCE = 1024 * 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_DECIMALS = ("price", "quantity", "fee", "feeRate", "affiliateRate")
_INTEGERS = ("tradeId", "userId", "brokerId")
_OR_NULL = ("tradeId", "clientId", "affiliateRate", "systemOrderType")
_FIELDS = Wire.__struct_fields__
_NAMES = dict(zip(Wire.__struct_encode_fields__, _FIELDS, strict=True))


class Fault:
    """Stands for a value that the contract cannot take, so that only its own row is malformed."""

    def __init__(self, says: str, value: Any) -> None:
        self.says = says
        self._value = value

    def __repr__(self) -> str:
        """The value itself: rows are kept, and known again, by what they hold."""
        return repr(self._value)


class Rows:
    """An opened Parquet file. Iterating gives, for each row, all its values by column name."""

    def __init__(self, path: Path) -> None:
        """Raises `OSError` or `pyarrow.ArrowException` if it is no Parquet, `UnusableColumns` if no feed."""
        self._file = pq.ParquetFile(path, buffer_size=_READ_AT_ONCE, pre_buffer=False)
        self.names: list[str] = list(self._file.schema_arrow.names)
        csv_rows.check_columns(self.names)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for batch in self._file.iter_batches(batch_size=_ROWS_AT_ONCE, use_threads=False):
            columns = [_values(name, column) for name, column in zip(self.names, batch, strict=True)]
            yield from zip(*columns, strict=True)

    def close(self) -> None:
        self._file.close()


def wire(names: list[str], values: tuple[Any, ...]) -> Wire:
    """The fields of one row. Raises `Malformed`."""
    fields: dict[str, Any] = {}
    for name, value in zip(names, values, strict=True):
        field = _NAMES.get(name)
        if field is None:
            continue
        if isinstance(value, Fault):
            raise Malformed(f"{name}: {value.says}")
        if value is None and name not in _OR_NULL:
            raise Malformed(f"{name}: null")
        fields[field] = value
    return Wire(**fields)


def _values(name: str, column: pa.Array) -> list[Any]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if name in _NAMES and not pa.types.is_null(column.type):
        read = _reader(name, column.type)
        if read is None:
            return [Fault(f"a {column.type}", value) for value in _anything(column)]
        return read(column)
    return _anything(column)


def _reader(name: str, kind: pa.DataType) -> Callable[[pa.Array], list[Any]] | None:
    """How to read a column of the table; None if the contract does not take this type for it."""
    if name in _INTEGERS:
        return _plainly if pa.types.is_integer(kind) else None
    if name == "isMaker":
        return _plainly if pa.types.is_boolean(kind) else None
    if _is_text(kind):
        return _texts
    if name in _DECIMALS and pa.types.is_decimal(kind):
        return _decimals
    if name == "timestamp" and pa.types.is_timestamp(kind):
        return _times
    return None


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _plainly(column: pa.Array) -> list[Any]:
    values: list[Any] = column.to_pylist()
    return values


def _texts(column: pa.Array) -> list[Any]:
    try:
        return _plainly(column)
    except UnicodeDecodeError:
        return [_text(value) for value in column.cast(pa.large_binary(), safe=False).to_pylist()]


def _text(value: bytes | None) -> str | Fault | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return Fault("not UTF-8", value)


def _decimals(column: pa.Array) -> list[Any]:
    values: list[Decimal | None] = column.to_pylist()
    return [None if value is None else plain(value) for value in values]


def _times(column: pa.Array) -> list[Any]:
    """Times without a zone are UTC; those with one are stored as UTC anyway."""
    in_a_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[column.type.unit]
    ticks: list[int | None] = pc.cast(column, pa.int64()).to_pylist()
    return [None if tick is None else _time(tick, in_a_second) for tick in ticks]


def _time(tick: int, in_a_second: int) -> str | Fault:
    microseconds, finer = divmod(tick * 10**6, in_a_second)
    if finer:
        return Fault("finer than a microsecond", tick)
    if not _FIRST <= microseconds <= _LAST:
        return Fault("not in the years 0001 to 9999", tick)
    moment = _EPOCH + timedelta(microseconds=microseconds)
    return moment.replace(tzinfo=None).isoformat()


def _anything(column: pa.Array) -> list[Any]:
    """Values of a column that is not of the table: only kept, so any form will do."""
    try:
        return _plainly(column)
    except (ValueError, ArithmeticError, LookupError, pa.ArrowException):
        # Python has no such value: broken text, a time beyond its years, a zone without a name.
        one_each = (column.slice(at, 1) for at in range(len(column)))
        return [pa.record_batch([one], ["value"]).serialize().to_pybytes() for one in one_each]
