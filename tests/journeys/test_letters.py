"""A finance member stops letters from a letter, starts them again, and chooses on the page of letters."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from portal import notices
from portal.letters import sending
from tests import make
from tests.journeys.axe import serious_violations
from tests.journeys.conftest import Reader

pytestmark = [pytest.mark.journey, pytest.mark.long]
FAY = "fay@example.com"


@pytest.fixture
def letter(web: Callable[[], str], mailoutbox: list, settings: object) -> tuple[str, str]:
    """The portal's address, and that in the letter about a statement which stops it."""
    broker = make.broker(code=2300, name="Meridian Terminal")
    make.membership(make.login(email=FAY), broker, role="finance")
    make.membership(make.login(email="vic@example.com"), broker, role="viewer")
    make.approved(make.payout(broker))
    notices.write_due(now=make.NOW)
    for attempt in range(3):  # a bare statement has no PDF: the third attempt goes without
        sending.send_due(clock=lambda minutes=attempt: make.NOW + timedelta(minutes=2 * minutes))
    [mine] = [each for each in mailoutbox if each.to == [FAY]]
    return web(), re.search(
        r"<http://localhost:8000(/letters/[^>]+)>", mine.extra_headers["List-Unsubscribe"]
    )[1]


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_letters_are_stopped_in_one_click_and_started_again(
    letter: tuple[str, str], browser: Browser, width: int, scheme: str
) -> None:
    address, stop = letter
    reader = Reader(browser, address)
    page = reader.open(width=width, scheme=scheme, scripts=False)
    page.goto(address + stop)
    heading(page, "Stop letters about statements of broker 2300?")
    assert "fay@" not in page.content()
    page.get_by_role("button", name="Stop").click()
    heading(page, "Stopped")
    page.get_by_role("button", name="Start them again").click()
    heading(page, "You get them again")

    page = reader.open(width=width, scheme=scheme, email=FAY)
    page.goto(address + stop)
    looks_right(page)
    page.get_by_role("button", name="Stop").click()
    looks_right(page)
    page.get_by_role("link", name="Choose your letters").click()
    heading(page, "Your letters")
    looks_right(page)
    statements = page.get_by_label("Statements, Meridian Terminal")
    expect(statements).to_have_value("never")
    statements.select_option("in one letter a day")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_label("Statements, Meridian Terminal")).to_have_value("daily")
    assert reader.complaints == []


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def looks_right(page: Page) -> None:
    assert serious_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
