"""Other processes that send, ask and reconcile, and that are killed or stopped at a crash point.

One process sets Django up and forks for every order: a fork costs milliseconds, a start two seconds.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from django.utils import timezone

from portal.simulator.answering import AnsweringExchange
from tests.exchange import PRIVATE_KEY
from tests.payouts.monthend.processes import PROJECT
from tests.payouts.monthend.racing import eventually

PROGRAM = """
import os, signal, sys
from datetime import timedelta
import django
django.setup()
from django.db import connections
from django.utils import timezone
from payouts import crash
from payouts.exchange.http import HttpExchange
from payouts.exchange.signing import Signer
from payouts.settlement import asking, reconciling, sending

url, key, shift = sys.argv[1:]
acts = {"send": sending.send_due, "ask": asking.ask_due, "reconcile": reconciling.reconcile_due}

def clock():
    with open(shift) as file:
        return timezone.now() + timedelta(seconds=float(file.read()))

def stop(point):
    def at(name):
        if name == point:
            os.kill(os.getpid(), signal.SIGSTOP)
    return at

def work(act, how, point):
    if how == "killed":
        os.environ["CRASH_POINT"] = point
    elif how == "stopped":
        crash.point = stop(point)
    exchange = HttpExchange(url=url, signer=Signer(key), clock=clock, deadline=2, read_timeout=1)
    return acts[act](exchange=exchange, clock=clock)

print("ready", flush=True)
for line in sys.stdin:
    act, how, point = line.rstrip("\\n").split("|")
    child = os.fork()
    if child == 0:
        status = 99
        try:
            status = work(act, how, point)
        finally:
            connections.close_all()
            os._exit(status)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass
class Shifted:
    """The real clock and so many seconds, the same in every process."""

    file: Path
    _seconds: float = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.forward(0)

    def __call__(self) -> datetime:
        return timezone.now() + timedelta(seconds=self._seconds)

    def forward(self, seconds: float) -> None:
        self._seconds += seconds
        beside = self.file.with_suffix(".new")
        beside.write_text(str(self._seconds))
        beside.replace(self.file)


@dataclass
class Others:
    """Gives orders to the process that forks."""

    _orders: IO[str]
    _said: IO[str]

    def do(self, act: str, *, how: str = "whole", point: str = "") -> int:
        """How it ended: what the act returned, or -9 if it was killed."""
        self.begin(act, how=how, point=point)
        return self.ended()

    def begin(self, act: str, *, how: str = "whole", point: str = "") -> int:
        """Its process id."""
        self._orders.write(f"{act}|{how}|{point}\n")
        self._orders.flush()
        return int(self._said.readline())

    def ended(self) -> int:
        return int(self._said.readline())


@contextmanager
def others(database: str, there: AnsweringExchange, clock: Shifted) -> Iterator[Others]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CRASH_POINT")}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, there.url, PRIVATE_KEY, str(clock.file)],
        cwd=PROJECT,
        env=kept | {"DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "portal.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield Others(process.stdin, process.stdout)
        finally:
            process.stdin.close()


def until_stopped(process: int) -> None:
    stat = Path(f"/proc/{process}/stat")
    eventually(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T")
