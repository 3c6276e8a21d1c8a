"""A dashboard in a real browser while fills come in: figures move, and the page says when they cannot."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import make
from tests.journeys.conftest import Reader
from tests.portal.api import asking

pytestmark = pytest.mark.journey

OLGA = "olga@example.com"
SECOND = 1_000
#: Everything on the page that goes on moving.
PIECES = "all => Object.fromEntries(all.map(each => [each.dataset.live, each.innerHTML.trim()]))"
STILL = ("as-of", "heard", "quiet")


class Site:
    """The portal, a reader of it, and the exchange that pushes to it."""

    def __init__(self, reader: Reader, secret: str) -> None:
        self.reader = reader
        self._secret = secret

    def push(self, *records: dict[str, Any]) -> None:
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        asked = Request(
            f"{self.reader.address}/feed/v1/fills",
            data=make.ndjson({"timestamp": now, **each} for each in records),
            headers={"Content-Type": "application/x-ndjson", "Authorization": f"Bearer {self._secret}"},
        )
        with urlopen(asked, timeout=20) as answer:
            assert json.load(answer)["accepted"] == len(records)


def record(**changes: Any) -> dict[str, Any]:
    made = make.record(**({"brokerId": 2300, "quantity": "0.1234567"} | changes))
    del made["timestamp"]
    return made


@pytest.fixture
def has_traded() -> bool:
    return True


@pytest.fixture
def started(web: Callable[[], str], has_traded: bool) -> tuple[str, str]:
    """The portal's address and the secret of the exchange's token; one fill came in this month, or none."""
    make.membership(make.login(email=OLGA), make.broker(code=2300, name="Meridian Terminal"), role="viewer")
    if has_traded:
        now = datetime.now(UTC)
        make.fills(record() | {"timestamp": f"{now:%Y-%m-%dT%H:%M:%SZ}"}, now=now)
    secret = asking.token(scope="fills:write").secret.reveal()
    return web(), secret


@pytest.fixture
def site(started: tuple[str, str], browser: Browser) -> Iterator[Site]:
    address, secret = started
    reader = Reader(browser, address)
    yield Site(reader, secret)
    assert reader.complaints == []


def volume(page: Page) -> Any:
    return page.locator('[data-live="volume"] .big data')


def as_of(page: Page) -> str:
    return page.locator('[data-live="as-of"] time').inner_text()


def pieces(page: Page) -> dict[str, str]:
    found: dict[str, str] = page.locator("[data-live]").evaluate_all(PIECES)
    return {name: html for name, html in found.items() if name not in STILL}


def is_open(page: Page) -> None:
    """Its stream has said as of when figures are, later than when the page was loaded."""
    before = as_of(page)
    expect(page.locator('[data-live="as-of"] time')).not_to_have_text(before, timeout=8 * SECOND)


def hide(page: Page, is_hidden: bool) -> None:
    """As a browser does with a tab that is behind another; without a screen its tabs are always seen."""
    page.evaluate(
        "is => { Object.defineProperty(document, 'hidden', { configurable: true, get: () => is });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        is_hidden,
    )


def test_a_fill_that_is_pushed_is_on_the_open_page_within_two_seconds_as_if_it_were_loaded(
    site: Site,
) -> None:
    page = site.reader.open(email=OLGA)
    page.evaluate("window.isTheSame = true")
    expect(volume(page)).to_have_attribute("value", "12.34567")
    is_open(page)

    began = time.monotonic()
    site.push(record(quantity="10"), record(quantity="1", symbol="SOL_USDC_PERP", marketType="PERP"))
    expect(volume(page)).to_have_attribute("value", "1112.34567", timeout=2 * SECOND)
    assert time.monotonic() - began < 2.5

    assert page.evaluate("window.isTheSame") is True
    assert page.get_by_text("Load them again").is_visible()
    moved = pieces(page)
    page.get_by_text("Load them again").click()
    page.wait_for_function("!window.isTheSame")
    assert moved == pieces(page)


def test_a_tier_that_is_reached_is_said_to_who_cannot_see_it_and_figures_are_not(site: Site) -> None:
    page = site.reader.open(email=OLGA)
    is_open(page)
    said = page.locator("[data-figures]")
    site.push(record())
    expect(page.locator('[data-live="fills"]')).to_have_text("2", timeout=3 * SECOND)
    assert said.inner_text() == ""

    site.push(record(quantity="60000"))
    expect(said).to_have_text("The tier is now BKR 1.", timeout=3 * SECOND)
    assert page.locator('[data-live="tier"] .big').inner_text() == "BKR 1"
    assert page.locator(".ladder .current .tier").inner_text().split() == ["BKR", "1", "now"]
    assert page.locator("[aria-live], [role=status]").filter(has=page.locator("data")).count() == 0


def test_a_tab_that_is_hidden_holds_no_stream_and_shows_the_newest_when_it_is_seen_again(site: Site) -> None:
    page = site.reader.open(email=OLGA)
    is_open(page)
    with page.expect_event("requestfailed", lambda asked: "/live/?figures=" in asked.url):
        hide(page, True)
    with page.expect_event("request", lambda asked: "/live/" in asked.url, timeout=20 * SECOND) as again:
        site.push(record(quantity="1"))
        page.wait_for_timeout(2.5 * SECOND)
        assert volume(page).get_attribute("value") == "12.34567"
        hide(page, False)

    assert "/live/?figures=" in again.value.url
    expect(volume(page)).to_have_attribute("value", "112.34567", timeout=2 * SECOND)


def test_where_streams_do_not_come_through_the_page_asks_by_itself(site: Site) -> None:
    page = site.reader.open(email=OLGA)
    with site.reader.refused(502):
        page.route("**/live/?figures=*", lambda route: route.fulfill(status=502))
        hide(page, True)
        with page.expect_response("**/live.json", timeout=15 * SECOND):
            hide(page, False)

        site.push(record(quantity="1"))
        expect(volume(page)).to_have_attribute("value", "112.34567", timeout=8 * SECOND)
        assert not page.locator("[data-lost]").is_visible()


def test_a_lost_connection_is_said_with_as_of_when_the_figures_are_and_found_again(site: Site) -> None:
    page = site.reader.open(email=OLGA)
    is_open(page)
    lost = page.locator("[data-lost]")
    for address in ("**/live/**", "**/live.json"):
        page.route(address, lambda route: route.abort())
    hide(page, True)
    before = as_of(page)
    hide(page, False)
    expect(lost).to_be_visible(timeout=20 * SECOND)
    assert lost.inner_text().startswith("The connection is lost: these are the figures as of the time above.")
    assert as_of(page) == before

    page.unroute_all()
    site.push(record(quantity="1"))
    expect(volume(page)).to_have_attribute("value", "112.34567", timeout=20 * SECOND)
    expect(lost).to_be_hidden()
    # That a page could not be reached is what the browser complains of.
    site.reader.complaints[:] = [each for each in site.reader.complaints if "ERR_FAILED" not in each]


@pytest.mark.parametrize("has_traded", [False])
def test_the_first_fill_of_all_turns_the_page_that_teaches_into_one_with_figures(site: Site) -> None:
    page = site.reader.open(email=OLGA)
    page.get_by_text("No fill has arrived yet.").wait_for()
    site.push(record(quantity="1"))

    expect(volume(page)).to_have_attribute("value", "100", timeout=8 * SECOND)


def test_without_scripts_the_page_is_right_as_of_when_it_was_loaded(site: Site) -> None:
    page = site.reader.open(email=OLGA, scripts=False)

    assert volume(page).get_attribute("value") == "12.34567"
    assert page.locator(".as-of").inner_text().startswith("US dollars, as of 20")
    assert not page.locator("[data-lost], [data-moved]").first.is_visible()
