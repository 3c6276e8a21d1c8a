"""A statement of 500 lines as PDF, in a process that has printed one before; every take prints another."""

import os
import time
from pathlib import Path
from statistics import median

from payouts.statements.pdf import pdf
from tests.payouts.statements import documents

LINES = int(os.environ.get("BENCH_LINES", "500"))
TAKES = 7
MOST_SECONDS = 0.3


def run(folder: Path) -> bool:
    """Print the figures; True if the bar is met."""
    pdf(*documents.issued())
    seconds, sizes = [], []
    for take in range(TAKES):
        document, lines = documents.issued(documents.many(LINES, seed=take + 1))
        began = time.perf_counter()
        made = pdf(document, lines)
        seconds.append(time.perf_counter() - began)
        sizes.append(len(made))
    (folder / "statement.pdf").write_bytes(made)
    found = median(seconds)
    good = found <= MOST_SECONDS
    print(f"a statement of {LINES:,} lines as PDF ({median(sizes) / 1e6:.1f} MB)")
    print("  takes " + ", ".join(f"{each:.3f}" for each in seconds) + " s")
    print(f"  median {found:.3f} s (bar {MOST_SECONDS} s): {'met' if good else 'MISSED'}")
    return good
