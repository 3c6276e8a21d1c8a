"""A real web process whose PostgreSQL is frozen, stopped, and started again: what monitors are told."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from portal import embedded
from portal import embedded_process as process
from tests.portal import embedded_servers as servers

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]


@contextmanager
def web(folder: Path, log: Path) -> Iterator[int]:
    """uvicorn as production runs it, on a cluster of its own. Its port."""
    port, addresses = process.free_port(), embedded.addresses(folder)
    environment = os.environ | {
        "DATA_DIR": str(folder),
        "DATABASE_URL": addresses.database_url,
        "DATABASE_OWNER_URL": addresses.database_owner_url,
        "BROKER_URL": addresses.broker_url,
    }
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v", "0"],
        cwd=servers.PROJECT,
        env=environment,
        check=True,
        timeout=120,
    )
    with log.open("wb") as said:
        running = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "portal.asgi:application", "--port", str(port)],
            cwd=servers.PROJECT,
            env=environment,
            stdout=said,
            stderr=said,
        )
        try:
            servers.eventually(lambda: ask(port, "/healthz")[0] == 200, seconds=60)
            yield port
        finally:
            running.kill()
            running.wait()


def ask(port: int, path: str) -> tuple[int, str, float]:
    """Status, body, and how many seconds it took."""
    began = time.monotonic()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            found = answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        found = answer.code, answer.read().decode()
    except OSError:
        found = 0, ""
    return *found, time.monotonic() - began


def status(port: int) -> dict[str, Any]:
    return dict(json.loads(ask(port, "/status.json")[1]))


def must_tell_that_the_database_is_gone(port: int) -> None:
    # What was seen a moment ago may still be told for its second, or its five.
    servers.eventually(lambda: ask(port, "/readyz")[0] == 503)
    servers.eventually(lambda: status(port)["database"]["state"] == "broken")
    for _ in range(3):
        code, body, took = ask(port, "/readyz")
        assert (code, body) == (503, "not ready: the database does not answer\n")
        assert took < 2.2
        code, body, took = ask(port, "/status.json")
        assert (code, json.loads(body)["state"]) == (200, "broken")
        assert took < 2.2
        code, body, took = ask(port, "/healthz")
        assert (code, body) == (200, "ok\n")
        assert took < 1


def test_frozen_thawed_stopped_started(tmp_path: Path) -> None:
    with servers.folder_with_servers(tmp_path / "var") as folder:
        embedded.start(folder)
        with web(folder, tmp_path / "web.log") as port:
            assert ask(port, "/readyz")[:2] == (200, "ready\n")
            assert status(port)["schema"]["state"] == "ok"

            # Frozen altogether, and only the one that takes connections.
            for whom in (lambda pids: pids, lambda pids: pids[:1]):
                frozen = whom(sorted(process.all_in("postgres", folder / "postgres")))
                for pid in frozen:
                    os.kill(pid, signal.SIGSTOP)
                must_tell_that_the_database_is_gone(port)
                for pid in frozen:
                    os.kill(pid, signal.SIGCONT)
                servers.eventually(lambda: ask(port, "/readyz")[0] == 200)
                servers.eventually(lambda: status(port)["database"]["state"] == "ok")

            embedded.stop(folder, ["postgres"])
            must_tell_that_the_database_is_gone(port)
            embedded.start(folder)
            servers.eventually(lambda: ask(port, "/readyz")[0] == 200)

            # Celery's messages may be gone altogether: the feed goes on, so it is ready.
            embedded.stop(folder, ["valkey"])
            time.sleep(1.2)
            assert ask(port, "/readyz")[:2] == (200, "ready\n")
        tracebacks = [line for line in (tmp_path / "web.log").read_text().splitlines() if "Traceback" in line]
        assert tracebacks == []
