"""What a fill costs on the disk: its row, its key, indexes, its share of totals, of WAL, of an archive."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from tests import databases
from tests.bench import data, servers

RECORDS = int(os.environ.get("BENCH_STORAGE_RECORDS", "500000"))
#: Bytes in the file of an archive for each fill, at most: what the plan for a billion counts with.
MOST_IN_AN_ARCHIVE = 60
_SIZES = """
    SELECT coalesce(parent.relname, of.relname), pg_relation_size(of.oid)
    FROM pg_class AS of
    LEFT JOIN pg_inherits AS child ON child.inhrelid = of.oid
    LEFT JOIN pg_class AS parent ON parent.oid = child.inhparent
    LEFT JOIN pg_index AS index ON index.indexrelid = of.oid
    LEFT JOIN pg_class AS owner ON owner.oid = index.indrelid
    WHERE of.relkind IN ('r', 'i') AND coalesce(owner.relname, of.relname)
          ~ '^(fill(_[0-9]+)?|fill_key|total_by_(rate|hour|day|month))$'
"""


def run(folder: Path) -> bool:
    """Print the table; True if an archive is as small as the plan says."""
    records = data.records_file(folder / "records.ndjson", RECORDS, days=3)
    print(f"storage of {RECORDS:,} fills ({records.stat().st_size / RECORDS:,.0f} bytes of NDJSON each)")
    with databases.clone("bench_storage") as url:
        servers.command(url, "import_brokers", str(data.brokers_file(folder / "brokers.csv")))
        began_at = _wal(url)
        servers.command(url, "ingest_fills", str(records))
        wal = _wal(url) - began_at
        sizes = _sizes(url)
        for name, size in sorted(sizes.items(), key=lambda each: -each[1]):
            print(f"  {name:28} {size / RECORDS:8.1f} bytes a fill")
        stored = sum(sizes.values())
        print(f"  {'all of it':28} {stored / RECORDS:8.1f}")
        print(f"  {'write-ahead log':28} {wal / RECORDS:8.1f}, {wal / stored:.2f} × what is stored")
        in_a_file = _archive(url, folder)
    good = in_a_file <= MOST_IN_AN_ARCHIVE
    print(
        f"  {'in the archive':28} {in_a_file:8.1f} (bar {MOST_IN_AN_ARCHIVE}): {'met' if good else 'MISSED'}"
    )
    return good


def _archive(url: str, folder: Path) -> float:
    """Bytes of a fill in the file; prints how fast it goes there and back."""
    import django.db

    from payouts.feed import archive
    from payouts.month import Month

    now, month = datetime(2027, 3, 1, tzinfo=UTC), Month(2026, 10)
    django.db.connection.close()
    began = time.perf_counter()
    made = archive.archive(month, folder=folder / "archive", now=now)
    archived = time.perf_counter()
    archive.restore(month, folder=folder / "archive", now=now)
    restored = time.perf_counter()
    print(f"  archived at {RECORDS / (archived - began):,.0f} fills/s, written, read back and counted twice")
    print(f"  restored at {RECORDS / (restored - archived):,.0f} fills/s")
    return made.size / made.fills


def _wal(url: str) -> int:
    return int(_asked(url, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")[0][0])


def _sizes(url: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, size in _asked(url, _SIZES):
        found[name] = found.get(name, 0) + size
    return found


def _asked(url: str, question: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        return connection.execute(question).fetchall()
