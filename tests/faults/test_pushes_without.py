"""Pushes while something that they need, or do not need, is away: queue, workers, database, disk."""

import os
import random
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from django.db import connections
from redis import Redis

from payouts.models import Batch, FeedPush, FeedTally, Fill, FillKey, QuarantinedRecord, TotalByMonth
from portal import embedded
from tests.faults.pushing import Exchange, lines
from tests.faults.servers import Servers
from tests.faults.test_pushes_killed import assert_all_is_well, stage
from tests.portal import embedded_servers

pytestmark = pytest.mark.fault

#: Seconds that nothing of a push may take, whatever became of Valkey and Celery.
LONGEST = 2.0
#: What a push leaves behind.
STORED = (Batch, Fill, FillKey, FeedPush, QuarantinedRecord, TotalByMonth, FeedTally)


@pytest.fixture
def there(
    tmp_path: Path, django_db_setup: None, django_db_blocker: object
) -> Iterator[tuple[Servers, Exchange]]:
    with django_db_blocker.unblock(), stage(tmp_path / "var", tmp_path / "web.log") as (servers, _, exchange):  # type: ignore[attr-defined]
        exchange.push(lines([1]))  # the first request of a process loads what the others find
        yield servers, exchange


def pushed(exchange: Exchange, first: int) -> float:
    """Push thirty batches one after the other, the last record of each twice; the longest wait for one."""
    before = len(exchange.answered)
    for number in range(first, first + 30):
        exchange.push(lines([number, number]))
    assert exchange.refused == []
    return max(each.longest for each in exchange.answered[before:])


@pytest.mark.timeout(300)
def test_without_valkey_and_workers_pushes_go_on_and_none_waits(there: tuple[Servers, Exchange]) -> None:
    servers, exchange = there
    well = pushed(exchange, 400)
    valkey = embedded_servers.note(servers.folder, "valkey").pid
    with servers.frozen("valkey"):
        frozen = pushed(exchange, 100)
    with Redis.from_url(servers.broker) as client:
        client.flushall()
    flushed = pushed(exchange, 200)
    os.kill(valkey, 9)
    dead = pushed(exchange, 300)
    waits = {"all well": well, "frozen": frozen, "flushed": flushed, "dead": dead}
    print("longest push by Valkey:", waits)
    # On a machine so busy that they take a second anyway, none takes much more than that.
    assert max(frozen, flushed, dead) < max(LONGEST, 3 * well)
    assert_all_is_well(
        exchange, {1, *(hundred + number for hundred in (100, 200, 300, 400) for number in range(30))}
    )


@pytest.mark.timeout(300)
def test_after_postgresql_was_away_pushes_are_back_by_themselves_within_five_seconds(
    there: tuple[Servers, Exchange],
) -> None:
    servers, exchange = there
    waits = []
    for number, away in enumerate((0.0, 3.0, 9.0), start=1):
        asked = threading.Thread(target=exchange.push, args=(lines([1_000 + number]),))
        os.kill(embedded_servers.note(servers.folder, "postgres").pid, 9)
        asked.start()  # somebody asks all the while, and hears 503
        time.sleep(away)
        embedded.start(servers.folder)
        began = time.monotonic()
        exchange.push(lines([2_000 + number]))
        waits.append(time.monotonic() - began)
        asked.join(timeout=60)
    print("back after", *(f"{wait:.2f} s" for wait in waits))
    assert max(waits) < 5
    assert {status for status, _ in exchange.refused} <= {503}
    assert all('"SERVER_ERROR"' in said for _, said in exchange.refused)
    assert_all_is_well(exchange, {1, 1_001, 1_002, 1_003, 2_001, 2_002, 2_003})


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of so many megabytes."""
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder],
        check=False,
        capture_output=True,
    )
    if made.returncode:
        pytest.skip(f"no small disk can be made here: {made.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.timeout(300)
def test_on_a_full_disk_a_push_fails_cleanly_and_leaves_nothing_half_stored(
    tmp_path: Path, django_db_setup: None, django_db_blocker: object
) -> None:
    with (
        small_disk(tmp_path / "small", 500) as disk,
        django_db_blocker.unblock(),  # type: ignore[attr-defined]
        stage(disk / "var", tmp_path / "web.log") as (servers, web, exchange),
    ):
        exchange.push(lines([1]))
        before = [model.objects.count() for model in STORED]
        connections.close_all()
        numbers = random.Random(3).sample(range(10_000, 90_000), 40_000)
        body = lines(numbers)
        filler = disk / "filler"
        _fill(filler)
        heard = [exchange.once(body, key="on-a-full-disk") for _ in range(3)]
        filler.unlink()
        embedded.start(servers.folder)  # it ends where it cannot write its log, and recovers
        assert {status for status, _ in heard} == {503}
        assert all('"SERVER_ERROR"' in said for _, said in heard)
        assert "No space left on device" in (servers.folder / "postgres.log").read_text()
        assert [model.objects.count() for model in STORED] == before

        exchange.push(body, key="on-a-full-disk")
        assert web.process.poll() is None
        assert_all_is_well(exchange, {1, *numbers})


def _fill(file: Path) -> None:
    """Take all that is left of a disk."""
    with suppress(OSError), file.open("wb", buffering=0) as into:
        while into.write(b"\0" * 4_096):
            pass
