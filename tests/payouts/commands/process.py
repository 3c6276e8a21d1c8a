"""Runs the project's commands as people do: a process of its own, a real database, real files."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = ROOT / "tests" / "data" / "sample"


def started(*arguments: str | Path, url: str, **options: Any) -> "subprocess.Popen[bytes]":
    """A command that runs beside the test."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


@contextmanager
def running(*arguments: str | Path, url: str, **options: Any) -> "Iterator[subprocess.Popen[bytes]]":
    """A command that runs inside the block and is killed at its end."""
    with started(*arguments, url=url, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def run(*arguments: str | Path, url: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[str]":
    """A command, run to its end."""
    with started(*arguments, url=url, stdin=subprocess.PIPE) as process:
        out, err = process.communicate(stdin, timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, out.decode(), err.decode())


def ended(process: "subprocess.Popen[bytes]") -> "subprocess.CompletedProcess[str]":
    """What a command that was started said, once it ends."""
    with process:
        out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, out.decode(), err.decode())


def answer(result: "subprocess.CompletedProcess[str]") -> Any:
    """The last line of stdout of a command that went well."""
    assert (result.returncode, result.stderr) == (0, "")
    return last_line(result)


def last_line(result: "subprocess.CompletedProcess[str]") -> Any:
    assert "Traceback" not in result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def tally(
    received: int = 0,
    accepted: int = 0,
    duplicate: int = 0,
    excluded: dict[str, int] | None = None,
    quarantined: dict[str, int] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """What `ingest_fills` prints."""
    return {
        "received": received,
        "accepted": accepted,
        "duplicate": duplicate,
        "excluded": excluded or {},
        "quarantined": quarantined or {},
        **more,
    }
