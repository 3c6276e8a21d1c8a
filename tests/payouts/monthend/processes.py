"""Other processes of the portal on the test's own database: commands, Celery workers and beats."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import redis
from django.conf import settings

PROJECT = Path(__file__).resolve().parents[3]


def manage(*arguments: str, database: str) -> subprocess.CompletedProcess[str]:
    """`manage.py …` from beginning to end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env=os.environ | {"DATABASE_URL": database},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@contextmanager
def own_broker() -> Iterator[str]:
    """The URL of an empty database on the tests' Valkey that no other test uses meanwhile."""
    with redis.Redis.from_url(settings.BROKER_URL) as register:
        number = next(
            number
            for number in range(1, 16)
            if register.set(f"taken-by-a-test:{number}", os.getpid(), nx=True, ex=120)
        )
        url = urlunsplit(urlsplit(settings.BROKER_URL)._replace(path=f"/{number}"))
        with redis.Redis.from_url(url) as own:
            own.flushdb()
            try:
                yield url
            finally:
                own.flushdb()
                register.delete(f"taken-by-a-test:{number}")


@contextmanager
def celery(*arguments: str, database: str, broker: str, log: Path) -> Iterator[None]:
    """`celery -A portal.celery …` while the block lasts; what it says goes to the log."""
    with log.open("ab") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "portal.celery", *arguments],
            cwd=PROJECT,
            env=os.environ | {"DATABASE_URL": database, "BROKER_URL": broker},
            stdout=said,
            stderr=said,
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
