"""Opens what the exchange sends — NDJSON, CSV, Parquet, plain or gzip — and yields what was received."""

import gzip
import io
import os
import sys
import zlib
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import pyarrow as pa

from payouts.feed import csv_rows, lines, parquet, record
from payouts.feed.lines import LongLine
from payouts.feed.outcomes import Received, Recent, marks_of
from payouts.feed.prepared import Prepared
from payouts.feed.record import Malformed, Record, Wire
from payouts.refusal import Refusal

RECORDS_IN_A_BATCH = 60_000
BYTES_IN_A_BATCH = 24 * 1024 * 1024
_READ_AT_ONCE = 1024 * 1024
#: Lines that are decoded at once; if one is not as nearly all are, each of them by itself.
_LINES_TOGETHER, _BYTES_TOGETHER = 200, 256 * 1024
_BROKEN = (OSError, EOFError, zlib.error)
STDIN = "-"


class CannotOpen(Refusal):
    """Nothing of the file can be read; nothing of it is booked."""


class BrokenOff(Exception):
    """The file ends in the middle; what came before it stands."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A batch to be booked."""

    whole: Callable[[], list[Received]]
    #: Whether it holds records of a batch just before it, which must then be booked first.
    follows: bool
    #: What becomes of it if nothing of it is known yet, where somebody has worked that out already.
    prepared: Prepared | None = None


def _same(batch: list[Received]) -> list[Received]:
    return batch


class Source(AbstractContextManager["Source"]):
    """One opened file: its format and the records received from it, in order, once."""

    format = ""
    #: What the rows' bytes alone do not say: the header of a CSV.
    header = b""
    #: The enrolments that prepared batches were decided with, where somebody prepares them.
    decided_with: object = None

    def __init__(self, name: str) -> None:
        self.name = _shown(name)

    @abstractmethod
    def __iter__(self) -> Iterator[Received]:
        """The records. Raises `BrokenOff` where the file ends in the middle."""

    def batches(self) -> Iterator[list[Received]]:
        """The records in batches. What came before a break is a batch of its own."""
        batch: list[Received] = []
        size = 0
        try:
            for received in self:
                size += len(received.raw)
                # Before it, not after: two lines of 16 MiB are two batches.
                if len(batch) >= RECORDS_IN_A_BATCH or (batch and size > BYTES_IN_A_BATCH):
                    yield batch
                    batch, size = [], len(received.raw)
                batch.append(received)
        except BrokenOff:
            if batch:
                yield batch
            raise
        if batch:
            yield batch

    def offers(self, *, lanes: int) -> Iterator[Offer]:
        """The batches as they are to be booked, by so many writers at once."""
        recent = Recent(lanes - 1)
        for batch in self.batches():
            follows = lanes > 1 and recent.shares_with(marks_of(batch))
            yield Offer(whole=partial(_same, batch), follows=follows)

    def close(self) -> None:
        """Let go of the file."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def open_source(name: str) -> Source:
    """Open a file by its suffix, or `-` for NDJSON on standard input. Raises `CannotOpen`."""
    path = Path(name)
    name = _shown(name)
    kind = name.lower().removesuffix(".gz")
    try:
        if name == STDIN:
            return _Lines(name, _standard_input())
        if kind.endswith(".ndjson"):
            return _Lines(name, _bytes_of(path))
        if kind.endswith(".csv"):
            return _Rows(name, _bytes_of(path))
        if name.lower().endswith(".parquet"):
            return _ParquetRows(name, path)
    except FileNotFoundError:
        raise CannotOpen(f"{name}: there is no such file") from None
    except csv_rows.UnusableColumns as problem:
        raise CannotOpen(f"{name}: {problem}") from None
    except (*_BROKEN, pa.ArrowException, UnicodeDecodeError, ValueError) as problem:
        raise CannotOpen(f"{name}: cannot be read: {_in_one_line(problem)}") from None
    raise CannotOpen(f"{name}: a feed file ends in .ndjson, .csv, .parquet, .ndjson.gz or .csv.gz")


def _shown(name: str) -> str:
    """A name that can be told and kept, though its bytes are not UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()


def _standard_input() -> "_Bytes":
    if sys.stdin is None:
        raise OSError("it is closed")
    return os.fdopen(os.dup(sys.stdin.fileno()), "rb")


class _Bytes(Protocol):
    def read1(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


class _Chunks:
    """The bytes of a file, the first of them read at once so that a file broken from its start shows."""

    def __init__(self, stream: _Bytes) -> None:
        self._stream = stream
        try:
            self._first = stream.read1(_READ_AT_ONCE)
        except BaseException:
            stream.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        chunk = self._first
        while chunk:
            yield chunk
            try:
                chunk = self._stream.read1(_READ_AT_ONCE)
            except _BROKEN as problem:
                raise BrokenOff(_in_one_line(problem)) from None

    def close(self) -> None:
        self._stream.close()


def _bytes_of(path: Path) -> _Bytes:
    file = path.open("rb")
    if not path.name.lower().endswith(".gz"):
        return file
    if not file.peek(1):  # a gzip file has a header even when it holds nothing
        file.close()
        raise EOFError("it is empty, which no gzip file is")
    return io.BufferedReader(_Unzipped(file), _READ_AT_ONCE)


class _Unzipped(gzip.GzipFile):
    """A gzip file that closes the file beneath it too."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._beneath = file
        super().__init__(fileobj=file, mode="rb")

    def readinto(self, buffer: Any) -> int:
        piece = self.read1(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        super().close()
        self._beneath.close()


def received_lines(found: Iterable[bytes | LongLine]) -> Iterator[Received]:
    """What was received with lines of NDJSON."""
    together: list[bytes] = []
    size = 0
    try:
        for line in found:
            if isinstance(line, LongLine):
                yield from _read_together(together)
                together, size = [], 0
                yield _too_long(line, line.digest)
                continue
            together.append(line)
            size += len(line)
            if len(together) == _LINES_TOGETHER or size > _BYTES_TOGETHER:
                yield from _read_together(together)
                together, size = [], 0
    except BrokenOff:
        yield from _read_together(together)
        raise
    yield from _read_together(together)


def _read_together(found: list[bytes]) -> Iterator[Received]:
    wires = record.decode_together(found) if found else None
    if wires is None:
        yield from map(_read_line, found)
        return
    for line, wire in zip(found, wires, strict=True):
        try:
            yield Received(line, len(line), b"", record.read(wire))
        except Malformed as problem:
            yield Received(line, len(line), b"", None, str(problem))


def _read_line(line: bytes) -> Received:
    try:
        return Received(line, len(line), b"", record.read_json(line))
    except Malformed as problem:
        return Received(line, len(line), b"", None, str(problem))


class _Lines(Source):
    format = "ndjson"

    def __init__(self, name: str, stream: _Bytes) -> None:
        super().__init__(name)
        self._chunks = _Chunks(stream)

    def __iter__(self) -> Iterator[Received]:
        return received_lines(lines.split(self._chunks))

    def close(self) -> None:
        self._chunks.close()


class _Rows(Source):
    format = "csv"

    def __init__(self, name: str, stream: _Bytes) -> None:
        super().__init__(name)
        self._chunks = _Chunks(stream)
        try:
            self._rows = csv_rows.split(lines.without_mark(self._chunks))
            self.header, self._names = self._read_header()
        except BaseException:
            self._chunks.close()
            raise

    def _read_header(self) -> tuple[bytes, list[str]]:
        try:
            header = next(self._rows, b"")
            if isinstance(header, LongLine):
                raise csv_rows.UnusableColumns("its header is longer than 16 MiB")
            names = csv_rows.cells(header)
        except Malformed as problem:
            raise csv_rows.UnusableColumns(f"its header is {problem}") from None
        except BrokenOff as problem:
            raise csv_rows.UnusableColumns(f"it breaks off in its header: {problem}") from None
        csv_rows.check_columns(names)
        return header, names

    def __iter__(self) -> Iterator[Received]:
        return _received_rows(self._rows, self.header, self._names)

    def close(self) -> None:
        self._chunks.close()


class _ParquetRows(Source):
    format = "parquet"

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(name)
        self._rows = parquet.Rows(path)

    def __iter__(self) -> Iterator[Received]:
        names = self._rows.names
        each = iter(self._rows)
        while True:
            try:
                values = next(each)
            except StopIteration:
                return
            except (*_BROKEN, pa.ArrowException) as problem:
                raise BrokenOff(_in_one_line(problem)) from None
            shown = repr(dict(zip(names, values, strict=True))).encode("utf-8", "backslashreplace")
            digest = sha256(shown).digest()
            if len(shown) > lines.LONGEST_LINE:
                head = shown[: lines.KEPT_OF_A_LONG_LINE]
                yield _too_long(LongLine(head, len(shown), digest), digest)
                continue
            yield _received(shown, digest, names, lambda _, values=values: values, parquet.wire)

    def close(self) -> None:
        self._rows.close()


def _received_rows(rows: Iterable[bytes | LongLine], header: bytes, names: list[str]) -> Iterator[Received]:
    same_header = sha256(header).digest()
    for row in rows:
        if isinstance(row, LongLine):
            yield _too_long(row, sha256(same_header + row.digest).digest())
            continue
        digest = sha256(same_header + sha256(row).digest()).digest()
        yield _received(row, digest, names, csv_rows.cells, csv_rows.wire)


def in_short(batch: list[Received], file_format: str) -> list[bytes | Received]:
    """The batch as it is handed to another process: bytes where `at_length` can read them again."""
    if file_format == "parquet":
        return list(batch)
    return [each.raw if each.length == len(each.raw) else each for each in batch]


def at_length(short: list[bytes | Received], file_format: str, header: bytes) -> list[Received]:
    """The batch again that `in_short` made short."""
    lines_or_rows = [each for each in short if isinstance(each, bytes)]
    if file_format == "csv":
        read = _received_rows(lines_or_rows, header, csv_rows.cells(header))
    else:
        read = received_lines(lines_or_rows)
    return [each if isinstance(each, Received) else next(read) for each in short]


def _received(raw: bytes, digest: bytes, names: Any, values_of: Any, wire_of: Any) -> Received:
    try:
        wire: Wire = wire_of(names, values_of(raw))
        read: Record = record.read(wire)
    except Malformed as problem:
        return Received(raw, len(raw), digest, None, str(problem))
    return Received(raw, len(raw), digest, read)


def _too_long(line: LongLine, digest: bytes) -> Received:
    return Received(line.head, line.length, digest, None, "longer than 16 MiB")


def _in_one_line(problem: BaseException) -> str:
    return " ".join(str(problem).split())[:300] or type(problem).__name__
