"""Eight writers push overlapping, reversed and repeated batches for a minute: each record counts once."""

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connections

from payouts import books
from payouts.models import Fill, TotalByMonth
from tests import make
from tests.faults.pushing import Exchange, lines, web
from tests.payouts.owner import connected
from tests.portal.api.asking import token

pytestmark = pytest.mark.fault

WRITERS = 8
SECONDS = float(os.environ.get("WRITERS_SECONDS", "60"))


@contextmanager
def exchange_of(database: str, log: Path) -> Iterator[Exchange]:
    make.broker()
    secret = token(scope="fills:write").secret.reveal()
    with web({"DATABASE_URL": database, "DATABASE_POOL": "True"}, log) as there:
        yield Exchange(there.port, secret)
    connections.close_all()


def written_by_eight(exchange: Exchange, *, seconds: float) -> set[int]:
    """What all of them pushed: each takes what the others take too, in any order."""
    ends_at = time.monotonic() + seconds
    pushed: list[set[int]] = [set() for _ in range(WRITERS)]

    def write(writer: int) -> None:
        chance, first = random.Random(writer), 1
        while time.monotonic() < ends_at:
            numbers = chance.sample(range(first, first + 400), chance.randrange(1, 300))
            numbers += chance.choices(numbers, k=20)
            if writer % 2:
                numbers.sort(reverse=chance.random() < 0.5)
            pushed[writer].update(numbers)
            exchange.push(lines(numbers))
            first += 40

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(timeout=seconds + 120)
    assert not any(each.is_alive() for each in threads)
    return set().union(*pushed)


@pytest.mark.timeout(600)
def test_eight_writers_of_the_same_records_count_each_once_and_hear_of_no_deadlock(
    committed_db: str, tmp_path: Path
) -> None:
    with exchange_of(committed_db, tmp_path / "web.log") as exchange:
        union = written_by_eight(exchange, seconds=SECONDS)
    answers = [each.answer for each in exchange.answered]
    print(
        f"{len(answers)} pushes, {sum(answer['received'] for answer in answers)} records, {len(union)} fills"
    )
    assert exchange.refused == []
    assert Fill.objects.count() == len(union)
    assert set(Fill.objects.values_list("trade_id", flat=True)) == union
    assert sum(answer["accepted"] for answer in answers) == len(union)
    assert sum(TotalByMonth.objects.values_list("fills", flat=True)) == len(union)
    assert sum(TotalByMonth.objects.values_list("volume", flat=True)) == 100 * len(union)
    assert books.breaches() == []


@pytest.mark.timeout(300)
def test_without_the_unique_key_the_same_writers_count_records_twice(
    committed_db: str, tmp_path: Path
) -> None:
    with connected() as owner:
        owner.execute("ALTER TABLE fill_key DROP CONSTRAINT fill_key_pkey")
    with exchange_of(committed_db, tmp_path / "web.log") as exchange:
        union = written_by_eight(exchange, seconds=10)
    assert Fill.objects.count() > len(union)
    assert "every fill and excluded record holds its own key" in {each.invariant for each in books.breaches()}
