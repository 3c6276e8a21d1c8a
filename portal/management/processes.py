"""Runs a few processes side by side: passes on what they say, notices when one ends, ends all of them."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

_PROJECT = Path(__file__).resolve().parents[2]
#: Seconds that a process has to end in peace.
PATIENCE = 10.0


class Child:
    """One process in a session of its own: Ctrl-C in the terminal reaches only whoever started it."""

    def __init__(
        self, name: str, command: Sequence[str], *, environment: Mapping[str, str], say: Callable[[str], None]
    ) -> None:
        self.name = name
        self._say = say
        self._last_words: deque[str] = deque(maxlen=20)
        leash = [sys.executable, "-m", "portal.management.leashed", str(os.getpid())]
        self._process = subprocess.Popen(
            [*leash, *command],
            cwd=_PROJECT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._is_ending = False
        self._listener = threading.Thread(
            target=self._listen, args=[self._process.stdout], name=f"listens to {name}", daemon=True
        )
        self._listener.start()

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def why_it_ended(self) -> str:
        """How it ended and what it said last, as one sentence."""
        self._listener.join(timeout=2)
        code = self._process.returncode
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        words = next((line for line in reversed(self._last_words) if line.strip()), "")
        return f"The {self.name} {how}{f': {words.strip()}' if words else ', without a word'}"

    def ask_to_end(self) -> None:
        """Ask politely; what it says while it ends is of no interest."""
        self._is_ending = True
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)

    def await_end(self, until: float, *, in_a_hurry: Callable[[], bool]) -> None:
        """Wait for it, and for nobody of its session to be left behind."""
        while self.is_alive and time.monotonic() < until and not in_a_hurry():
            time.sleep(0.02)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _listen(self, output: IO[bytes]) -> None:
        for line in output:
            text = line.decode("utf-8", "replace").rstrip()
            self._last_words.append(text)
            if text and not self._is_ending:
                with suppress(OSError, ValueError):  # nobody reads us any more
                    self._say(f"{self.name:<9} | {text}")


class Children:
    """The processes of one demo."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    def add(self, child: Child) -> None:
        self._children.append(child)

    def first_ended(self) -> Child | None:
        return next((child for child in self._children if not child.is_alive), None)

    def end(self, *, in_a_hurry: Callable[[], bool] = lambda: False) -> None:
        """End all of them, the last started first to be asked."""
        for child in reversed(self._children):
            child.ask_to_end()
        until = time.monotonic() + PATIENCE
        for child in reversed(self._children):
            child.await_end(until, in_a_hurry=in_a_hurry)
        self._children = []
