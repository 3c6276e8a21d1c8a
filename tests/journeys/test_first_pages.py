"""A broker's first pages in a real browser: figures, chart, themes, telephone, no scripts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page

from payouts.money import plain
from payouts.month import Month
from payouts.monthend import actions, queries
from payouts.monthend.queries import BrokerMonth
from tests import make
from tests.journeys.conftest import Reader

pytestmark = pytest.mark.journey

OLGA = "olga@example.com"
PAGES = ("/brokers/2300/", "/brokers/2300/statements/", "/brokers/", "/accounts/password/change/")


@dataclass(frozen=True)
class Site:
    reader: Reader
    so_far: BrokerMonth
    last: BrokerMonth


@pytest.fixture
def books(web: Callable[[], str]) -> tuple[str, BrokerMonth, BrokerMonth]:
    """Two months of fills and a login, committed, and the web process before them.

    Made before the browser starts: playwright's loop forbids the database from then on.
    """
    now = datetime.now(UTC)
    month = Month.of(now)
    make.membership(make.login(email=OLGA), make.broker(code=2300, name="Meridian Terminal"))
    make.fills(
        *(
            make.record(
                brokerId=2300,
                userId=40 + number,
                symbol="BTC_USDC_PERP" if number % 3 else "SOL_USDC",
                marketType="PERP" if number % 3 else "SPOT",
                price="61000.25",
                quantity="2.3456789",
                feeRate="0.0005",
                affiliateRate="0.25" if number % 5 == 0 else None,
                timestamp=f"{at:%Y-%m-%dT%H:%M:%S}Z",
            )
            for number, at in enumerate(_moments(month, now))
        ),
        now=now,
    )
    actions.calculate(month=month.previous(), now=now)
    so_far = queries.month_so_far(broker_code=2300, month=month)
    last = queries.calculated_months(broker_code=2300)[0]
    return web(), so_far, last


@pytest.fixture
def site(books: tuple[str, BrokerMonth, BrokerMonth], browser: Browser) -> Iterator[Site]:
    address, so_far, last = books
    reader = Reader(browser, address)
    yield Site(reader, so_far, last)
    assert reader.complaints == []


def _moments(month: Month, now: datetime) -> list[datetime]:
    """One fill in each hour of the month so far, up to a hundred, and fifty in the month before."""
    hours = int((now - month.starts_at) / timedelta(hours=1))
    of_this = [month.starts_at + timedelta(hours=n) for n in range(hours + 1)][-100:]
    return [month.previous().starts_at + timedelta(hours=n) for n in range(50)] + of_this


def bars_of(page: Page) -> list[str]:
    """The colours of the bars that are higher than nothing, once the chart is drawn."""
    page.locator(".chart .legendtext").first.wait_for()
    colours: list[str] = page.locator(".chart .barlayer .point path").evaluate_all(
        "all => all.filter(bar => bar.getBBox().height > 0).map(bar => bar.style.fill)"
    )
    return colours


def exact_values(page: Page) -> set[str]:
    return set(page.locator("data.figure").evaluate_all("all => all.map(each => each.value)"))


def scrolls_sideways(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def test_the_figures_are_the_databases_and_the_chart_is_drawn(site: Site) -> None:
    page = site.reader.open(email=OLGA)

    paid = site.so_far.payout
    values = exact_values(page)
    assert {plain(paid.volume), plain(paid.spot_volume), plain(paid.futures_volume)} <= values
    assert {plain(paid.fees), plain(site.last.payout.volume)} <= values
    assert page.locator(".accented .big").inner_text() == f"${paid.payout:,.2f}"
    assert page.locator(".headline .big").nth(1).inner_text() == paid.tier.name

    shown = page.locator("table.days td:nth-child(n+3):nth-child(-n+4) data").evaluate_all(
        "all => all.filter(each => each.value !== '0').length"
    )
    assert len(bars_of(page)) == shown


@pytest.mark.long
def test_a_change_of_theme_repaints_the_chart_and_outlasts_the_page(site: Site) -> None:
    page = site.reader.open(email=OLGA, scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = (bars_of(page), page.evaluate(ground))

    page.get_by_role("button", name="Change between dark and light").click()
    dark = (bars_of(page), page.evaluate(ground))
    page.reload()

    assert len(light[0]) == len(dark[0])
    assert set(light[0]).isdisjoint(dark[0])
    assert light[1] != dark[1]
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.evaluate(ground) == dark[1]


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_telephone_never_scrolls_sideways(site: Site, scheme: str) -> None:
    page = site.reader.open(email=OLGA, scheme=scheme, width=360)
    assert bars_of(page)

    for address in PAGES:
        page.goto(f"{site.reader.address}{address}")
        assert not scrolls_sideways(page), address
    outside = site.reader.open(scheme=scheme, width=360)
    for address in ("/accounts/login/", "/accounts/signup/"):
        outside.goto(f"{site.reader.address}{address}")
        assert not scrolls_sideways(outside), address


def test_without_scripts_every_number_and_table_is_there(site: Site) -> None:
    page = site.reader.open(email=OLGA, scripts=False)

    paid = site.so_far.payout
    assert page.locator(".accented .big").inner_text() == f"${paid.payout:,.2f}"
    assert page.locator("table.days").is_visible()
    assert page.locator("table.days tbody tr").last.is_visible()
    assert page.locator("table.months").is_visible()
    assert page.locator("progress").count() == 6
    assert not page.locator(".chart").is_visible()


def test_a_keyboard_reaches_the_content_first_and_everything_after(site: Site) -> None:
    page = site.reader.open(email=OLGA)

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"

    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.textContent.trim().slice(0, 40)"))
    assert {"Every digit", "All statements", "JSON", "CSV"} <= reached


def test_a_draft_is_downloaded(site: Site) -> None:
    page = site.reader.open(email=OLGA)
    page.goto(f"{site.reader.address}/brokers/2300/statements/")

    with page.expect_download() as waiting:
        page.get_by_role("link", name="as CSV").first.click()

    name = waiting.value.suggested_filename
    assert name == f"backpack-broker-2300-{site.so_far.month}-draft.csv"


def test_logging_out_ends_it(site: Site) -> None:
    page = site.reader.open(email=OLGA)

    page.get_by_text(OLGA).click()
    page.get_by_role("button", name="Log out").click()
    page.get_by_text("You are logged out.").wait_for()
    page.goto(f"{site.reader.address}/brokers/2300/")

    assert page.url.endswith("/accounts/login/?next=/brokers/2300/")
