"""Databases for tests: a migrated template, and clones of it that cost a tenth of a second."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections

from tests import emptying

ROOT = Path(__file__).resolve().parent.parent
_LOCK = 7_230_101


def _administer() -> psycopg.Connection[tuple[object, ...]]:
    owner = settings.DATABASE_OWNER
    return psycopg.connect(
        host=owner["HOST"],
        port=owner["PORT"],
        user=owner["USER"],
        password=owner["PASSWORD"],
        dbname="portal",
        autocommit=True,
    )


def _template_name() -> str:
    """Named after the migrations' text, so that a changed migration makes a new template."""
    text = sha256()
    for file in sorted(ROOT.glob("p*/migrations/*.py")):
        text.update(file.name.encode() + file.read_bytes())
    return f"template_{text.hexdigest()[:16]}"


def template() -> str:
    """The name of the migrated template, made once for all workers and runs."""
    name = _template_name()
    with _administer() as server:
        server.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return name
            drop(server, f"making_{name}")
            server.execute(f"CREATE DATABASE making_{name}")
            with _named(f"making_{name}"):
                call_command("migrate", verbosity=0, interactive=False)
            server.execute(f"ALTER DATABASE making_{name} RENAME TO {name}")
            return name
        finally:
            server.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


@contextmanager
def clone(name: str) -> Iterator[str]:
    """A database of one's own, in use by Django inside the block and gone after it. Yields its URL."""
    with clone_of(template(), name) as url:
        yield url


@contextmanager
def clone_of(source: str, name: str) -> Iterator[str]:
    """The same, from any database, named or by its URL, that nothing is connected to."""
    source = source.rsplit("/", 1)[-1]
    with _administer() as server:
        drop(server, name)
        server.execute(f"CREATE DATABASE {name} TEMPLATE {source}")
        try:
            with _named(name):
                app = settings.DATABASES["default"]
                yield (f"postgres://{app['USER']}:{app['PASSWORD']}@{app['HOST']}:{app['PORT']}/{name}")
        finally:
            drop(server, name)


class Reused:
    """One clone for the tests of a process, as new for each of them."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._fresh: emptying.Fresh | None = None

    @contextmanager
    def in_use(self) -> Iterator[str]:
        """The database, in use by Django inside the block. Yields its URL."""
        if self._fresh is None:
            source = template()
            with _administer() as server:
                drop(server, self._name)
                server.execute(f"CREATE DATABASE {self._name} TEMPLATE {source}")
            self._fresh = emptying.look_at(self._name)
        fresh, self._fresh = self._fresh, None
        app = settings.DATABASES["default"]
        with _named(self._name):
            yield f"postgres://{app['USER']}:{app['PASSWORD']}@{app['HOST']}:{app['PORT']}/{self._name}"
        if emptying.make_as_new(self._name, fresh):
            self._fresh = fresh

    def drop(self) -> None:
        with _administer() as server:
            drop(server, self._name)


def drop(server: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    """Drop a database. Backends of closed or killed connections leave it a moment later."""
    until = time.monotonic() + 10
    while True:
        try:
            server.execute(f"DROP DATABASE IF EXISTS {name}")
            return
        except psycopg.errors.ObjectInUse:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Point Django's connection, and those of threads made inside the block, at a database."""
    before = connection.settings_dict["NAME"]
    connections.close_all()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connections.close_all()
        connection.settings_dict["NAME"] = before


def own_name(purpose: str) -> str:
    return f"test_{purpose}_{os.getpid()}"
