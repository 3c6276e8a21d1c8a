"""The web process as production runs it, against a database of the test's own; its log is kept."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Served:
    address: str
    port: int
    log: Path
    pid: int


@contextmanager
def served(
    database: str, log: Path, *, app: str = "portal.asgi:application", more: tuple[str, ...] = (), **env: str
) -> Iterator[Served]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), *more]
    environment = os.environ | {"DATABASE_URL": database, "BROKER_URL": settings.CELERY_BROKER_URL} | env
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    found = Served(f"http://127.0.0.1:{port}", port, log, process.pid)
    try:
        _wait_for(f"{found.address}/feed/v1/openapi.json", process, log)
        yield found
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 40
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            said = log.read_text(encoding="utf-8", errors="replace")
            assert process.poll() is None, said
            assert time.monotonic() < until, said
            time.sleep(0.1)


def heard(port: int, request: bytes) -> bytes:
    """Everything that a raw request brings back, until the server closes or is silent for five seconds."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
        with suppress(BrokenPipeError, ConnectionResetError):  # it has heard enough
            wire.sendall(request)
        answer = b""
        with suppress(TimeoutError, ConnectionResetError):
            while piece := wire.recv(65_536):
                answer += piece
        return answer
