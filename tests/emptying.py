"""Makes a database of tests as new: a clone costs half a second, this a few hundredths.

Rows, sequences and partitions are put back as they were in the template. What a test did to the schema itself
(a twin that drops a guard) is seen, and then the database is cloned again.
"""

import json
import time
from dataclasses import dataclass

import psycopg
from django.conf import settings
from psycopg import sql

from portal import embedded

Connection = psycopg.Connection[tuple[object, ...]]

#: Every definition that a test could have changed: by its row's version, or by what it says where
#: PostgreSQL itself rewrites the row.
_SCHEMA = """
WITH ours AS (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
SELECT md5(concat_ws('|',
    (SELECT string_agg(concat_ws(' ', oid, relname, relkind, relacl::text, relowner, reloptions::text), ','
                       ORDER BY oid) FROM pg_class WHERE oid IN (SELECT oid FROM ours)),
    (SELECT string_agg(attrelid || ' ' || attnum || ' ' || xmin, ',' ORDER BY attrelid, attnum)
     FROM pg_attribute WHERE attrelid IN (SELECT oid FROM ours) AND attnum > 0),
    (SELECT string_agg(oid || ' ' || xmin, ',' ORDER BY oid) FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace),
    (SELECT string_agg(oid || ' ' || xmin, ',' ORDER BY oid) FROM pg_trigger
     WHERE tgrelid IN (SELECT oid FROM ours)),
    (SELECT string_agg(oid || ' ' || xmin, ',' ORDER BY oid) FROM pg_proc
     WHERE pronamespace = 'public'::regnamespace),
    (SELECT string_agg(indexrelid || ' ' || xmin, ',' ORDER BY indexrelid) FROM pg_index
     WHERE indrelid IN (SELECT oid FROM ours)),
    (SELECT string_agg(setrole || ' ' || setconfig::text, ',' ORDER BY setrole) FROM pg_db_role_setting
     WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())),
    (SELECT string_agg(nspname || nspacl::text, ',' ORDER BY nspname) FROM pg_namespace
     WHERE nspname NOT LIKE 'pg\\_t%')
))
"""
_TABLES = (
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1"
)
_PARTITIONS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'public.fill'::regclass"
_SEQUENCES = (
    "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'"
)
#: Seconds for a server's processes of dead connections to end.
_PATIENCE = 10.0


@dataclass(frozen=True)
class Fresh:
    """What a database holds when it has just been cloned."""

    schema: str
    tables: list[str]
    #: Tables that have rows in the template, and these rows as COPY writes them.
    rows: dict[str, bytes]
    sequences: list[tuple[str, int, bool]]


def superuser(name: str) -> Connection:
    """A connection past every trigger: tests alone have one."""
    record = json.loads((embedded.data_dir() / "servers.json").read_text())
    owner = settings.DATABASE_OWNER
    return psycopg.connect(
        host=owner["HOST"],
        port=owner["PORT"],
        user="postgres",
        password=record["postgres_password"],
        dbname=name,
        autocommit=True,
    )


def look_at(name: str) -> Fresh:
    """Remember a database that nobody has used yet."""
    with superuser(name) as root:
        tables = [str(row[0]) for row in root.execute(_TABLES)]
        return Fresh(
            schema=_schema(root),
            tables=tables,
            rows={table: _copied(root, table) for table in _with_rows(root, tables)},
            sequences=_sequences(root),
        )


def make_as_new(name: str, fresh: Fresh) -> bool:
    """Take away whatever a test left behind; False when only another clone helps."""
    with superuser(name) as root:
        if not _is_alone(root):
            return False
        for (partition,) in root.execute(_PARTITIONS).fetchall():
            root.execute(f"DROP TABLE {partition}")
        if _schema(root) != fresh.schema:
            return False
        root.execute("SET session_replication_role = replica")
        found = _with_rows(root, fresh.tables)
        with root.transaction():
            for table in sorted({*found, *fresh.rows}):
                before = fresh.rows.get(table, b"")
                if not before or _copied(root, table) != before:
                    root.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
                    if before:
                        with root.cursor().copy(
                            sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
                        ) as copy:
                            copy.write(before)
            for sequence, last, called in fresh.sequences:
                root.execute("SELECT setval(%s::regclass, %s, %s)", [sequence, last, called])
    return True


def _schema(root: Connection) -> str:
    row = root.execute(_SCHEMA).fetchone()
    assert row is not None
    return str(row[0])


def _with_rows(root: Connection, tables: list[str]) -> list[str]:
    asked = " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT FROM public.\"{table}\")" for table in tables
    )
    return [str(row[0]) for row in root.execute(asked)]


def _copied(root: Connection, table: str) -> bytes:
    with root.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
        return b"".join(bytes(part) for part in copy)


def _sequences(root: Connection) -> list[tuple[str, int, bool]]:
    found = []
    for (name,) in root.execute(_SEQUENCES).fetchall():
        row = root.execute(f"SELECT last_value, is_called FROM {name}").fetchone()
        assert row is not None
        found.append((str(name), int(str(row[0])), bool(row[1])))
    return found


def _is_alone(root: Connection) -> bool:
    until = time.monotonic() + _PATIENCE
    while True:
        row = root.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type IN ('client backend', 'parallel worker')"
        ).fetchone()
        if row == (0,):
            return True
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
