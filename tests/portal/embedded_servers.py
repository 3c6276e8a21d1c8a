"""What the tests of the embedded servers share: a folder whose servers end, other processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from portal import embedded
from portal import embedded_process as process
from portal.embedded_record import Note, read_notes

PROJECT = Path(__file__).resolve().parents[2]
START = "import sys; from pathlib import Path; from portal import embedded; "
START += "print(*sorted(embedded.start(Path(sys.argv[1]))))"


@contextmanager
def folder_with_servers(folder: Path) -> Iterator[Path]:
    """Whatever happens inside, nothing of it runs afterwards."""
    try:
        yield folder
    finally:
        for program, data in (("postgres", "postgres"), ("valkey-server", "valkey")):
            for pid in process.all_in(program, folder / data):
                for sent in (signal.SIGKILL, signal.SIGCONT):
                    try:
                        os.kill(pid, sent)
                    except ProcessLookupError:
                        break
            eventually(lambda p=program, d=data: not process.all_in(p, folder / d))


def eventually(true: Callable[[], object], *, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.005)


def python(code: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    """Another process of the project, whose output is captured through pipes."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def note(folder: Path, name: str) -> Note:
    return read_notes(folder)[name]


def recorded(folder: Path) -> dict[str, object]:
    return dict(json.loads((folder / "servers.json").read_text()))


def as_owner(folder: Path) -> psycopg.Connection:
    url = embedded.addresses(folder).database_owner_url
    return psycopg.connect(url, autocommit=True)


def ask(url: str, question: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(question).fetchone()
        return row and row[0]


def ended(pid: int) -> Callable[[], bool]:
    return lambda: process.birth(pid) is None
