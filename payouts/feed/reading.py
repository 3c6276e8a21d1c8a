"""Reads and checks a file in a process of its own, one batch ahead of the one that writes."""

import gc
import multiprocessing
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection

import msgspec

from payouts.feed import files
from payouts.feed.files import BrokenOff, CannotOpen, Source
from payouts.feed.outcomes import Received

#: The reader inherits what the writer has loaded; it opens the file itself and touches no database.
_PROCESSES = multiprocessing.get_context("fork")


class Opened(msgspec.Struct, tag=True):
    """The file is open: what its source says of itself."""

    format: str
    header: bytes


class Unopened(msgspec.Struct, tag=True):
    says: str


class Ended(msgspec.Struct, tag=True):
    """Behind the last batch: how the file ended."""

    broken_off: str = ""
    failed: str = ""


_batch = msgspec.msgpack.Decoder(list[Received])
_word = msgspec.msgpack.Decoder(Opened | Unopened | Ended)


class ReaderFailed(RuntimeError):
    """The reading process ended with a fault of ours."""


def open_ahead(name: str) -> Source:
    """Open a file as `files.open_source` does, to be read ahead. Raises `CannotOpen`.

    Standard input cannot be handed to another process here and is read where it is.
    """
    if name == files.STDIN:
        return files.open_source(name)
    ours, theirs = _PROCESSES.Pipe(duplex=False)
    reader = _PROCESSES.Process(target=_read, args=(name, theirs, ours), daemon=True)
    reader.start()
    theirs.close()
    source = _Ahead(name, reader, ours)
    try:
        source.open()
    except BaseException:
        source.close()
        raise
    return source


class _Ahead(Source):
    def __init__(self, name: str, reader: multiprocessing.process.BaseProcess, ours: Connection) -> None:
        super().__init__(name)
        self._reader = reader
        self._ours = ours

    def open(self) -> None:
        try:
            word = self._word()
        except BrokenOff as problem:
            raise CannotOpen(f"{self.name}: {problem}") from None
        if isinstance(word, Unopened):
            raise CannotOpen(word.says)
        if not isinstance(word, Opened):
            raise ReaderFailed(f"{self.name}: {word.failed}")
        self.format, self.header = word.format, word.header

    def __iter__(self) -> Iterator[Received]:
        for batch in self.batches():
            yield from batch

    def batches(self) -> Iterator[list[Received]]:
        while True:
            word = self._word()
            if isinstance(word, Ended):
                if word.failed:
                    raise ReaderFailed(f"{self.name}: {word.failed}")
                if word.broken_off:
                    raise BrokenOff(word.broken_off)
                return
            yield _batch.decode(self._received())

    def _word(self) -> Opened | Unopened | Ended:
        word: Opened | Unopened | Ended = _word.decode(self._received())
        return word

    def _received(self) -> bytes:
        try:
            return self._ours.recv_bytes()
        except (EOFError, OSError):  # killed, for example because memory ran out: what came stands
            raise BrokenOff("the process that reads it was ended") from None

    def close(self) -> None:
        self._ours.close()
        self._reader.join()


def _read(name: str, theirs: Connection, ours: Connection) -> None:
    """The reading process: batches down the pipe, each behind a word, then how the file ended."""
    gc.disable()  # nothing here makes cycles, and looking for them costs a sixth of the time
    ours.close()  # or the pipe would never break when the writer is gone
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the writer is interrupted too, and ends this one
    ended = Ended()
    try:
        with files.open_source(name) as source:
            opened = Opened(source.format, source.header)
            theirs.send_bytes(msgspec.msgpack.encode(opened))
            for batch in source.batches():
                theirs.send_bytes(msgspec.msgpack.encode(opened))
                theirs.send_bytes(msgspec.msgpack.encode(batch))
    except CannotOpen as refusal:
        theirs.send_bytes(msgspec.msgpack.encode(Unopened(str(refusal))))
        return
    except BrokenOff as problem:
        ended = Ended(broken_off=str(problem) or "it ends in the middle")
    except BrokenPipeError:
        return  # the writer is gone; so is the need to read
    except Exception as problem:
        ended = Ended(failed=f"{type(problem).__name__}: {problem}")
    theirs.send_bytes(msgspec.msgpack.encode(ended))
