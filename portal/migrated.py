"""Whether the database has every migration of the code, and migrating it as its owner."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import ProgrammingError, connections
from django.db.migrations.executor import MigrationExecutor

#: Any number will do, as long as nothing else in the portal takes the same advisory lock.
_MIGRATION_LOCK = 7_230_001
_NO_RIGHT = "42501"


def is_up_to_date(alias: str = "default") -> bool:
    """Whether every migration is applied. One that is under way elsewhere is not yet."""
    try:
        executor = MigrationExecutor(connections[alias])
    except ProgrammingError as problem:
        # The owner has just made the first table; the right to read it comes with a later migration.
        if getattr(problem.__cause__, "sqlstate", "") != _NO_RIGHT:
            raise
        return False
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


@contextmanager
def as_owner(alias: str = "default") -> Iterator[None]:
    """Lend the connection the owner's name and password, one process at a time.

    The application's role owns nothing and may create nothing; only migrations use the owner.
    """
    connection = connections[alias]
    before = dict(connection.settings_dict)
    connection.close()
    owner = settings.DATABASE_OWNER
    connection.settings_dict.update({"USER": owner["USER"], "PASSWORD": owner["PASSWORD"]})
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_MIGRATION_LOCK])
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)
