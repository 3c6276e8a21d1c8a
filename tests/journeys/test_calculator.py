"""The first page in a real browser: calculated while one types, sent as a link, usable without a script."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.journeys.axe import serious_violations
from tests.journeys.conftest import Reader

pytestmark = [pytest.mark.journey, pytest.mark.long]

VOLUME = "API volume a month, spot and futures"
FEE = "Average fee rate your users pay"


@pytest.fixture
def reader(web: Callable[[], str], browser: Browser) -> Reader:
    return Reader(browser, web())


def first_page(reader: Reader, **how: object) -> Page:
    page = reader.open(**how)  # type: ignore[arg-type]
    page.goto(f"{reader.address}/")
    return page


def figure(page: Page, number: int) -> str:
    """One of the four large figures of the result: payout, tier, effective rate, worth of the next tier."""
    return page.locator(".result .big").nth(number).inner_text()


def test_figures_follow_while_one_types_and_the_address_with_them(reader: Reader) -> None:
    page = first_page(reader)
    assert (figure(page, 0), figure(page, 1)) == ("$2,100.00", "BKR 2")

    volume = page.get_by_label(VOLUME)
    volume.fill("")
    volume.press_sequentially("100M")

    expect(page.locator(".result .big").first).to_have_text("$23,500.00")
    assert (figure(page, 1), figure(page, 2), figure(page, 3)) == ("BKR 5", "47%", "None")
    expect(page.get_by_role("status").last).to_have_text("BKR 5, payout $23,500.00 a month")
    assert volume.evaluate("input => input === document.activeElement")
    assert page.url == (f"{reader.address}/program/?volume=100M&fee=0.05&share=30&affiliate=10#calculator")

    other = reader.open()
    other.goto(page.url)
    assert figure(other, 0) == "$23,500.00"
    assert reader.complaints == []


def test_a_mistake_is_said_when_its_field_is_left_and_goes_when_it_is_mended(reader: Reader) -> None:
    page = first_page(reader)
    fee = page.get_by_label(FEE)
    fee.fill("5")
    page.wait_for_timeout(900)
    assert page.locator(".errorlist").count() == 0
    assert "stale" in (page.locator(".result").get_attribute("class") or "")

    page.keyboard.press("Tab")
    expect(page.locator("#id_fee_error")).to_have_text("Write at most 1 percent, which is 100 bp.")
    expect(page.locator(".result")).to_have_text(
        "Nothing was calculated: correct the numbers that are marked."
    )
    assert fee.get_attribute("aria-invalid") == "true"

    fee.fill("5 bp")
    expect(page.locator(".result .big").first).to_have_text("$2,100.00")
    assert page.locator(".errorlist").count() == 0
    assert fee.get_attribute("aria-invalid") is None
    assert reader.complaints == []


def test_a_slow_answer_never_overwrites_a_later_one(reader: Reader) -> None:
    page = first_page(reader)
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/program/?*part=calculator*", hold_the_first)
    with page.expect_request("**/program/?volume=7M*"):
        page.get_by_label(VOLUME).fill("7M")
    page.get_by_label(VOLUME).fill("20M")
    expect(page.locator(".result .big").first).to_have_text("$4,000.00")
    held[0].abort()
    page.wait_for_timeout(300)

    assert (figure(page, 0), figure(page, 1)) == ("$4,000.00", "BKR 3")


def test_figures_that_could_not_be_asked_for_are_marked_as_old(reader: Reader) -> None:
    page = first_page(reader)
    page.route("**/program/?*part=calculator*", lambda route: route.fulfill(status=503))
    page.get_by_label(VOLUME).fill("7M")
    page.wait_for_timeout(900)

    assert figure(page, 0) == "$2,100.00"
    expect(page.locator(".result")).to_have_class("result stale")


def test_without_scripts_the_button_calculates(reader: Reader) -> None:
    page = first_page(reader, scripts=False)
    page.get_by_label(VOLUME).fill("$20,000,000")
    page.get_by_role("button", name="Calculate").click()

    assert (figure(page, 0), figure(page, 1)) == ("$4,000.00", "BKR 3")
    assert page.url.endswith("affiliate=10#calculator")


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("width", [1280, 900, 360])
def test_it_fits_and_axe_finds_nothing_serious(reader: Reader, scheme: str, width: int) -> None:
    for asked in ("", "?volume=999999999999.99&fee=1&affiliate=45", "?volume=abc&fee=9&share=-1&affiliate=x"):
        page = reader.open(width=width, scheme=scheme)
        page.goto(f"{reader.address}/program/{asked}")

        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert serious_violations(page) == []
    assert reader.complaints == []
