"""The stream: another process that feeds, stops, starts again and outlives its database, counting once."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.utils import timezone

from payouts.feed.intake import Tally
from payouts.feed.models import Batch, Fill, FillKey, TotalByRate
from portal.simulator import seed
from portal.simulator.feed import Feed
from portal.simulator.market import Market
from portal.simulator.mishaps import CLEAN
from portal.simulator.stream import Stream
from tests.exchange import PRIVATE_KEY
from tests.portal.embedded_servers import PROJECT, eventually


def simulator(url: str, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "simulate_exchange", *options],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stop(process: subprocess.Popen[str], *, by: int = signal.SIGTERM) -> tuple[dict[str, Any], str]:
    """Its tally and what it said."""
    process.send_signal(by)
    answer, said = process.communicate(timeout=100)
    assert process.returncode == 0, said
    return json.loads(answer), said


@contextmanager
def streaming(url: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    process = simulator(url, *options)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def enrol_only() -> None:
    """The brokers and logins, and the last moments instead of eight months."""
    seed.seed(now=timezone.now() - timedelta(seconds=5), size=0.002)


def books_agree() -> None:
    fills = Fill.objects.count()
    assert fills <= FillKey.objects.count()
    assert sum(Batch.objects.values_list("accepted", flat=True)) == fills
    assert sum(TotalByRate.objects.values_list("fills", flat=True)) == fills


def missing_seconds(since: datetime, until: datetime) -> list[int]:
    """Seconds of which the clean market's fills are not all booked."""
    market = Market(start=seed._first_month(since, seed.MONTHS_BEFORE).starts_at)
    booked = set(Fill.objects.values_list("symbol", "trade_id"))
    return [
        second
        for second in range(int(since.timestamp()), int(until.timestamp()))
        if not {(fill["symbol"], fill["tradeId"]) for fill in market.second(second)} <= booked
    ]


def test_it_streams_stops_and_starts_again_without_a_gap_or_a_duplicate(committed_db: str) -> None:
    enrol_only()
    began, seeded = timezone.now(), Fill.objects.count()

    with streaming(committed_db, "--clean") as first:
        eventually(lambda: Fill.objects.count() > seeded + 10)
        told, said = stop(first)
    between = Fill.objects.count()
    with streaming(committed_db, "--clean") as second:
        eventually(lambda: Fill.objects.count() > between + 10)
        told_again, _ = stop(second, by=signal.SIGINT)

    assert said == ""
    assert told["received"] == told["accepted"] == between - seeded
    assert told_again["received"] == told_again["accepted"] == Fill.objects.count() - between
    assert missing_seconds(began, timezone.now() - timedelta(seconds=30)) == []
    last = Fill.objects.order_by("-executed_at").values_list("executed_at", flat=True)[0]
    assert missing_seconds(began, last.replace(microsecond=0)) == []
    books_agree()


@pytest.mark.long
def test_killed_outright_it_goes_on_where_the_books_end(committed_db: str) -> None:
    enrol_only()
    began, seeded = timezone.now(), Fill.objects.count()

    with streaming(committed_db) as first:
        eventually(lambda: Fill.objects.count() > seeded + 10)
        first.kill()
        first.communicate()
    between = Fill.objects.count()
    with streaming(committed_db) as second:
        eventually(lambda: Fill.objects.count() > between + 10)
        stop(second)

    last = Fill.objects.order_by("-executed_at").values_list("executed_at", flat=True)[0]
    assert missing_seconds(began, last.replace(microsecond=0)) == []
    books_agree()


@pytest.mark.long
def test_it_outlives_a_database_that_goes_away(committed_db: str) -> None:
    enrol_only()
    began, seeded = timezone.now(), Fill.objects.count()
    name = committed_db.rpartition("/")[2]

    with streaming(committed_db, "--clean") as process:
        eventually(lambda: Fill.objects.count() > seeded)
        with database_away(name, committed_db):
            assert process.stderr is not None
            away = process.stderr.readline()
        back = process.stderr.readline()
        since_back = Fill.objects.count()
        eventually(lambda: Fill.objects.count() > since_back)
        stop(process)

    assert away.startswith("The database is away, trying again every second")
    assert back.startswith("The database is back after")
    last = Fill.objects.order_by("-executed_at").values_list("executed_at", flat=True)[0]
    assert missing_seconds(began, last.replace(microsecond=0)) == []
    books_agree()


@contextmanager
def database_away(name: str, url: str) -> Iterator[None]:
    """Nobody gets into the database, and whoever of the application was in is out."""
    owner = settings.DATABASE_OWNER
    place = {"host": owner["HOST"], "port": owner["PORT"], "dbname": "portal", "autocommit": True}
    app = settings.DATABASES["default"]
    with (
        psycopg.connect(user=owner["USER"], password=owner["PASSWORD"], **place) as by_owner,
        psycopg.connect(user=app["USER"], password=app["PASSWORD"], **place) as by_app,
    ):
        by_owner.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        try:
            by_app.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = %s",
                [name, app["USER"]],
            )
            yield
        finally:
            by_owner.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    from django.db import connection

    connection.close()


@pytest.mark.django_db
def test_a_long_gap_is_filled_as_history_and_the_tally_adds_up() -> None:
    now = datetime(2026, 11, 22, 16, 40, tzinfo=UTC)
    seed.seed(now=now, size=0.002)
    tally = Tally()
    feed = Feed(Market(start=datetime(2026, 4, 1, tzinfo=UTC), size=0.5))

    feed.bring_up_to(now + timedelta(hours=30), tally=tally)

    assert Batch.objects.order_by("-id").values_list("source", flat=True)[1] == "simulated history"
    assert tally.received == (
        tally.accepted + tally.duplicate + tally.excluded.total() + tally.quarantined.total()
    )
    assert 300 < tally.accepted < 3_000


@pytest.mark.django_db
def test_a_clock_that_goes_back_sends_nothing_twice() -> None:
    now = datetime(2026, 11, 22, 16, 40, tzinfo=UTC)
    seed.seed(now=now, size=0.002)
    times = iter([now + timedelta(seconds=9), now, now + timedelta(seconds=9), now + timedelta(seconds=10)])
    tally = Tally()
    stream = Stream(
        Feed(Market(start=datetime(2026, 4, 1, tzinfo=UTC)), mix=CLEAN),
        clock=lambda: next(times),
        say=pytest.fail,
        tally=tally,
    )

    assert [stream.tick() for _ in range(4)] == [True] * 4
    assert tally.duplicate == 0
    assert tally.accepted == tally.received > 0


def test_it_says_what_is_missing_in_an_empty_program(committed_db: str) -> None:
    with streaming(committed_db) as process:
        answer, said = process.communicate(timeout=100)

    assert process.returncode == 1
    assert answer == ""
    assert said == "the demo's brokers are not enrolled here: run `manage.py seed_demo` first\n"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("simulate_exchange", "invented fills do not belong into production: nothing was done"),
        ("seed_demo", "invented brokers do not belong into production: nothing was done"),
        ("demo", "the demo is for development: unset PORTAL_MODE"),
    ],
)
def test_production_gets_no_invented_fills(committed_db: str, command: str, sentence: str) -> None:
    refused = subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=PROJECT,
        env={
            **os.environ,
            "PORTAL_MODE": "production",
            "SECRET_KEY": "x" * 50,
            "PSEUDONYM_KEY": "p" * 32,
            "STATEMENT_KEY": "c3RhdGVtZW50cyBhcmUgc2lnbmVkIHdpdGggdGhpcyE=",
            "ALLOWED_HOSTS": "localhost",
            "DATABASE_URL": committed_db,
            "BROKER_URL": "redis://127.0.0.1:1/0",
            "PORTAL_URL": "https://localhost",
            "EMAIL_URL": "smtps://localhost",
            "DEFAULT_FROM_EMAIL": "brokers@example.com",
            "EXCHANGE_URL": "https://localhost",
            "EXCHANGE_PRIVATE_KEY": PRIVATE_KEY,
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert (refused.returncode, refused.stderr.splitlines()) == (2, [sentence])
    assert not Fill.objects.exists()
