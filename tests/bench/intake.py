"""Intake of a million records, against a bare COPY of the same rows into a table without an index."""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import psycopg

from tests import databases
from tests.bench import data, servers

RECORDS = int(os.environ.get("BENCH_RECORDS", "1000000"))
TAKES = int(os.environ.get("BENCH_TAKES", "3"))
MOST_TIMES_COPY = 6
MOST_MEGABYTES = 500
_COLUMNS = (
    "executed_at, broker_code, trader, symbol, market_type, trade_id, order_id, client_id, side, is_maker,"
    " price, quantity, fee, fee_symbol, fee_rate, affiliate_rate, batch_id, market"
)


def run(folder: Path) -> bool:
    """Print the figures; True if both bars are met."""
    brokers = data.brokers_file(folder / "brokers.csv")
    records = data.records_file(folder / "records.ndjson", RECORDS, days=3)
    print(f"intake of {RECORDS:,} records ({records.stat().st_size / 1e6:,.0f} MB of NDJSON)")
    ratios, peaks = [], []
    for take in range(TAKES):
        with databases.clone("bench_intake") as url:
            servers.command(url, "import_brokers", str(brokers))
            seconds, megabytes = _ingest(url, records)
            copied = _bare_copy(url, folder / "rows.tsv")
        ratios.append(seconds / copied)
        peaks.append(megabytes)
        print(
            f"  take {take + 1}: intake {seconds:6.1f} s ({RECORDS / seconds:,.0f} records/s,"
            f" {megabytes:,.0f} MB), bare COPY {copied:5.2f} s, ratio {ratios[-1]:.2f}"
        )
    ratio, peak = median(ratios), max(peaks)
    good = ratio <= MOST_TIMES_COPY and peak <= MOST_MEGABYTES
    print(
        f"  median {ratio:.2f} × bare COPY (bar {MOST_TIMES_COPY}), peak {peak:,.0f} MB"
        f" (bar {MOST_MEGABYTES}): {'met' if good else 'MISSED'}"
    )
    return good


def _ingest(url: str, records: Path) -> tuple[float, float]:
    """Seconds of the whole command, start of Python included, and its peak memory in megabytes."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(servers.ROOT / "manage.py"), "ingest_fills", str(records)],
        env=os.environ | {"DATABASE_URL": url},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    answer = json.loads(process.stdout.read().splitlines()[-1])
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert answer["accepted"] == RECORDS, answer
    unit = 1 if sys.platform == "darwin" else 1024
    assert isinstance(usage, resource.struct_rusage)
    return seconds, usage.ru_maxrss * unit / 1e6


def _bare_copy(url: str, rows: Path) -> float:
    """Seconds of a COPY of the very rows that the intake stored, into a bare table."""
    with (
        psycopg.connect(url) as connection,
        rows.open("wb") as file,
        connection.cursor().copy(f"COPY (SELECT {_COLUMNS} FROM fill) TO STDOUT") as out,
    ):
        for chunk in out:
            file.write(chunk)
    owner = servers.owner_url().rsplit("/", 1)[0] + "/" + url.rsplit("/", 1)[1]
    with psycopg.connect(owner) as connection:
        connection.execute(f"CREATE TABLE bare AS SELECT {_COLUMNS} FROM fill LIMIT 0")
        connection.commit()
        began = time.perf_counter()
        with rows.open("rb") as file, connection.cursor().copy(f"COPY bare ({_COLUMNS}) FROM STDIN") as into:
            while chunk := file.read(1024 * 1024):
                into.write(chunk)
        connection.commit()
        return time.perf_counter() - began
