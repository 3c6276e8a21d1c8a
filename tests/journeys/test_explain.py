"""From the dashboard's payout down to a fill and back in a browser, by keyboard, with scripts and without."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from payouts.month import Month
from tests import make
from tests.journeys.conftest import Reader

pytestmark = [pytest.mark.journey, pytest.mark.long]
OLGA = "olga@example.com"


@pytest.fixture
def site(web: Callable[[], str]) -> str:
    now = datetime.now(UTC)
    make.membership(make.login(email=OLGA), make.broker(code=2300, name="Meridian Terminal"))
    first = Month.of(now).starts_at
    make.fills(
        make.record(
            brokerId=2300,
            tradeId=4711,
            orderId="A-1",
            price="33.333333",
            affiliateRate="0.4",
            timestamp=f"{first:%Y-%m-%dT%H:%M:%S}Z",
        ),
        now=now,
    )
    return web()


@pytest.mark.parametrize("scripts", [True, False])
def test_one_goes_from_the_payout_to_the_fill_and_back_by_keyboard(
    scripts: bool, site: str, browser: Browser
) -> None:
    reader = Reader(browser, site)
    page = reader.open(email=OLGA, scripts=scripts)

    _press(page, page.get_by_role("link", name="How it comes about"))
    for _level in ("lines of an arm", "a line", "a day", "a fill"):
        _press(page, page.locator("main tbody th a").first)
    expect(page.get_by_text("Tier 20%, but the trader's referral code takes 40%")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Fill SOL_USDC, trade 4711")
    while (
        steps := page.get_by_role("navigation", name="Where this figure stands").get_by_role("link")
    ).count():
        _press(page, steps.last)
    expect(page.get_by_role("heading", level=1)).to_have_text("What your figures are made of")
    page.get_by_label("Trader, order, trade, symbol or day").fill("A-1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Fill SOL_USDC, trade 4711")
    assert reader.complaints == []


def _press(page: Page, link: Locator) -> None:
    before = page.url
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: address != before)
