"""Races that always happen: gates that stop a calculation midway, threads, and the owner's hand."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections

from tests.payouts.owner import connected as owner

#: What a calculation waits for, as PostgreSQL calls it.
AT_THE_GATE = "relation"
FOR_ITS_TURN = "advisory"
FOR_ANOTHERS_ROW = "transactionid"


@contextmanager
def gate_before_writing(table: str) -> Iterator[None]:
    """Inside the block nobody writes to the table; what wants to, waits and goes on afterwards."""
    with owner() as holder, holder.transaction():
        holder.execute(f"LOCK TABLE {table} IN SHARE MODE")
        yield


@contextmanager
def side_by_side() -> Iterator[Callable[[Callable[[], Any]], Future[Any]]]:
    """Start what runs at the same time, each in a thread with a connection of its own."""

    def alone(do: Callable[[], Any]) -> Any:
        try:
            return do()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=8) as pool:
        yield lambda do: pool.submit(alone, do)


#: Sessions of this database that wait for a lock, and for which kind. Other roles may look here.
WAITING = (
    "FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE datname = current_database() AND NOT granted AND locktype = %s"
)


def until_waiting(count: int, what_for: str) -> None:
    """Return once so many sessions of this database wait for it."""
    with owner() as watcher:
        eventually(lambda: watcher.execute(f"SELECT count(*) {WAITING}", [what_for]).fetchone() == (count,))


def until_waiting_at_least(count: int, what_for: str) -> None:
    """The same for so many or more."""
    with owner() as watcher:
        eventually(
            lambda: watcher.execute(f"SELECT count(*) >= {count} {WAITING}", [what_for]).fetchone() == (True,)
        )


def without_the_lock() -> None:
    """A twin of the database in which the advisory locks of calculations do nothing."""
    with owner() as hand:
        for name, result in (("pg_advisory_lock", "void"), ("pg_advisory_unlock", "boolean")):
            hand.execute(
                f"CREATE FUNCTION public.{name}(integer, integer) RETURNS {result}"
                f" LANGUAGE sql AS 'SELECT {'true' if result == 'boolean' else ''}'"
            )
        name = connection.settings_dict["NAME"]
        hand.execute(f"ALTER DATABASE {name} SET search_path = public, pg_catalog")
    connections.close_all()


def eventually(true: Callable[[], object], *, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)
