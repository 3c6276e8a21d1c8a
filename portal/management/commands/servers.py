"""`manage.py servers start|stop|status`: the portal's own PostgreSQL and Valkey."""

import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal import embedded

_GIVEN_BY = {"postgres": "DATABASE_URL", "valkey": "BROKER_URL"}
_TITLES = {"postgres": "PostgreSQL", "valkey": "Valkey"}


class Command(BaseCommand):
    help = "Start, stop or show the portal's own PostgreSQL and Valkey."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=("start", "stop", "status"))

    def handle(self, *args: Any, **options: Any) -> None:
        act = {"start": self._start, "stop": self._stop, "status": self._status}[options["action"]]
        try:
            code = act(embedded.data_dir())
        except embedded.EmbeddedError as refusal:
            self.stderr.write(str(refusal))
            code = 2
        if code:
            sys.exit(code)

    def _start(self, folder: Path) -> int:
        wanted = {name: name not in self._given_elsewhere() for name in embedded.NAMES}
        started = embedded.start(folder, **wanted, say=self.stdout.write)
        for one in embedded.status(folder):
            if wanted[one.name]:
                how = "started" if one.name in started else "already running"
                self.stdout.write(f"{one.title}: {how} at {one.address} (process {one.pid})")
        return 0

    def _stop(self, folder: Path) -> int:
        stopped = embedded.stop(folder, say=self.stdout.write)
        for name in embedded.NAMES:
            how = "stopped" if name in stopped else "was not running"
            self.stdout.write(f"{_TITLES[name]}: {how}")
        return 0

    def _status(self, folder: Path) -> int:
        elsewhere = self._given_elsewhere()
        all_answer = True
        for one in embedded.status(folder):
            all_answer = all_answer and (one.answering or one.name in elsewhere)
            if one.running:
                how = "running" if one.answering else "starting, or too busy to answer,"
                how = f"{how} at {one.address} (process {one.pid})"
            else:
                how = "not running"
            self.stdout.write(f"{one.title}: {how}; data in {one.data}")
        return 0 if all_answer else 1

    def _given_elsewhere(self) -> set[str]:
        """The servers that the environment names, which the portal uses in place of its own."""
        given = {name for name, word in _GIVEN_BY.items() if os.environ.get(word)}
        for name in sorted(given):
            self.stdout.write(
                f"The portal is set to use the server of {_GIVEN_BY[name]}, not its own {_TITLES[name]}."
            )
        return given
