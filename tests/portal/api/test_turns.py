"""A crowd of pushes waits for its turns, and meanwhile everybody else is answered as ever."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
from django.db import connection, transaction

from payouts.feed import booking
from payouts.models import Fill
from portal.api import turns
from tests import make
from tests.portal.api.asking import token
from tests.portal.api.serving import Served, served

CROWD = 16
#: The same process, but who waits for a turn keeps the connection that looked the token up.
_GREEDY = """
from portal.api import turns

turns._give_back_connection = lambda: None
from portal.asgi import application
"""


def asked(feed: Served, method: str, path: str, secret: str, body: bytes = b"") -> int:
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/x-ndjson"}
    with closing(HTTPConnection("127.0.0.1", feed.port, timeout=60)) as wire:
        wire.request(method, path, body, headers)
        return wire.getresponse().status


def codes_beside_a_crowd(feed: Served) -> tuple[int, float, list[int]]:
    """What a gateway hears while no push can go on, after how long, and what the pushes hear then."""
    make.broker()
    gateway, engine = token().secret.reveal(), token(scope="fills:write").secret.reveal()
    bodies = [make.ndjson([make.record()]) for _ in range(CROWD)]
    with ThreadPoolExecutor(CROWD) as crowd:
        with transaction.atomic():
            booking.enter(alone=True)
            pushed = [crowd.submit(asked, feed, "POST", "/feed/v1/fills", engine, body) for body in bodies]
            wait_for_pushes_at_the_lock()
            time.sleep(0.5)  # the others have come too
            began = time.monotonic()
            status = asked(feed, "GET", "/feed/v1/codes", gateway)
            took = time.monotonic() - began
        return status, took, [each.result() for each in pushed]


def wait_for_pushes_at_the_lock() -> None:
    until = time.monotonic() + 20
    waiting = 0
    while waiting < turns.AT_ONCE:
        assert time.monotonic() < until
        time.sleep(0.05)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            waiting = cursor.fetchone()[0]


def test_a_crowd_of_pushes_waits_and_the_gateway_is_answered_at_once(
    committed_db: str, tmp_path: Path
) -> None:
    with served(committed_db, tmp_path / "log") as feed:
        status, took, pushed = codes_beside_a_crowd(feed)

    assert (status, pushed) == (200, [200] * CROWD)
    assert took < 2
    assert Fill.objects.count() == CROWD


@pytest.mark.long
def test_a_crowd_that_kept_its_connections_would_keep_everybody_waiting(
    committed_db: str, tmp_path: Path
) -> None:
    (tmp_path / "greedy.py").write_text(_GREEDY, encoding="utf-8")
    with served(committed_db, tmp_path / "log", app="greedy:application", PYTHONPATH=str(tmp_path)) as feed:
        status, took, _pushed = codes_beside_a_crowd(feed)

    assert (status, took > 4) == (503, True)
