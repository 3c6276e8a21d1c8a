"""So many pushes at once in one process, so that they take neither its memory nor every connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from django.db import connection

from payouts.refusal import Refusal

#: More at once are not faster: one interpreter reads them. Each holds a connection, and pages need some too.
AT_ONCE = 4
#: Bodies larger than this, in bytes, are booked two at a time: one may need fifteen times its size.
LARGE, LARGE_AT_ONCE = 8 * 1024 * 1024, 2
#: Seconds; four of the largest take half of it.
PATIENCE = 15.0
_turns, _large_turns = BoundedSemaphore(AT_ONCE), BoundedSemaphore(LARGE_AT_ONCE)


class NoTurn(Refusal):
    """As many as may be are under way, and none of them ended in time."""


@contextmanager
def to_read() -> Iterator[None]:
    """Wait for a turn and hold it until the push has ended. Refuses `NoTurn`."""
    with _held(_turns):
        yield


@contextmanager
def to_book(size: int) -> Iterator[None]:
    """Within a turn, a body of so many bytes is booked. Refuses `NoTurn`."""
    if size <= LARGE:
        yield
        return
    with _held(_large_turns):
        yield


@contextmanager
def _held(turns: BoundedSemaphore) -> Iterator[None]:
    if not turns.acquire(blocking=False):
        _give_back_connection()
        if not turns.acquire(timeout=PATIENCE):
            raise NoTurn("Too many pushes are under way: send it again in a second.")
    try:
        yield
    finally:
        turns.release()


def _give_back_connection() -> None:
    """Whoever waits leaves the connection that looked the token up to others."""
    if not connection.in_atomic_block:
        connection.close()
