"""`manage.py demo`: servers, migrations, a seeded program, then web, worker, beat and the simulator."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import connections
from django.utils import timezone

from payouts.management.engine_command import EngineCommand, WrongArgument
from portal import embedded, embedded_process, frame
from portal.management import demo, feed_token
from portal.management.processes import Child, Children
from portal.simulator import past, seed

_PATIENCE = 120.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Command(EngineCommand):
    help = "Run the whole portal on this machine, with invented brokers. Ctrl-C stops everything it started."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--size", default=1.0, type=float, help="Scales the seeded fills; default 1.")
        parser.add_argument(
            "--months",
            default=seed.MONTHS_BEFORE,
            type=int,
            choices=range(1, 25),
            metavar="N",
            help="Finished months of a new program; default %(default)s.",
        )

    def handle(self, *args: Any, size: float, months: int, **options: Any) -> None:
        if settings.IN_PRODUCTION:
            raise WrongArgument("the demo is for development: unset PORTAL_MODE")
        for name in ("DATABASE_URL", "BROKER_URL"):
            if os.environ.get(name):
                raise WrongArgument(f"the demo brings its own servers: unset {name}")
        self._in_a_hurry = False
        folder = Path(settings.DATA_DIR)
        with demo.only_one(folder) as note:
            port, is_another = demo.choose_port()
            if is_another:
                self.tell(f"Port {demo.USUAL_PORT} is taken by another program; using {port} (PORT chooses).")
            self._obey_signals()
            try:
                with self._servers(folder):
                    self._run(folder, port, note, size, months)
            except KeyboardInterrupt:
                self.tell("Stopped.")

    def in_history(self) -> AbstractContextManager[Any]:
        """Nothing yet: migrations do not run inside a context of the history."""
        return nullcontext()

    def _run(self, folder: Path, port: int, note: Path, size: float, months: int) -> NoReturn:
        frame.bring_up_to_date()
        self.tell("Bringing the demo's program up to the present.")
        with super().in_history():
            seed.seed(
                now=timezone.now(),
                size=size,
                months=months,
                credits_file=past.credits_file(),
                say=self.tell,
            )
        connections.close_all()
        Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)  # WhiteNoise looks for it
        children = Children()
        try:
            exchange_port = embedded_process.free_port(apart_from={port})
            given = demo.environment(folder, port, exchange_port)
            secrets = {"simulator": {"FEED_TOKEN": feed_token.fresh(now=timezone.now())}}
            connections.close_all()
            for name, command in demo.commands(port, exchange_port).items():
                own = given | secrets.get(name, {})
                children.add(Child(name, command, environment=own, say=self.tell))
            self._await_answer(children, port)
            note.write_text(f"http://localhost:{port}\n", encoding="utf-8")
            self.tell(demo.greeting(port))
            while True:
                self._all_alive(children)
                self._servers_run(folder)
                time.sleep(1)
        finally:
            self._deaf_to_signals()
            self.tell("Stopping the demo.")
            children.end(in_a_hurry=lambda: self._in_a_hurry)

    def _await_answer(self, children: Children, port: int) -> None:
        until = time.monotonic() + _PATIENCE
        while problem := demo.answers(port):
            self._all_alive(children)
            if time.monotonic() > until:
                raise CommandError(f"The portal does not answer after {_PATIENCE:.0f} s: {problem}")
            time.sleep(0.1)

    def _all_alive(self, children: Children) -> None:
        ended = children.first_ended()
        if ended is not None:
            raise CommandError(f"{ended.why_it_ended()}. The demo cannot go on without it.")

    def _servers_run(self, folder: Path) -> None:
        for server in embedded.status(folder):
            if not server.running:
                raise CommandError(f"{server.title} has ended; its log is {server.data}.log.")

    @contextmanager
    def _servers(self, folder: Path) -> Iterator[None]:
        """The embedded servers; those that did not run before do not run afterwards."""
        ran = {server.name for server in embedded.status(folder) if server.running}
        try:
            frame.start_servers()
            yield
        finally:
            self._deaf_to_signals()
            embedded.stop(folder, set(embedded.NAMES) - ran)

    def _obey_signals(self) -> None:
        for sent in _SIGNALS:
            signal.signal(sent, self._interrupt)

    def _interrupt(self, *_: object) -> None:
        self._deaf_to_signals()
        raise KeyboardInterrupt

    def _deaf_to_signals(self) -> None:
        """Stopping is under way: another Ctrl-C only hurries it."""
        for sent in _SIGNALS:
            signal.signal(sent, self._hurry)

    def _hurry(self, *_: object) -> None:
        self._in_a_hurry = True

    def tell(self, text: str) -> None:
        with suppress(OSError):  # the terminal is gone, which must not keep us from stopping in order
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
