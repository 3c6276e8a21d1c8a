"""Reads and checks a file in a process of its own, one batch ahead of the one that writes."""

import gc
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection

import msgspec

from payouts.feed import files, outcomes, prepared
from payouts.feed.files import BrokenOff, CannotOpen, Offer, Source
from payouts.feed.outcomes import Received, Recent
from payouts.feed.prepared import Prepared
from payouts.feed.verdict import Judge

#: The reader inherits what the writer has loaded; it opens the file itself and touches no database.
_PROCESSES = multiprocessing.get_context("fork")


class Opened(msgspec.Struct, tag=True):
    """The file is open: what its source says of itself."""

    format: str
    header: bytes


class Unopened(msgspec.Struct, tag=True):
    says: str


class Coming(msgspec.Struct, tag=True):
    """Two messages follow: what becomes of a batch if nothing of it is known, and the batch in short."""

    follows: bool


class Ended(msgspec.Struct, tag=True):
    """Behind the last batch: how the file ended."""

    broken_off: str = ""
    failed: str = ""


_prepared = msgspec.msgpack.Decoder(Prepared)
_short = msgspec.msgpack.Decoder(list[bytes | Received])
_word = msgspec.msgpack.Decoder(Opened | Unopened | Coming | Ended)


class ReaderFailed(RuntimeError):
    """The reading process ended with a fault of ours."""


def open_ahead(name: str, *, judge: Callable[[], Judge], lanes: int) -> Source:
    """Open a file as `files.open_source` does, to be read ahead. Raises `CannotOpen`.

    `judge` is asked for each batch: it reads the clock. Standard input cannot be handed to another
    process and is read where it is.
    """
    if name == files.STDIN:
        return files.open_source(name)
    ours, theirs = _PROCESSES.Pipe(duplex=False)
    reader = _PROCESSES.Process(target=_read, args=(name, theirs, ours, judge, lanes), daemon=True)
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
            raise ReaderFailed(f"{self.name}: {word}")
        self.format, self.header = word.format, word.header

    def __iter__(self) -> Iterator[Received]:
        for offer in self.offers(lanes=1):
            yield from offer.whole()

    def offers(self, *, lanes: int) -> Iterator[Offer]:
        while True:
            match self._word():
                case Coming(follows=follows):
                    ready, short = _prepared.decode(self._received()), self._received()
                    yield Offer(partial(self._at_length, short), follows, ready)
                case Ended(broken_off="", failed=""):
                    return
                case Ended(broken_off=says, failed=""):
                    raise BrokenOff(says)
                case fault:
                    raise ReaderFailed(f"{self.name}: {fault}")

    def _at_length(self, short: bytes) -> list[Received]:
        """Read once more, only where the batch turns out not to be all new."""
        return files.at_length(_short.decode(short), self.format, self.header)

    def _word(self) -> Opened | Unopened | Coming | Ended:
        word: Opened | Unopened | Coming | Ended = _word.decode(self._received())
        return word

    def _received(self) -> bytes:
        try:
            return self._ours.recv_bytes()
        except (EOFError, OSError):  # killed, for example because memory ran out: what came stands
            raise BrokenOff("the process that reads it was ended") from None

    def close(self) -> None:
        self._ours.close()
        self._reader.join()


def _read(name: str, theirs: Connection, ours: Connection, judge: Callable[[], Judge], lanes: int) -> None:
    """The reading process: batches down the pipe, each behind a word, then how the file ended."""
    gc.disable()  # nothing here makes cycles, and looking for them costs a sixth of the time
    ours.close()  # or the pipe would never break when the writer is gone
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the writer is interrupted too, and ends this one
    ended = Ended()
    try:
        with files.open_source(name) as source:
            theirs.send_bytes(msgspec.msgpack.encode(Opened(source.format, source.header)))
            recent = Recent(lanes - 1)
            for batch in source.batches():
                decided = outcomes.decide(batch, judge=judge(), known_keys={}, quarantined_digests=())
                follows = lanes > 1 and recent.shares_with(outcomes.marks_of_decided(batch, decided))
                theirs.send_bytes(msgspec.msgpack.encode(Coming(follows)))
                ready = prepared.of(batch, decided, file_format=source.format, header=source.header)
                theirs.send_bytes(msgspec.msgpack.encode(ready))
                theirs.send_bytes(msgspec.msgpack.encode(files.in_short(batch, source.format)))
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
