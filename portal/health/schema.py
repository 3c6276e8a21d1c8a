"""Whether the database has every migration of the code, asked with as little as it takes."""

from functools import lru_cache
from typing import Any

import psycopg
from django.db.migrations.loader import MigrationLoader

#: The table is not there, or the right to read it comes with a later migration.
_NOT_YET = frozenset({psycopg.errors.UndefinedTable.sqlstate, psycopg.errors.InsufficientPrivilege.sqlstate})
_OWN = ("payouts", "portal")


@lru_cache(maxsize=1)
def wanted() -> frozenset[tuple[str, str]]:
    """The last migrations of every app, as the code has them: read from disk once a process."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def applied(cursor: Any) -> set[tuple[str, str]]:
    """What is applied; nothing where the first migration is still to come."""
    try:
        cursor.execute("SELECT app, name FROM django_migrations")
    except Exception as problem:
        cause = problem if isinstance(problem, psycopg.Error) else problem.__cause__
        if getattr(cause, "sqlstate", None) not in _NOT_YET:
            raise
        return set()
    return {(app, name) for app, name in cursor.fetchall()}


def latest(found: set[tuple[str, str]]) -> dict[str, str]:
    """The latest migration of each of our own apps."""
    return {app: max((name for its, name in found if its == app), default="") for app in _OWN}
