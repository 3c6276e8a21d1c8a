"""A record in quarantine, read again from the bytes that were kept of it."""

import json
import re
from ast import literal_eval
from collections.abc import Iterator
from typing import Any

from payouts.feed import csv_rows, parquet, record
from payouts.feed.record import Malformed, Record

#: A row of Parquet is kept as Python writes a dict: strings, brackets, and what is between them.
_TOKEN = re.compile(
    r"""b?'(?:[^'\\]|\\.)*+'|b?"(?:[^"\\]|\\.)*+"|[\[\](){}]|[,:]|[^'"\[\](){},:]+""", re.DOTALL
)
_OPENS, _CLOSES = "[({", "])}"
#: Whatever a column of the table holds is shorter: 200 characters, each of them escaped.
_LONGEST_VALUE = 4_000
#: What people are shown of a record.
MOST_FIELDS, LONGEST_SHOWN, LONGEST_READ = 100, 500, 64 * 1024


def read(*, file_format: str, header: bytes, raw: bytes) -> Record:
    """Read a record that was readable when it came. Raises `Malformed`."""
    if file_format == "ndjson":
        return record.read_json(raw)
    try:
        if file_format == "csv":
            return record.read(csv_rows.wire(csv_rows.cells(header), csv_rows.cells(raw)))
        return record.read(_wire_of_parquet(raw))
    except (LookupError, TypeError, ValueError) as problem:  # of what never was readable
        raise Malformed(str(problem)) from None


def fields(*, file_format: str, header: bytes, raw: bytes) -> list[tuple[str, str]]:
    """What a record says, field by field as it is written, as far as it can be read; short texts."""
    if len(raw) > LONGEST_READ:
        return []
    try:
        found = list(_fields(file_format, header, raw))
    except (ValueError, RecursionError):
        return []
    return [(_shown(name), _shown(value)) for name, value in found[:MOST_FIELDS]]


def _fields(file_format: str, header: bytes, raw: bytes) -> Iterator[tuple[str, str]]:
    if file_format == "csv":
        yield from zip(csv_rows.cells(header), csv_rows.cells(raw), strict=False)
        return
    if file_format == "parquet":
        for name, written in _pairs(raw.decode()):
            yield name, _text(_value(written)) if len(written) <= _LONGEST_VALUE else written
        return
    found = json.loads(raw)
    if isinstance(found, dict):
        yield from ((name, _text(value)) for name, value in found.items())


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _shown(text: str) -> str:
    """Short, and without lone surrogates, which no page can be made of."""
    return text[:LONGEST_SHOWN].encode("utf-8", "backslashreplace").decode()


def _wire_of_parquet(raw: bytes) -> record.Wire:
    """The columns of the table. What other columns hold is passed over: it may be anything."""
    by_name: dict[str, Any] = {}
    for name, written in _pairs(raw.decode()):
        if name in csv_rows.KNOWN:
            if len(written) > _LONGEST_VALUE:
                raise Malformed(f"{name}: too long")
            by_name[name] = _value(written)
    missing = [name for name in csv_rows.NEEDED if name not in by_name]
    if missing:
        raise Malformed(f"{missing[0]}: null")
    return parquet.wire(list(by_name), tuple(by_name.values()))


def _value(written: str) -> Any:
    """A text, a number, a boolean, None; of anything else how it is written."""
    try:
        return literal_eval(written)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return written


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Each name of a written dict with what is written behind it. Linear in the text, whatever it is."""
    depth, start, name = 0, 0, None
    for token in _TOKEN.finditer(text):
        first = token[0][0]
        if first in _OPENS:
            depth += 1
            start = token.end() if depth == 1 else start
            continue
        depth -= first in _CLOSES
        if (first in _CLOSES and depth == 0) or (first == "," and depth == 1):
            if name is not None:
                yield name, text[start : token.start()].strip()
            name, start = None, token.end()
        elif first == ":" and depth == 1 and name is None:
            name, start = str(_value(text[start : token.start()].strip())), token.end()
