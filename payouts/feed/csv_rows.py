"""Cuts bytes into the rows of RFC 4180 and rows into cells, in constant memory. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from payouts.feed.lines import LONGEST_LINE, GrowingLine, LongLine
from payouts.feed.record import Malformed, Wire

_CELL = r'(?:"[^"]*+(?:""[^"]*+)*+"|[^",\r\n]*+)'
_ROW = re.compile(rf"{_CELL}(?:,{_CELL})*+")
_ROW_BYTES = re.compile(rf"{_CELL}(?:,{_CELL})*+".encode())
_EACH_CELL = re.compile(rf"({_CELL}),")
_INTEGER = re.compile(r"0|[1-9][0-9]{0,19}")

_AT_CELL, _BARE, _QUOTED, _AFTER_QUOTE = range(4)
_QUOTE, _COMMA = 0x22, 0x2C


class _OpenRow:
    """A row whose end has not come yet: where in it we are, and its bytes or, past the limit, their hash."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._growing: GrowingLine | None = None
        self._state = _AT_CELL

    def add(self, piece: bytes, *, ends_line: bool) -> bool:
        """Take the next bytes; True when they end the row. A line end inside quotes is part of a cell."""
        self._scan(piece)
        ends_row = ends_line and self._state != _QUOTED
        if ends_line and not ends_row:
            piece += b"\n"
        self._keep(piece)
        return ends_row

    def end(self) -> bytes | LongLine:
        if self._growing is not None:
            return self._growing.end()
        row = bytes(self._kept).removesuffix(b"\r")
        if len(row) > LONGEST_LINE:
            return GrowingLine(row).end()
        return row

    def _keep(self, piece: bytes) -> None:
        if self._growing is not None:
            self._growing.add(piece)
            return
        self._kept += piece
        if len(self._kept) > LONGEST_LINE + 1:
            self._growing = GrowingLine(bytes(self._kept))
            self._kept.clear()

    def _scan(self, piece: bytes) -> None:
        at, state = 0, self._state
        while at < len(piece):
            if state == _QUOTED:
                found = piece.find(b'"', at)
                if found < 0:
                    break
                at, state = found + 1, _AFTER_QUOTE
            elif state == _BARE:
                found = piece.find(b",", at)
                if found < 0:
                    break
                at, state = found + 1, _AT_CELL
            else:
                byte = piece[at]
                # A quote opens the cell here, or was the second of a doubled quote.
                state = _QUOTED if byte == _QUOTE else _AT_CELL if byte == _COMMA else _BARE
                at += 1
        self._state = state


def split(chunks: Iterable[bytes]) -> Iterator[bytes | LongLine]:
    """Every row, without its line end; empty lines are not rows. Chunks must not begin with a mark.

    A quote that is never closed makes all that follows one row, which `cells` then refuses.
    """
    row: _OpenRow | None = None
    for chunk in chunks:
        pieces = chunk.split(b"\n")
        last = len(pieces) - 1
        for number, piece in enumerate(pieces):
            ends_line = number < last
            if row is None:
                if ends_line and _is_whole(piece):
                    yield from _one(piece.removesuffix(b"\r"))
                    continue
                if not piece and not ends_line:
                    continue
                row = _OpenRow()
            if row.add(piece, ends_line=ends_line):
                yield from _one(row.end())
                row = None
    if row is not None:
        yield from _one(row.end())


def _is_whole(line: bytes) -> bool:
    """Whether a line is surely a row of its own, the case of nearly every line."""
    if len(line) > LONGEST_LINE:
        return False
    return b'"' not in line or _ROW_BYTES.fullmatch(line.removesuffix(b"\r")) is not None


def _one(row: bytes | LongLine) -> Iterator[bytes | LongLine]:
    if isinstance(row, LongLine) or row:
        yield row


def cells(row: bytes) -> list[str]:
    """The cells of a row, unquoted and not trimmed. Raises `Malformed`."""
    try:
        text = row.decode()
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None
    if '"' not in text:
        if "\r" in text:
            raise Malformed("not RFC 4180: a bare carriage return")
        return text.split(",")
    if _ROW.fullmatch(text) is None:
        raise Malformed("not RFC 4180: a quote that does not fit")
    return [_unquoted(cell) for cell in _EACH_CELL.findall(f"{text},")]


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell


#: Columns of the table by name; whether null is allowed decides whether a file may lack them.
_TEXTS = {
    "symbol": "symbol",
    "orderId": "order_id",
    "side": "side",
    "price": "price",
    "quantity": "quantity",
    "fee": "fee",
    "feeRate": "fee_rate",
    "timestamp": "timestamp",
}
_TEXTS_THAT_MAY_BE_EMPTY = {"marketType": "market_type", "feeSymbol": "fee_symbol"}
_TEXTS_OR_NULL = {
    "clientId": "client_id",
    "affiliateRate": "affiliate_rate",
    "systemOrderType": "system_order_type",
}
_INTEGERS = {"userId": "trader", "brokerId": "broker"}
NEEDED = (*_TEXTS, *_TEXTS_THAT_MAY_BE_EMPTY, *_INTEGERS, "isMaker")
KNOWN = (*NEEDED, *_TEXTS_OR_NULL, "tradeId")


class UnusableColumns(ValueError):
    """A header or schema from which no record can be made; the text says why."""


def check_columns(names: Sequence[str]) -> None:
    """Refuse a file that lacks a column which may not be null, or names a column of the table twice."""
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise UnusableColumns(f"it has no column {', '.join(missing)}")
    twice = [name for name in KNOWN if list(names).count(name) > 1]
    if twice:
        raise UnusableColumns(f"it names the column {', '.join(twice)} twice")


def wire(header: Sequence[str], row: Sequence[str]) -> Wire:
    """The fields of one row. Raises `Malformed`. An empty cell is null but for two columns."""
    if len(row) != len(header):
        raise Malformed(f"{len(row)} cells under a header of {len(header)}")
    by_name = dict(zip(header, row, strict=True))
    fields: dict[str, Any] = {field: by_name.get(name) or None for name, field in _TEXTS_OR_NULL.items()}
    fields |= {field: by_name[name] for name, field in _TEXTS_THAT_MAY_BE_EMPTY.items()}
    for name, field in _TEXTS.items():
        if not by_name[name]:
            raise Malformed(f"{name}: empty")
        fields[field] = by_name[name]
    for name, field in _INTEGERS.items():
        fields[field] = _integer(name, by_name[name])
    fields["trade_id"] = _integer("tradeId", text) if (text := by_name.get("tradeId")) else None
    if by_name["isMaker"] not in ("true", "false"):
        raise Malformed("isMaker: neither true nor false")
    fields["is_maker"] = by_name["isMaker"] == "true"
    return Wire(**fields)


def _integer(name: str, text: str) -> int:
    if _INTEGER.fullmatch(text) is None:
        raise Malformed(f"{name}: not an integer")
    return int(text)
