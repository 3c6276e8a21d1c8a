"""What processes count adds up, lives on after them, and never stands in the way of their work."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from portal.metrics import measures, sharing

#: A process that counts three sweeps, tells it, and ends or waits.
_COUNTS = """
import os, sys, django
django.setup()
from portal.metrics import measures, sharing
sharing.start()
for _ in range(3):
    measures.swept("payouts.tasks.check_books", seconds=1.0, found=2, at=float(sys.argv[1]))
measures.STREAMS.set(5)
sharing.tell()
print("told", flush=True)
sys.stdin.read()
"""
TASK = (("task", "payouts.tasks.check_books"),)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.METRICS_DIR = tmp_path
    return tmp_path


def process(folder: Path, at: int) -> "subprocess.Popen[str]":
    started = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_COUNTS), str(at)],
        env=os.environ | {"METRICS_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "portal.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "told\n"
    return started


def figures() -> tuple[float, float, float, int]:
    families, processes = sharing.gathered()
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }
    own = sharing.own()
    here = own.get(("portal_sweep_found", "portal_sweep_found_total", TASK), 0.0)
    return (
        samples.get(("portal_sweep_found_total", TASK), 0.0) - here,
        samples["portal_sweep_last_success_timestamp_seconds", TASK],
        samples["portal_streams_open", ()],
        processes,
    )


def test_counts_of_living_and_ended_processes_add_up_and_gauges_end_with_theirs(folder: Path) -> None:
    first, second = process(folder, 4_000_000_000), process(folder, 4_000_000_007)
    try:
        # The streams of the two are none: each tells what it has open.
        assert figures() == (12, 4_000_000_007, 0, 3)
        second.kill()
        second.wait()

        assert figures() == (12, 4_000_000_007, 0, 2)
        assert figures() == (12, 4_000_000_007, 0, 2)  # folded away by now, and counted once
        assert (folder / "ended.json").exists()
    finally:
        for each in (first, second):
            each.kill()
            each.communicate()

    assert figures()[0] == 12
    assert figures()[3] == 1
    assert [file.name for file in folder.glob("*.json")] == ["ended.json"]


def test_a_file_cut_in_the_middle_is_passed_over(folder: Path) -> None:
    counting = process(folder, 4_000_000_000)
    try:
        (folder / "host-1-aaaa.json").write_text('{"names": [], "samp')

        assert figures()[0] == 6
    finally:
        counting.kill()
        counting.communicate()


def test_a_folder_that_cannot_be_written_keeps_nobody_from_work(
    tmp_path: Path, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    settings.METRICS_DIR = tmp_path / "file" / "below"
    sharing.start()

    sharing.tell()
    sharing.tell()

    said = [record.getMessage() for record in caplog.records if record.name == "portal.metrics.sharing"]
    assert said == ["what this process counts cannot be told: Not a directory"]


def test_what_one_process_told_of_itself_no_other_tells_less_of(folder: Path) -> None:
    """Else Prometheus, led to one process and then to another, takes a counter for one that began anew."""
    sharing.start()
    sharing.tell()
    measures.swept("payouts.tasks.check_books", seconds=1.0, found=100, at=1.0)

    families, _ = sharing.gathered()
    told = next(
        sample.value
        for family in families
        for sample in family.samples
        if (sample.name, tuple(sample.labels.items())) == ("portal_sweep_found_total", TASK)
    )

    (file,) = [file for file in folder.glob("*.json") if file.stem != "ended"]
    kept = {
        (name, tuple(map(tuple, labels))): value
        for _, name, labels, value in json.loads(file.read_text())["samples"]
    }
    assert kept["portal_sweep_found_total", TASK] == told


def test_a_folder_that_was_cleared_is_begun_anew_and_nothing_counts_twice(folder: Path) -> None:
    sharing.start()
    sharing.tell()
    for file in folder.iterdir():
        file.unlink()
    measures.swept("payouts.tasks.check_books", seconds=1.0, found=1, at=1.0)

    sharing.tell()

    assert [figures()[0], figures()[0]] == [0, 0]
    assert figures()[3] == 1
