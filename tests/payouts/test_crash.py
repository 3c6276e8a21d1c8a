"""Crash points: the process dies at the place that the environment names, at no other, and no sooner."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
from payouts import crash
for step in range(3):
    crash.point("run: claimed")
    print("claimed", flush=True)
    crash.point("run: calculated")
    print("calculated", flush=True)
"""


def run(**environment: str) -> tuple[int, list[str]]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CRASH_POINT")}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr == ""
    return ended.returncode, ended.stdout.split()


WHOLE = ["claimed", "calculated"] * 3


@pytest.mark.parametrize(
    ("environment", "ended"),
    [
        ({}, (0, WHOLE)),
        ({"CRASH_POINT": ""}, (0, WHOLE)),
        ({"CRASH_POINT": "run"}, (0, WHOLE)),
        ({"CRASH_POINT_SKIP": "1"}, (0, WHOLE)),
        ({"CRASH_POINT": "run: claimed"}, (-signal.SIGKILL, [])),
        ({"CRASH_POINT": "run: calculated"}, (-signal.SIGKILL, WHOLE[:1])),
        ({"CRASH_POINT": "run: claimed", "CRASH_POINT_SKIP": ""}, (-signal.SIGKILL, [])),
        ({"CRASH_POINT": "run: claimed", "CRASH_POINT_SKIP": "1"}, (-signal.SIGKILL, WHOLE[:2])),
        ({"CRASH_POINT": "run: calculated", "CRASH_POINT_SKIP": "2"}, (-signal.SIGKILL, WHOLE[:5])),
        ({"CRASH_POINT": "run: claimed", "CRASH_POINT_SKIP": "3"}, (0, WHOLE)),
    ],
    ids=str,
)
def test_a_process_dies_where_it_was_told(environment: dict[str, str], ended: tuple[int, list[str]]) -> None:
    assert run(**environment) == ended
