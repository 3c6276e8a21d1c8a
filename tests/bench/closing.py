"""Closing a month of ten million fills, against DuckDB making the same lines and payouts from Parquet."""

import os
import time
from pathlib import Path
from statistics import median

import duckdb
import psycopg

from tests import databases
from tests.bench import data, servers

FILLS = int(os.environ.get("BENCH_FILLS", "10000000"))
TAKES = int(os.environ.get("BENCH_TAKES", "3"))
MOST_TIMES_DUCKDB = 4

_FILLS = """
    COPY (
        SELECT 2300 + trader % 200 AS broker, trader, market, price, quantity,
               CAST(price * quantity * fee_rate AS DECIMAL(18, 6)) AS fee, fee_rate,
               CAST([0, 0, 0, 0.1, 0.1, 0.3, 0.5][1 + trader % 7] AS DECIMAL(6, 5)) AS affiliate_rate
        FROM (
            SELECT CAST(floor(50000 * pow(random(), 4)) AS INTEGER) AS trader,
                   CASE WHEN random() < 0.35 THEN 'spot' ELSE 'futures' END AS market,
                   CAST(100 + random() * 20 AS DECIMAL(9, 2)) AS price,
                   CAST(0.0001 + random() * 50 AS DECIMAL(9, 4)) AS quantity,
                   CAST([-0.00002, 0, 0.00018, 0.0002, 0.00045, 0.0005]
                        [1 + CAST(floor(random() * 6) AS INTEGER)] AS DECIMAL(6, 5)) AS fee_rate
            FROM range({fills})
        )
    ) TO '{parquet}' (FORMAT parquet)
"""
#: What the portal's intake keeps beside the fills; the month is closed from these totals.
_TOTALS = """
    COPY (
        SELECT DATE '2026-10-01', broker, trader, market, fee_rate, affiliate_rate, count(*),
               sum(CAST(price * quantity AS DECIMAL(38, 6))),
               sum(CAST(greatest(fee, 0) AS DECIMAL(38, 6)))
        FROM '{parquet}' GROUP BY ALL
    ) TO '{csv}' (FORMAT csv, HEADER false)
"""
_LINES = """
    CREATE OR REPLACE TABLE lines AS
    WITH totals AS (
        SELECT broker, trader, market, fee_rate, affiliate_rate, count(*) AS fills,
               sum(CAST(price * quantity AS DECIMAL(38, 6))) AS volume,
               sum(CAST(greatest(fee, 0) AS DECIMAL(38, 6))) AS fees
        FROM '{parquet}' GROUP BY ALL
    ), tiers AS (
        SELECT broker, CASE WHEN sum(volume) >= 100000000 THEN 0.50 WHEN sum(volume) >= 60000000 THEN 0.45
            WHEN sum(volume) >= 20000000 THEN 0.40 WHEN sum(volume) >= 10000000 THEN 0.35
            WHEN sum(volume) >= 5000000 THEN 0.30 ELSE 0.20 END AS rebate
        FROM totals GROUP BY broker
    )
    SELECT totals.*, rebate,
           CAST(least(rebate, greatest(0, 0.5 - affiliate_rate)) AS DECIMAL(6, 5)) AS applied,
           CAST(fees AS DECIMAL(28, 6)) * applied AS amount
    FROM totals JOIN tiers USING (broker)
"""
_WRITTEN = """
    COPY (SELECT * FROM lines ORDER BY broker, trader, market, fee_rate, affiliate_rate)
        TO '{folder}/lines.parquet' (FORMAT parquet);
    COPY (SELECT broker, round(sum(amount), 2) AS payout FROM lines GROUP BY broker ORDER BY broker)
        TO '{folder}/payouts.parquet' (FORMAT parquet)
"""


def run(folder: Path) -> bool:
    """Print the figures; True if the bar is met and both came to the same payouts."""
    parquet, csv = folder / "fills.parquet", folder / "totals.csv"
    duck = duckdb.connect()
    duck.execute("SELECT setseed(0.5)")
    duck.execute(_FILLS.format(fills=FILLS, parquet=parquet))
    duck.execute(_TOTALS.format(parquet=parquet, csv=csv))
    totals = duck.execute(f"SELECT count(*) FROM '{csv}'").fetchall()[0][0]
    print(f"closing a month of {FILLS:,} fills: 200 brokers, 50,000 traders, {totals:,} lines")
    ratios = []
    same = True
    with databases.clone("bench_closing") as url:
        servers.command(url, "import_brokers", str(data.brokers_file(folder / "brokers.csv")))
        _load_totals(url, csv)
        for take in range(TAKES):
            with databases.clone_of(url, "bench_closing_take") as taken:
                closed = _close(taken)
                payouts = _payouts(taken)
            began = time.perf_counter()
            duck.execute(_LINES.format(parquet=parquet))
            duck.execute(_WRITTEN.format(folder=folder))
            ducked = time.perf_counter() - began
            wanted = duck.execute(f"SELECT * FROM '{folder}/payouts.parquet'").fetchall()
            same = same and payouts == wanted
            ratios.append(closed / ducked)
            print(
                f"  take {take + 1}: month_end {closed:5.2f} s, DuckDB {ducked:5.2f} s,"
                f" ratio {ratios[-1]:.2f}, payouts {'equal' if payouts == wanted else 'DIFFER'}"
            )
    ratio = median(ratios)
    good = same and ratio <= MOST_TIMES_DUCKDB
    print(f"  median {ratio:.2f} × DuckDB (bar {MOST_TIMES_DUCKDB}): {'met' if good else 'MISSED'}")
    return good


def _load_totals(url: str, csv: Path) -> None:
    with (
        psycopg.connect(url) as connection,
        csv.open("rb") as file,
        connection.cursor().copy(
            "COPY total_by_rate (month, broker_code, trader, market, fee_rate, affiliate_rate, fills,"
            " volume, fees) FROM STDIN (FORMAT csv)"
        ) as into,
    ):
        while chunk := file.read(1024 * 1024):
            into.write(chunk)
    owner = servers.owner_url().rsplit("/", 1)[0] + "/" + url.rsplit("/", 1)[1]
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE total_by_rate")


def _close(url: str) -> float:
    """Seconds of the whole command, start of Python included."""
    began = time.perf_counter()
    servers.command(url, "month_end", "2026-10")
    return time.perf_counter() - began


def _payouts(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT broker_id, payout FROM payout WHERE fills > 0 ORDER BY broker_id"
        ).fetchall()
