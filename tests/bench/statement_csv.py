"""The CSV of a statement of 100,000 lines: made, kept and written in the memory that a short one takes."""

import csv
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path

from tests import databases
from tests.bench import servers

LINES = int(os.environ.get("BENCH_CSV_LINES", "100000"))
FEW = 5_000
MOST_TIMES_FEW = 1.15
MOST_SECONDS = 30


def run(folder: Path) -> bool:
    """Print the figures; True if both bars are met and the rows tie."""
    print(f"CSV of {LINES:,} lines, with the whole command `statement`")
    with databases.clone("bench_csv") as url:
        seconds, peaks, ties = [], [], True
        for code, count in ((1400, FEW), (1500, LINES)):
            # In a process of its own: what starts a program lends it the memory that it ever had itself.
            with ProcessPoolExecutor(1, mp_context=get_context("fork")) as beside:
                size = beside.submit(_statement, code, count).result()
            output = folder / f"{code}.csv"
            took, megabytes = _written(url, code, output)
            ties = ties and _ties(output, count)
            seconds.append(took)
            peaks.append(megabytes)
            print(
                f"  {count:>7,} lines, {size / 1e6:5.1f} MB of JSON: {output.stat().st_size / 1e6:5.1f} MB"
                f" of CSV in {took:5.1f} s, peak {megabytes:,.0f} MB"
            )
    ratio = peaks[1] / peaks[0]
    good = ties and ratio <= MOST_TIMES_FEW and seconds[1] <= MOST_SECONDS
    print(
        f"  memory {ratio:.2f} × that of {FEW:,} lines (bar {MOST_TIMES_FEW}), {seconds[1]:.1f} s"
        f" (bar {MOST_SECONDS}), rows {'tie' if ties else 'DO NOT TIE'}: {'met' if good else 'MISSED'}"
    )
    return good


def _statement(code: int, count: int) -> int:
    """A statement of so many lines; the size of its document."""
    from payouts.statements import faces
    from tests import make
    from tests.payouts.statements import documents, issuing

    made = documents.issued(documents.many(count, seed=code), broker=code)
    statement = issuing.written(make.payout(make.broker(code=code)), *made)
    face = faces.stored(statement.pk, "json")
    assert face is not None
    return face.size


def _written(url: str, code: int, output: Path) -> tuple[float, float]:
    """Seconds of the whole command, start of Python included, and its peak memory in megabytes."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [
            *(sys.executable, str(servers.ROOT / "manage.py"), "statement", str(code), "2026-10"),
            *("--format", "csv", "--output", str(output)),
        ],
        env=os.environ | {"DATABASE_URL": url},
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def _ties(output: Path, count: int) -> bool:
    from payouts.statements import sheet

    with output.open("rb") as file:
        added, total = sheet.sums(iter(lambda: file.read(65_536), b""))
    with output.open(newline="") as file:
        lines = sum(row["row"] == "line" for row in csv.DictReader(file))
    return lines == count and all(Decimal(total[name]) == value for name, value in added.items())
