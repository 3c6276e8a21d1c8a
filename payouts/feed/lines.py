"""Cuts a stream of bytes into the lines of NDJSON, in constant memory whatever the bytes are. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

LONGEST_LINE = 16 * 1024 * 1024
KEPT_OF_A_LONG_LINE = 64 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: A line that is a record, so neither empty nor a `\r` alone.
_RECORD = re.compile(rb"[^\r\n][^\n]*|\r[^\n]+")


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line over 16 MiB: its first 64 kB, its length and the SHA-256 of all of it."""

    head: bytes
    length: int
    digest: bytes


class GrowingLine:
    """A line of which more than the limit has come: hashed as it comes, forgotten at once."""

    def __init__(self, start: bytes) -> None:
        self._hash = sha256()
        self._head = b""
        self._length = 0
        self._held_return = b""
        self.add(start)

    def add(self, piece: bytes) -> None:
        # One \r before the end is not part of the line, so the last one waits to be sure of.
        piece = self._held_return + piece
        self._held_return = b""
        if piece.endswith(b"\r"):
            piece, self._held_return = piece[:-1], b"\r"
        self._hash.update(piece)
        self._length += len(piece)
        if len(self._head) < KEPT_OF_A_LONG_LINE:
            self._head += piece[: KEPT_OF_A_LONG_LINE - len(self._head)]

    def end(self) -> LongLine:
        return LongLine(self._head, self._length, self._hash.digest())


def split(chunks: Iterable[bytes]) -> Iterator[bytes | LongLine]:
    """Every line that is a record: without its line end, without one `\\r` before it, not empty.

    If reading breaks off, the exception passes through and the unfinished line is not yielded: half
    a record is not a record.
    """
    rest = b""
    growing: GrowingLine | None = None
    for chunk in without_mark(chunks):
        pieces = chunk.split(b"\n")
        if growing is not None:
            growing.add(pieces[0])
            if len(pieces) == 1:
                continue
            yield growing.end()
            growing = None
            pieces[0] = b""
        elif rest:
            pieces[0] = rest + pieces[0]
        rest = pieces.pop()
        for piece in pieces:
            if len(piece) <= LONGEST_LINE and not piece.endswith(b"\r"):  # as nearly all are
                if piece:
                    yield piece
            elif piece != b"\r":  # 32 MB of nothing else take a second, not ten
                yield from _line(piece)
        if len(rest) > LONGEST_LINE + 1:  # one byte over the limit may yet be its \r
            growing = GrowingLine(rest)
            rest = b""
    if growing is not None:
        yield growing.end()
    else:
        yield from _line(rest)


def numbers(body: bytes, positions: Iterable[int]) -> dict[int, int]:
    """On which line, from 1, the records at these positions, from 0, stand in a body of lines."""
    wanted = set(positions)
    found: dict[int, int] = {}
    number, at = 1, len(BYTE_ORDER_MARK) if body.startswith(BYTE_ORDER_MARK) else 0
    for position, record in enumerate(_RECORD.finditer(body, at)):
        if len(found) == len(wanted):
            break
        number += body.count(b"\n", at, record.start())
        at = record.start()
        if position in wanted:
            found[position] = number
    return found


def _line(piece: bytes) -> Iterator[bytes | LongLine]:
    line = piece[:-1] if piece.endswith(b"\r") else piece
    if len(line) > LONGEST_LINE:
        yield GrowingLine(piece).end()
    elif line:
        yield line


def without_mark(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Skip a UTF-8 byte order mark at the very start, even if it comes in pieces."""
    start = b""
    begun = False
    for chunk in chunks:
        if begun:
            yield chunk
            continue
        start += chunk
        if len(start) >= len(BYTE_ORDER_MARK):
            begun = True
            yield start.removeprefix(BYTE_ORDER_MARK)
    if not begun and start:
        yield start
