"""Figures on an open page behind the real server: a second after a fill, once each, the newest on return."""

import json
import queue
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from payouts.month import Month
from payouts.volume import live
from tests import make
from tests.payouts.monthend.voids import void
from tests.portal.live.conftest import Page, Server, cookie_of
from tests.portal.staff.browsing import at

OpenPage = Callable[..., Page]


@pytest.fixture
def cookie(committed_db: str) -> str:
    login = make.login()
    make.membership(login, make.broker(code=1400), role="viewer")
    return cookie_of(login)


def fill(**changes: Any) -> None:
    now = datetime.now(UTC)
    make.fills(make.record(**({"timestamp": f"{now:%Y-%m-%dT%H:%M:%S.%fZ}"} | changes)), now=now)


def version(code: int = 1400) -> str:
    found = live.figures(broker_codes=[code], month=Month.of(datetime.now(UTC)))
    return found.of[code].version


def told_within(page: Page, seconds: float) -> list[str]:
    """The names of all events that come in this time."""
    names = []
    with suppress(queue.Empty):
        while told := page.next(within=seconds):
            names.append(told.split("\n")[0])
    return names


def test_a_fill_is_told_to_the_digit_as_the_page_itself_shows_it(
    open_page: OpenPage, cookie: str, server: Server
) -> None:
    page = open_page(cookie, path=f"?figures={version()}")
    fill(quantity="60000.000001")

    found = page.event("figures", within=3)
    assert found["id"] == found["version"] == version()
    assert {
        name: found[name] for name in ("fills", "volume", "spot", "futures", "fees", "tier", "missing")
    } == {
        "fills": 1,
        "volume": "6000000.0001",
        "spot": "6000000.0001",
        "futures": "0",
        "fees": "6000.0000001",
        "tier": "BKR 1",
        "missing": "3999999.9999",
    }
    shown = server.asked("GET", "/brokers/1400/", Cookie=cookie)[2].decode()
    for piece in found["html"].split('<div data-live="')[1:4]:
        assert piece.rsplit("</div>", 1)[0] in shown


def test_what_the_page_has_is_not_told_again_but_as_of_when_it_is(open_page: OpenPage, cookie: str) -> None:
    fill()
    page = open_page(cookie, path=f"?figures={version()}")

    beat = page.event("beat", within=3)
    assert beat["is_quiet"] is False
    assert datetime.now(UTC) - datetime.fromisoformat(beat["as_of"]) < timedelta(seconds=3)
    assert told_within(page, 3.5) == []


@pytest.mark.long
def test_a_quiet_page_is_told_every_five_seconds_as_of_when_its_figures_are(
    open_page: OpenPage, cookie: str
) -> None:
    page = open_page(cookie, path=f"?figures={version()}")
    first, second = page.event("beat", within=3), page.event("beat", within=7)

    passed = datetime.fromisoformat(second["as_of"]) - datetime.fromisoformat(first["as_of"])
    assert 4 < passed.total_seconds() < 7


def test_a_browser_that_comes_back_gets_the_newest_once_and_nothing_twice(
    open_page: OpenPage, cookie: str
) -> None:
    page = open_page(cookie, path="?figures=")
    had = page.event("figures", within=3)["id"]
    page.leave()
    fill()
    fill()

    # Its address still says what it began with; the browser adds what it had last.
    again = open_page(cookie, path="?figures=", **{"Last-Event-ID": had})
    newest = again.event("figures", within=3)
    assert newest["fills"] == 2
    again.leave()
    once_more = open_page(cookie, path="?figures=", **{"Last-Event-ID": newest["id"]})
    once_more.event("beat", within=3)
    assert told_within(once_more, 2) == []


def test_a_burst_is_told_as_what_it_came_to(open_page: OpenPage, cookie: str) -> None:
    page = open_page(cookie, path="?figures=")
    assert page.event("figures", within=3)["fills"] == 0
    for _ in range(10):
        fill()

    told = [page.event("figures", within=3)["fills"]]
    while told[-1] < 10:
        told.append(page.event("figures", within=3)["fills"])
    assert told == sorted(set(told))
    assert len(told) <= 4  # a second each, not a fill each


def test_a_void_lowers_the_figures(open_page: OpenPage, cookie: str) -> None:
    fill(tradeId=1)
    fill(tradeId=2, quantity="2")
    page = open_page(cookie, path="?figures=")
    assert page.event("figures", within=3)["volume"] == "300"
    void(2)

    assert page.event("figures", within=3)["volume"] == "100"


def test_each_page_hears_of_its_own_broker_alone(open_page: OpenPage, cookie: str) -> None:
    other = make.login(email="other@example.com")
    make.membership(other, make.broker(code=1500), role="viewer")
    mine = open_page(cookie, path=f"?figures={version()}")
    others = open_page(cookie_of(other), 1500, path="?figures=")
    assert others.event("figures", within=3)["fills"] == 0
    mine.event("beat", within=3)
    fill(brokerId=1500)

    assert others.event("figures", within=3)["fills"] == 1
    assert "event: figures" not in told_within(mine, 2.5)


def test_pages_that_show_no_figures_are_told_none(open_page: OpenPage, cookie: str) -> None:
    page = open_page(cookie)
    page.event("standing", within=3)
    fill()

    assert told_within(page, 2.5) == []


def test_a_page_may_ask_by_itself_and_is_told_when_nothing_changed(server: Server, cookie: str) -> None:
    status, headers, body = server.asked("GET", "/brokers/1400/live.json", Cookie=cookie)
    first = json.loads(body)
    assert (status, headers["content-type"]) == (200, "application/json")
    assert "no-store" in headers["cache-control"]
    assert headers["etag"] == f'"{first["version"]}"' == f'"{version()}"'

    known = {"Cookie": cookie, "If-None-Match": headers["etag"]}
    status, headers, body = server.asked("GET", "/brokers/1400/live.json", **known)
    assert (status, body) == (304, b"")
    assert json.loads(headers["figures-beat"])["is_quiet"] is False
    fill()
    status, headers, body = server.asked("GET", "/brokers/1400/live.json", **known)
    assert (status, json.loads(body)["fills"]) == (200, 1)


@pytest.mark.django_db
def test_a_page_that_asks_too_often_is_told_when_to_come_back() -> None:
    login = make.login()
    make.membership(login, make.broker(code=1400), role="viewer")
    client = at(login)

    statuses = [client.get("/brokers/1400/live.json").status_code for _ in range(121)]
    assert statuses == [200] * 120 + [429]
    assert client.get("/brokers/1400/live.json")["Retry-After"] == "5"
