"""PostgreSQL and Valkey of a test's own, to be killed and frozen, and Django pointed at them."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connection, connections
from psycopg.conninfo import conninfo_to_dict

from portal import embedded
from tests.portal import embedded_servers


@dataclass(frozen=True, slots=True)
class Servers:
    """Those of a folder. All acts return once the servers answer again."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to use them, and in them the database that Django uses now."""
        there = embedded.addresses(self.folder)
        database = connection.settings_dict["NAME"]
        return {
            "DATA_DIR": str(self.folder),
            "DATABASE_URL": there.database_url.rpartition("/")[0] + f"/{database}",
            "DATABASE_OWNER_URL": there.database_owner_url,
            "BROKER_URL": there.broker_url,
        }

    @property
    def broker(self) -> str:
        return embedded.addresses(self.folder).broker_url

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End a server without a goodbye, and start it again, as whoever watches over it would.

        SIGQUIT is what PostgreSQL calls an immediate shutdown.
        """
        pid = embedded_servers.note(self.folder, name).pid
        os.kill(pid, how)
        embedded_servers.eventually(embedded_servers.ended(pid), seconds=60)
        embedded.start(self.folder)

    def kill_a_session(self) -> None:
        """End the process of one session: PostgreSQL ends all others and recovers by itself."""
        with _as(embedded.addresses(self.folder).database_owner_url) as owner:
            [pid] = owner.execute(
                "SELECT pid FROM pg_stat_activity WHERE usename = 'portal_app' AND datname = %s LIMIT 1",
                [connection.settings_dict["NAME"]],
            ).fetchone() or [0]
        assert pid
        os.kill(pid, signal.SIGKILL)
        embedded_servers.eventually(embedded_servers.ended(pid), seconds=60)
        embedded_servers.eventually(self._answers, seconds=60)

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """It runs, and answers nothing until the block ends."""
        pid = embedded_servers.note(self.folder, name).pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            with _as(embedded.addresses(self.folder).database_url):
                return True
        except psycopg.OperationalError:
            return False


@contextmanager
def own_servers(folder: Path) -> Iterator[Servers]:
    """Django, and the databases that tests make, use them inside the block."""
    with embedded_servers.folder_with_servers(folder):
        embedded.start(folder)
        there = embedded.addresses(folder)
        app, owner = connection.settings_dict, settings.DATABASE_OWNER
        before = dict(app), dict(owner)
        connections.close_all()
        app.update(_login(there.database_url))
        owner.update(_login(there.database_owner_url))
        try:
            yield Servers(folder)
        finally:
            connections.close_all()
            app.update(before[0])
            owner.update(before[1])


def _login(url: str) -> dict[str, str]:
    given = conninfo_to_dict(url)
    return {
        "HOST": str(given["host"]),
        "PORT": str(given["port"]),
        "USER": str(given["user"]),
        "PASSWORD": str(given["password"]),
    }


def _as(url: str) -> "psycopg.Connection[tuple[int, ...]]":
    return psycopg.connect(url, autocommit=True)
