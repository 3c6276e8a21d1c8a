"""Writes batches side by side, each in a thread with a connection of its own, where their order is free."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

from django.db import connection, connections

from payouts.feed.prepared import Prepared


class OneLane:
    """Does each batch at once, in the caller's thread and transaction."""

    def send(self, work: Callable[[], Prepared], *, follows: bool) -> list[Prepared]:
        """Do or begin the work of a batch. Returns what became of batches that have ended."""
        return [work()]

    def finish(self) -> list[Prepared]:
        """Wait for what was begun. Returns what became of it."""
        return []


class Lanes(OneLane):
    """Keeps "order within one file is the order of its lines" where it matters: among equal records.

    A batch that shares a natural key, or unkeyed bytes, with one just before it waits until that one
    has ended. All others may be committed in any order, because each would be decided the same.
    """

    def __init__(self, threads: ThreadPoolExecutor, number: int) -> None:
        self._threads = threads
        self._number = number
        self._under_way: deque[Future[Prepared]] = deque()

    def send(self, work: Callable[[], Prepared], *, follows: bool) -> list[Prepared]:
        ended = []
        while self._under_way and (follows or len(self._under_way) >= self._number):
            ended.append(self._under_way.popleft().result())
        self._under_way.append(self._threads.submit(work))
        return ended

    def finish(self) -> list[Prepared]:
        return [self._under_way.popleft().result() for _ in range(len(self._under_way))]

    def close_connections(self) -> None:
        """Let every thread close its connection; the barrier makes each of them do it once."""
        barrier = Barrier(self._number)

        def close() -> None:
            barrier.wait(timeout=60)
            connections.close_all()

        for closing in [self._threads.submit(close) for _ in range(self._number)]:
            closing.result()


@contextmanager
def open_lanes(number: int) -> Iterator[OneLane]:
    """Lanes for one source. One lane inside a transaction of the caller's, which no thread could join."""
    if number == 1 or connection.in_atomic_block:
        yield OneLane()
        return
    with ThreadPoolExecutor(number, thread_name_prefix="feed lane") as threads:
        lanes = Lanes(threads, number)
        try:
            yield lanes
        finally:
            lanes.close_connections()
