"""A month by real Celery, worker and beat, whose Valkey and PostgreSQL die, forget and freeze meanwhile."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
import redis
from django.db import connections

from portal.celery import application
from tests.exchange import environment
from tests.faults import town
from tests.faults.playing import Control, Play, is_calculated, is_compared, is_settled, playing
from tests.faults.servers import Servers, own_servers
from tests.faults.workers import LEASE, Shifted, Workers
from tests.payouts.monthend.processes import PROJECT
from tests.payouts.monthend.racing import AT_THE_GATE, eventually, gate_before_writing, until_waiting_at_least
from tests.payouts.monthend.test_close_by_celery import WORKER, beat

pytestmark = pytest.mark.fault


def flush(servers: Servers) -> None:
    with redis.Redis.from_url(servers.broker) as valkey:
        valkey.flushall()


def freeze(servers: Servers) -> None:
    """For longer than anybody waits for its answer."""
    with servers.frozen("valkey"):
        time.sleep(8)


ACCIDENTS: dict[str, Callable[[Servers], None]] = {
    "Valkey is killed": lambda servers: servers.kill("valkey"),
    "Valkey is flushed": flush,
    "Valkey is frozen": freeze,
    "PostgreSQL is killed": lambda servers: servers.kill("postgres"),
}


@pytest.fixture(scope="module")
def servers(control: Control, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with own_servers(tmp_path_factory.mktemp("own") / "var") as made:
        yield made


@pytest.fixture(scope="module")
def own_due(servers: Servers) -> str:
    """A database in which October is due, in the servers of these tests."""
    return town.built()


@contextmanager
def celery(*arguments: str, log: Path, **given: str) -> Iterator[None]:
    with log.open("ab") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "tests.faults.celery_app", *arguments],
            cwd=PROJECT,
            env=os.environ | given,
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


@pytest.mark.timeout(600)
@pytest.mark.parametrize("accident", ACCIDENTS)
def test_whatever_dies_meanwhile_the_books_are_the_same(
    accident: str,
    own_due: str,
    servers: Servers,
    clock: Shifted,
    control: Control,
    workers: Workers,
    tmp_path: Path,
) -> None:
    with playing(own_due, clock, workers) as play:
        given = servers.environment | environment(play.there) | {"CLOCK_SHIFT": str(clock.file)}
        log = tmp_path / "celery.log"
        try:
            with (
                celery(*WORKER, log=log, **given),
                celery(*beat(tmp_path, "schedule"), log=log, **given),
            ):
                a_month_with(lambda: ACCIDENTS[accident](servers), play, servers)
                # The worker came through it and works on.
                before = log.read_text().count("beat_canary")
                eventually(lambda: log.read_text().count("beat_canary") > before, seconds=90)
        except BaseException:
            print(log.read_text()[-20_000:])
            raise
        town.assert_all_is_well(play.there, control.final)


def a_month_with(accident: Callable[[], None], play: Play, servers: Servers) -> None:
    while_writing("payout", accident)
    eventually_with_time(play, is_calculated)
    eventually_with_time(play, town.is_held)
    play.approve()
    while_writing("credit_attempt", accident)
    eventually_with_time(play, lambda: is_settled(play.clock))
    play.next_day()
    application.send_task(
        "payouts.tasks.reconcile", connection=application.connection_for_write(servers.broker)
    )
    eventually_with_time(play, is_compared)


def while_writing(table: str, accident: Callable[[], None]) -> None:
    """The accident happens while a worker is about to write to the table."""
    has_happened = False
    with suppress(psycopg.OperationalError), gate_before_writing(table):  # the gate dies with PostgreSQL
        until_waiting_at_least(1, AT_THE_GATE)
        connections.close_all()
        accident()
        has_happened = True
    assert has_happened


def eventually_with_time(play: Play, true: Callable[[], bool]) -> None:
    """Real time passes, and a lease of a minute is over in three seconds."""
    until = time.monotonic() + 150
    while not true():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(3)
        play.clock.forward(LEASE)
