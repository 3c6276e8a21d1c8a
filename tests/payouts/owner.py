"""The database as its owner sees it: past the application's rights, but not past the triggers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection


@contextmanager
def connected() -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
    """A connection of the owner's to the database that Django uses now. Commits each statement."""
    owner = settings.DATABASE_OWNER
    with psycopg.connect(
        host=owner["HOST"],
        port=owner["PORT"],
        user=owner["USER"],
        password=owner["PASSWORD"],
        dbname=connection.settings_dict["NAME"],
        autocommit=True,
    ) as found:
        yield found


#: Every table that has a trigger of the house, partitions included.
GUARDED = "SELECT DISTINCT tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal"


def disarm(connection: "psycopg.Connection[tuple[Any, ...]]", *, again: bool = False) -> None:
    """Turn every trigger of the house off, or on `again`; foreign keys stay."""
    for (table,) in connection.execute(GUARDED).fetchall():
        connection.execute(f"ALTER TABLE {table} {'ENABLE' if again else 'DISABLE'} TRIGGER USER")
