"""Looks at the database from outside all that may hang on it: a connection of its own, and never for long.

A frozen PostgreSQL takes connections and answers nothing, so its own time limits do not help: the caller
stops waiting, and the socket is cut so that the look ends too.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Generic, TypeVar

import psycopg
from django.db import connections

from portal.health import facts as asked
from portal.health import schema
from portal.health.signs import Facts

log = logging.getLogger(__name__)

#: Seconds that a look may take. Whoever asks is answered within two.
PATIENCE = 1.5
#: Seconds that a connection may take to come about; the least that PostgreSQL's library knows.
_CONNECT = 2

T = TypeVar("T")


class NoAnswer(Exception):
    """The database did not answer, or not in time."""


def facts(*, now: datetime) -> Facts:
    """Everything. Raises `NoAnswer`."""
    return ask(lambda cursor: asked.facts(cursor, now=now))


def is_migrated() -> bool:
    """Whether the database is there and has every migration of the code. Raises `NoAnswer`."""
    return ask(lambda cursor: schema.wanted() <= schema.applied(cursor))


class Watch(Generic[T]):
    """What a look found, kept for some seconds; one look at a time, however many ask.

    Nobody waits longer than `patience` seconds after the look was begun.
    """

    def __init__(self, *, keeps: float, patience: float = PATIENCE) -> None:
        self._keeps, self._patience = keeps, patience
        self._lock = threading.Lock()
        self._found: Future[T] | None = None
        self._begun = 0.0
        self._ended = 0.0

    def answer(self, look: Callable[[], T]) -> T:
        """What the latest look found. Raises what the look raised, and `NoAnswer`."""
        with self._lock:
            found = self._found
            if found is None or (found.done() and time.monotonic() - self._ended >= self._keeps):
                found = self._found = Future()
                self._begun = time.monotonic()
                # A thread that hangs on a frozen server keeps no process from ending.
                threading.Thread(target=self._look, args=(look, found), daemon=True).start()
            left = self._begun + self._patience - time.monotonic()
        try:
            return found.result(timeout=max(left, 0))
        except TimeoutError:
            raise NoAnswer from None

    def forget(self) -> None:
        """The next who asks gets a fresh look."""
        with self._lock:
            self._found = None

    def _look(self, look: Callable[[], T], found: Future[T]) -> None:
        try:
            result = look()
        except BaseException as problem:
            self._ended = time.monotonic()
            found.set_exception(problem)
        else:
            self._ended = time.monotonic()
            found.set_result(result)


def ask(question: Callable[[Any], T]) -> T:
    """What a question finds with a cursor of that connection. Raises `NoAnswer`."""
    try:
        with _cursor() as cursor:
            return question(cursor)
    except psycopg.Error as problem:
        # Only the kind: what it says may name hosts and roles.
        log.warning("the database does not answer: %s", type(problem).__name__)
        raise NoAnswer from None


@contextmanager
def _cursor() -> Iterator[psycopg.Cursor[Any]]:
    """A cursor in a transaction that reads, with limits on both sides."""
    params = connections["default"].get_connection_params()
    params |= {"connect_timeout": _CONNECT, "autocommit": True, "application_name": "portal health"}
    with psycopg.connect(**params) as connection:
        alarm = threading.Timer(PATIENCE, _cut, [connection])
        alarm.daemon = True
        alarm.start()
        try:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ ONLY")
                cursor.execute(f"SET LOCAL statement_timeout = {int(PATIENCE * 1000)}")
                yield cursor
        finally:
            alarm.cancel()


def _cut(connection: psycopg.Connection[Any]) -> None:
    """End the conversation from outside: whoever waits for an answer gets an error instead."""
    try:
        with socket.socket(fileno=connection.fileno()) as ours:
            try:
                ours.shutdown(socket.SHUT_RDWR)
            finally:
                ours.detach()  # it is the connection's, which closes it
    except (OSError, psycopg.Error):
        pass  # it has ended meanwhile
