"""The web and PostgreSQL killed during pushes: what was acknowledged is there once, nothing twice."""

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from django.db import connections

from payouts import books
from payouts.feed import tally
from payouts.models import Batch, FeedPush, Fill
from tests import databases, make
from tests.faults.copies import kept_copy_of
from tests.faults.pushing import Exchange, Web, lines, overlapping, web
from tests.faults.servers import Servers, own_servers
from tests.portal.api.asking import token
from tests.portal.embedded_servers import eventually

pytestmark = pytest.mark.fault

CYCLES = int(os.environ.get("CYCLES", "100"))
CLIENTS = 4
#: Of ten cycles in so many it is PostgreSQL.
OF_POSTGRES = 3


@contextmanager
def stage(folder: Path, log: Path) -> Iterator[tuple[Servers, Web, Exchange]]:
    """A cluster, a web process and an exchange of the test's own, and a broker whose fills count."""
    with own_servers(folder) as servers, kept_copy_of(databases.template(), "pushes") as name:
        make.broker()
        secret = token(scope="fills:write").secret.reveal()
        with web(servers.environment | {"DATABASE_POOL": "True"}, log) as there:
            yield servers, there, Exchange(there.port, secret)
        connections.close_all()
    # The cluster is gone, and the database with it.
    assert name


def kept() -> set[int]:
    return set(Fill.objects.values_list("trade_id", flat=True))


def assert_all_is_well(exchange: Exchange, pushed: set[int]) -> None:
    """Every record is there once; the answers, the batches, the tally and the totals say the same."""
    connections.close_all()  # ours died with the server
    answers = [each.answer for each in exchange.answered]
    assert Fill.objects.count() == len(pushed)
    assert kept() == pushed
    assert sum(answer["accepted"] for answer in answers) == len(pushed)
    for answer in answers:
        assert answer["received"] == answer["accepted"] + answer["duplicate"]
    assert len({answer["batch"] for answer in answers}) == len(answers) == Batch.objects.count()
    counted = tally.read()
    assert (counted.received, counted.accepted) == (sum(a["received"] for a in answers), len(pushed))
    assert books.breaches() == []


@pytest.mark.timeout(2400)
def test_killed_a_hundred_times_during_pushes_every_acknowledged_record_is_there_once(
    tmp_path: Path, django_db_setup: None, django_db_blocker: object
) -> None:
    chance, numbers, pushed = random.Random(11), count(1), set[int]()
    lock = threading.Lock()
    with (
        django_db_blocker.unblock(),
        stage(tmp_path / "var", tmp_path / "web.log") as (servers, there, exchange),
    ):  # type: ignore[attr-defined]
        has_ended = threading.Event()

        def client(seed: int) -> None:
            mine = random.Random(seed)
            while not has_ended.is_set():
                with lock:
                    first = next(numbers) * 120
                batch = overlapping(first, mine.randrange(1, 120), mine)
                with lock:
                    pushed.update(batch)
                exchange.push(lines(batch))

        clients = [threading.Thread(target=client, args=(seed,)) for seed in range(CLIENTS)]
        for each in clients:
            each.start()
        try:
            for cycle in range(CYCLES):
                before = len(exchange.answered)
                time.sleep(chance.random() * 0.3)
                if cycle % 10 < OF_POSTGRES:
                    servers.kill("postgres")
                else:
                    there.kill()
                    there.start()
                eventually(lambda before=before: len(exchange.answered) > before + CLIENTS, seconds=60)
        finally:
            has_ended.set()
            for each in clients:
                each.join(timeout=90)
        assert not any(each.is_alive() for each in clients)
        assert_all_is_well(exchange, pushed)
        # 409 while the first try of a key is still under way, 503 while PostgreSQL is away; never 500.
        unforeseen = [each for each in exchange.refused if each[0] not in (409, 503)]
        assert unforeseen == [], there.said()
        assert FeedPush.objects.count() == len(exchange.answered)
        again = sum(each.tries > 1 for each in exchange.answered)
        print(f"{len(pushed)} records in {len(exchange.answered)} pushes, {again} of them tried again")
        assert again >= CYCLES // 2
