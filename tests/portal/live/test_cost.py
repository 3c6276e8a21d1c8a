"""What open pages cost the database: one query a second for all of them, and nothing when nobody looks."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.db import connection

from payouts.volume.live import BrokerFigures
from portal.live import reading, telling, views, watch
from portal.live.stream import Stream
from portal.live.telling import Told
from portal.live.watch import Watch
from tests import make
from tests.portal.live.test_queries import watched

MARK = "active 2020-01-01T00:00:00+00:00"
BROKERS = range(2300, 2350)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the statements that really go to the database from the poller's thread, by what they ask."""
    found: Counter[str] = Counter()

    def counted(execute: Any, sql: str, *rest: Any) -> Any:
        found["figures" if "total_by_month" in sql else "access"] += 1
        return execute(sql, *rest)

    def look(*args: Any) -> Any:
        with connection.execute_wrapper(counted):
            return reading.look(*args)

    monkeypatch.setattr(watch, "look", look)
    return found


@pytest.fixture
def streams(committed_db: str) -> list[Stream]:
    """200 pages of 50 brokers."""
    login = make.login()
    for code in BROKERS:
        make.membership(login, make.broker(code=code), role="viewer")
    mine = watched(login, BROKERS[0])
    return [
        Stream(replace(mine, broker=code), MARK, words=(code, "en")) for code in BROKERS for _page in range(4)
    ]


async def opened_for(seconds: float, streams: list[Stream]) -> Watch:
    watching = Watch()
    for stream in streams:
        watching.join(stream)
    await asyncio.sleep(seconds)
    return watching


def test_two_hundred_pages_of_fifty_brokers_cost_one_query_a_second(
    streams: list[Stream], asked: Counter[str]
) -> None:
    watching = asyncio.run(opened_for(4.5, streams))

    assert len(watching.streams) == 200
    assert all(stream.version and not stream.has_ended for stream in streams)
    # At 0, 1, 2, 3 and 4 seconds; who may look was asked once, in four queries for all.
    assert asked == {"figures": 5, "access": 4}


def test_when_nobody_looks_nothing_is_asked(streams: list[Stream], asked: Counter[str]) -> None:
    async def seen_and_left() -> None:
        watching = await opened_for(0.5, streams[:4])
        for stream in streams[:4]:
            watching.leave(stream)
        await asyncio.sleep(0.7)
        asked.clear()
        await asyncio.sleep(2)

    asyncio.run(seen_and_left())
    assert asked == {}


def test_pages_without_figures_ask_for_none(streams: list[Stream], asked: Counter[str]) -> None:
    for stream in streams:
        stream.words = None
    asyncio.run(opened_for(2.5, streams))

    assert asked == {"access": 4}


def test_one_broker_whose_figures_cannot_be_told_keeps_nobody_elses_back(
    streams: list[Stream], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    really = telling.figures

    def told(found: BrokerFigures, *, language: str) -> Told:
        if found.fills:
            raise ValueError("a volume of -1 reaches no tier")
        return really(found, language=language)

    monkeypatch.setattr(telling, "figures", told)
    now = datetime.now(UTC)
    make.fills(make.record(brokerId=BROKERS[0], timestamp=f"{now:%Y-%m-%dT%H:%M:%S}Z"), now=now)
    asyncio.run(opened_for(0.5, streams[:8]))

    assert [bool(stream.version) for stream in streams[:8]] == [False] * 4 + [True] * 4
    assert "the figures of broker 2300 cannot be told" in caplog.text


@pytest.fixture
def at_new_year(committed_db: str) -> Iterator[Any]:
    """A page that is open when December begins."""
    login = make.login()
    make.membership(login, make.broker(code=1400), role="viewer")
    make.fills(
        make.record(timestamp="2026-11-30T23:59:59Z"), now=datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    )
    with time_machine.travel(datetime(2026, 11, 30, 23, 59, 58, 800_000, tzinfo=UTC)):
        yield Stream(watched(login), MARK, words=(1400, "en"))


def test_at_midnight_the_next_month_begins_from_nothing(at_new_year: Stream) -> None:
    async def months() -> list[str]:
        async with aclosing(views._events(at_new_year)) as events:
            found = []
            while len(found) < 2:
                told = (await anext(events)).decode()
                found += told.split('"month": "')[1:]
            return [text[:7] + " " + text.split('"fills": ')[1].split(",")[0] for text in found]

    began = time.monotonic()
    assert asyncio.run(months()) == ["2026-11 1", "2026-12 0"]
    assert time.monotonic() - began < 5
