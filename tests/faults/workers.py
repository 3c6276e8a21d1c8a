"""Celery's tasks in processes that can be killed, stopped and woken at a crash point.

One process sets Django up and forks for every order: a fork costs milliseconds, a start of Django seconds.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from django.db import connection

from portal.simulator.answering import AnsweringExchange
from tests.exchange import PRIVATE_KEY
from tests.payouts.monthend.processes import PROJECT
from tests.payouts.settlement.processes import Shifted, until_stopped

__all__ = ["LEASE", "Shifted", "Workers", "forking", "until_stopped"]

#: Seconds after which nobody need wait any more for who was killed, with a second to spare.
LEASE = 61

PROGRAM = """
import json, os, signal, sys, time
from datetime import timedelta
import django
django.setup()
from django.conf import settings
from django.db import connections
from django.utils import timezone
from payouts import crash, tasks
from payouts.month import Month
from payouts.monthend import actions, work
from payouts.settlement import sending

real_now, shift = timezone.now, sys.argv[1]

def clock():
    with open(shift) as file:
        return real_now() + timedelta(seconds=float(file.read()))

def stop(points):
    def at(name):
        if name in points:
            points.remove(name)
            os.kill(os.getpid(), signal.SIGSTOP)
    return at

def calculate():
    now = timezone.now()
    actions.calculate(month=Month(2026, 10), now=now)

def work_on(order):
    timezone.now = clock
    connections["default"].settings_dict["NAME"] = order["database"]
    settings.EXCHANGE_URL, settings.EXCHANGE_PRIVATE_KEY = order["exchange"], order["key"]
    actions._MOST_AT_ONCE = order["at_once"]
    actions._WORTH_TWO_LANES = order["worth_two_lanes"]
    sending._AT_MOST = order["credits"]
    if order["killed"]:
        os.environ["CRASH_POINT"], os.environ["CRASH_POINT_SKIP"] = order["killed"], str(order["skip"])
    if order["stopped"]:
        crash.point = stop([order["stopped"]])
    exec(order["before"])
    for name in order["tasks"]:
        calculate() if name == "calculate" else getattr(tasks, name)()

print("ready", flush=True)
for line in sys.stdin:
    order = json.loads(line)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work_on(order)
            status = 0
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            connections.close_all()
            os._exit(status)
    print(child, flush=True)
    if order["killed_after"] is not None:
        time.sleep(order["killed_after"])
        os.kill(child, signal.SIGKILL)  # nobody else can have its number: it is waited for below
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass
class Workers:
    """Gives orders to the process that forks. One worker at a time."""

    _orders: IO[str]
    _said: IO[str]
    there: AnsweringExchange | None = field(default=None)
    _is_busy: bool = field(default=False)

    def do(self, *tasks: str, **how: Any) -> int:
        """How it ended: 0, or -9 if it was killed."""
        self.begin(*tasks, **how)
        return self.ended()

    def begin(
        self,
        *tasks: str,
        killed: str = "",
        killed_after: float | None = None,
        skip: int = 0,
        stopped: str = "",
        at_once: int = 500,
        worth_two_lanes: int = 20,
        credits: int = 50,
        before: str = "",
    ) -> int:
        """Begin these tasks, one after the other, in a worker of its own; its process id.

        `killed` and `stopped` name a crash point; `killed_after` are seconds, for a kill at any moment;
        `before` is what the worker's twin does otherwise.
        """
        assert not self._is_busy, "the last worker's end was not asked for"
        order = {
            "tasks": tasks,
            "killed": killed,
            "killed_after": killed_after,
            "skip": skip,
            "stopped": stopped,
            "at_once": at_once,
            "worth_two_lanes": worth_two_lanes,
            "credits": credits,
            "before": before,
            "database": connection.settings_dict["NAME"],
            "exchange": self.there.url if self.there else "",
            "key": PRIVATE_KEY,
        }
        self._orders.write(json.dumps(order) + "\n")
        self._orders.flush()
        self._is_busy = True
        return int(self._said.readline())

    def ended(self) -> int:
        status = int(self._said.readline())
        self._is_busy = False
        return status


@contextmanager
def forking(clock: Shifted, *, environment: Sequence[tuple[str, str]] = ()) -> Iterator[Workers]:
    """A process that forks workers until the block ends."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CRASH_POINT")}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(clock.file)],
        cwd=PROJECT,
        env=kept | {"DJANGO_SETTINGS_MODULE": "portal.settings"} | dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield Workers(process.stdin, process.stdout)
        finally:
            process.stdin.close()
