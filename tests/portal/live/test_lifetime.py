"""A stream ends by itself after a while, for its browser to open the next, and leaves nothing behind."""

import asyncio
from contextlib import aclosing

import pytest

from portal.live import views, watch
from portal.live.stream import Stream
from tests import make
from tests.portal.live.test_queries import watched

MARK = "active 2020-01-01T00:00:00+00:00"
FIRST = b'retry: 1000\nevent: standing\ndata: {"mark": "active 2020-01-01T00:00:00+00:00"}\n\n'


@pytest.fixture
def stream(committed_db):
    login = make.login()
    make.membership(login, make.broker(code=1400), role="viewer")
    return watched(login)


async def everything(watched, mark=MARK):
    return [told async for told in views._events(Stream(watched, mark))]


def test_it_ends_without_a_word_after_its_lifetime(stream, monkeypatch):
    monkeypatch.setattr(views, "LIFETIME", 0.5)
    monkeypatch.setattr(views, "HEARTBEAT", 0.2)

    told = asyncio.run(everything(stream))
    assert told[0] == FIRST
    assert set(told[1:]) == {b": still here\n\n"}
    assert watch.open_streams().total() == 0


def test_a_standing_that_changed_while_it_was_opened_is_told_by_the_first_look(stream, monkeypatch):
    monkeypatch.setattr(views, "LIFETIME", 1.5)

    told = asyncio.run(everything(stream, mark="suspended"))
    assert told[1] == FIRST.removeprefix(b"retry: 1000\n")


def test_a_browser_that_goes_away_leaves_nothing_behind(stream):
    async def goes_away():
        async with aclosing(views._events(Stream(stream, MARK))) as events:
            await anext(events)
            assert watch.open_streams() == {stream.login: 1}

    asyncio.run(goes_away())
    assert watch.open_streams().total() == 0


def test_streams_that_come_at_the_same_moment_are_counted_again(stream, monkeypatch):
    monkeypatch.setattr(views, "MOST_OF_A_LOGIN", 2)
    monkeypatch.setattr(views, "LIFETIME", 0.3)

    async def three():
        return await asyncio.gather(*[everything(stream) for _page in range(3)])

    assert sorted(len(told) > 0 for told in asyncio.run(three())) == [False, True, True]
