"""An exchange that pushes until each of its batches is acknowledged, and a web process to be killed."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from tests import make
from tests.portal.embedded_servers import eventually

ROOT = Path(__file__).resolve().parents[2]
#: Nobody waits longer than this for one answer.
PATIENCE = 30.0


class Web:
    """The web process as production runs it; killed without a goodbye and started again on its port."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._environment, self._log = environment, log
        self.start()

    def start(self) -> None:
        words = ["-m", "uvicorn", "portal.asgi:application", "--port", str(self.port), "--no-access-log"]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *words],
                cwd=ROOT,
                env=os.environ | self._environment,
                stdout=log,
                stderr=log,
            )

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.said()
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=20)

    def said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")


@contextmanager
def web(environment: dict[str, str], log: Path) -> Iterator[Web]:
    """A web process that listens; it has ended after the block."""
    made = Web(environment, log)
    try:
        eventually(made.is_up, seconds=60)
        yield made
    finally:
        made.process.kill()
        made.process.wait(timeout=20)


@dataclass(slots=True)
class Answered:
    """What a push was answered with at last, and what it took."""

    answer: dict[str, Any]
    tries: int
    #: Of the longest single request, in seconds.
    longest: float


@dataclass
class Exchange:
    """Pushes batches, each under a key of its own, until it hears 200: what a good exchange does."""

    port: int
    token: str
    answered: list[Answered] = field(default_factory=list)
    #: Statuses other than 200 that were heard, and what came with them.
    refused: list[tuple[int, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def push(self, body: bytes, *, key: str | None = None, until: Callable[[], bool] = lambda: False) -> None:
        """Until it is acknowledged, or nobody waits for it any more."""
        key = key or uuid.uuid4().hex
        longest, tries = 0.0, 0
        while not until():
            tries += 1
            began = time.monotonic()
            try:
                status, said = self.once(body, key=key)
            except (OSError, HTTPException):
                status, said = 0, ""
            longest = max(longest, time.monotonic() - began)
            if status == 200:
                with self._lock:
                    self.answered.append(Answered(json.loads(said), tries, longest))
                return
            if status:
                with self._lock:
                    self.refused.append((status, said))
            time.sleep(0.05)

    def once(self, body: bytes, *, key: str | None = None) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/x-ndjson"}
        try:
            connection.request(
                "POST", "/feed/v1/fills", body, headers | ({"Idempotency-Key": key} if key else {})
            )
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


def lines(numbers: Sequence[int], *, broker: int = 1400) -> bytes:
    """One accepted fill a number: the same number is the same fill."""
    return b"".join(
        json.dumps(
            make.record(
                symbol=("SOL_USDC", "BTC_USDC_PERP", "ETH_USDC")[number % 3],
                marketType=("SPOT", "PERP", "SPOT")[number % 3],
                tradeId=number,
                orderId=f"o{number}",
                userId=number % 23,
                brokerId=broker,
                timestamp=f"2026-{10 + number % 2}-{1 + number % 20:02}T12:00:00.{number % 1000:03}Z",
            )
        ).encode()
        + b"\n"
        for number in numbers
    )


def overlapping(first: int, count: int, chance: random.Random) -> list[int]:
    """Numbers from the first on, some of them that others send too, some twice, now and then reversed."""
    numbers = list(range(first, first + count))
    numbers += chance.choices(range(max(1, first - count), first + count), k=count // 5)
    if chance.random() < 0.5:
        numbers.reverse()
    return numbers
