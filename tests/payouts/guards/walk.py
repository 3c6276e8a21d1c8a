"""What guards money in the database, as its catalogue lists it."""

from typing import Any

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]

#: Every table whose rows are money, or decide where it goes.
TABLES = (
    "payout", "payout_line", "payout_correction", "correction_line", "payout_bound", "bound_acknowledgement",
    "month_run", "run_item", "ledger_transaction", "ledger_entry", "books_check", "payout_hold",
    "payout_release", "money_proposal", "money_proposal_file", "proposed_void", "fill_void", "adjustment",
    "payout_adjustment", "credit_attempt", "exchange_credit", "reconciliation", "credit_difference",
    "signing_key", "statement", "statement_face", "statement_part",
)  # fmt: skip

#: Unique indexes but the numbers of rows, CHECKs, and triggers but those that only write the history.
_GUARDS = """
    SELECT conrelid::regclass::text AS relation, conname, 'constraint' FROM pg_constraint
    WHERE contype IN ('c', 'u', 'x') AND conrelid = ANY (%(tables)s::regclass[])
    UNION ALL
    SELECT indrelid::regclass::text, indexrelid::regclass::text,
           CASE WHEN pg_constraint.oid IS NULL THEN 'index' ELSE 'constraint' END
    FROM pg_index LEFT JOIN pg_constraint ON conindid = indexrelid AND contype = 'p'
    WHERE indisunique AND indrelid = ANY (%(tables)s::regclass[])
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('u', 'x'))
      AND NOT (indisprimary AND indnatts = 1)
    UNION ALL
    SELECT tgrelid::regclass::text, tgname, 'trigger' FROM pg_trigger
    WHERE NOT tgisinternal AND tgname NOT LIKE 'pgtrigger%%' AND tgrelid = ANY (%(tables)s::regclass[])
"""


def guards(server: Connection) -> dict[str, tuple[str, str]]:
    """The name of every guard → its table, and what it is: a constraint, an index or a trigger."""
    found = server.execute(_GUARDS, {"tables": list(TABLES)}).fetchall()
    return {name: (table, kind) for table, name, kind in found}


def drop(server: Connection, name: str, table: str, kind: str) -> None:
    if kind == "constraint":
        # With the foreign key that leans on it.
        server.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name} CASCADE")  # type: ignore[arg-type]
    elif kind == "index":
        server.execute(f"DROP INDEX {name}")  # type: ignore[arg-type]
    else:
        server.execute(f"DROP TRIGGER {name} ON {table}")  # type: ignore[arg-type]


def columns(server: Connection, table: str) -> list[str]:
    rows = server.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " ORDER BY attnum",
        [table],
    )
    return [name for (name,) in rows.fetchall()]


def referring(server: Connection, table: str) -> list[tuple[str, str]]:
    """The foreign keys that keep a table from being emptied, whatever its triggers say."""
    rows = server.execute(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'f'"
        " AND confrelid = %s::regclass",
        [table],
    )
    return [(str(other), str(name)) for other, name in rows.fetchall()]
