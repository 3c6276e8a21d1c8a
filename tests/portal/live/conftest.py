"""A real web server with a stream open on it, read as a browser would."""

import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.portal.staff.browsing import at

ROOT = Path(__file__).resolve().parents[3]


class Server:
    """uvicorn as README starts it, with the pool of connections that production has."""

    def __init__(self, database: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        words = ["-m", "uvicorn", "portal.asgi:application", "--port", str(self.port), "--no-access-log"]
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error::Warning:django", *words],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": database, "BROKER_URL": settings.CELERY_BROKER_URL},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with suppress(OSError):
                if self.asked("GET", "/accounts/login/")[0] == 200:
                    return
            time.sleep(0.1)
        raise AssertionError("the web process did not answer within 60 seconds")

    def asked(self, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, headers={"Connection": "close"} | headers)
        answer = connection.getresponse()
        found = answer.status, dict(answer.getheaders()), answer.read()
        connection.close()
        return found


class Page:
    """A page that has its stream open: what it was told, in order; None once the stream has ended."""

    def __init__(self, server: Server, cookie: str, code: int = 1400, path: str = "", **headers: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
        self._connection.request("GET", f"/brokers/{code}/live/{path}", headers={"Cookie": cookie} | headers)
        self.answer = self._connection.getresponse()
        self.told: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def next(self, *, within: float = 15) -> str | None:
        """The next event or comment as it came, None for the end of the stream."""
        return self.told.get(timeout=within)

    def event(self, name: str, *, within: float = 15) -> dict[str, Any]:
        """The data of the next event of this name, and its `id` if it has one; others are passed over."""
        until = time.monotonic() + within
        while (told := self.next(within=max(0.01, until - time.monotonic()))) is not None:
            fields = dict(line.split(": ", 1) for line in told.split("\n") if not line.startswith(":"))
            if fields.get("event") == name:
                number = {"id": fields["id"]} if "id" in fields else {}
                return json.loads(fields["data"]) | number
        raise AssertionError(f"the stream ended before {name}")

    def leave(self) -> None:
        self._connection.sock and self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def _read(self) -> None:
        lines: list[str] = []
        with suppress(OSError, ValueError, AttributeError):
            for line in self.answer:
                text = line.decode().rstrip("\n")
                if text:
                    lines.append(text)
                elif lines:
                    self.told.put("\n".join(lines))
                    lines = []
        self.told.put(None)


def cookie_of(login: Any) -> str:
    return f"sessionid={at(login).session.session_key}"


@pytest.fixture
def server(committed_db: str) -> Iterator[Server]:
    server = Server(committed_db)
    yield server
    server.process.terminate()
    server.process.communicate(timeout=20)


@pytest.fixture
def open_page(server: Server) -> Iterator[Callable[..., Page]]:
    pages: list[Page] = []

    def opened(cookie: str, code: int = 1400, path: str = "", **headers: str) -> Page:
        pages.append(Page(server, cookie, code, path, **headers))
        return pages[-1]

    yield opened
    for page in pages:
        page.leave()
