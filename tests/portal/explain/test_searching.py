"""The one box: a trader, an order, a trade, a symbol or a day; hostile input leads nowhere."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from payouts.month import Month
from payouts.monthend import actions as monthend
from tests import make
from tests.portal.explain import opening
from tests.portal.explain.opening import ROOT, line_of, name_of
from tests.portal.page_text import links_of, text_of
from tests.portal.statements.looking import member

pytestmark = pytest.mark.django_db
NOTHING = "Nothing of yours in"


@pytest.fixture(autouse=True)
def clock(db: None) -> Iterator[Any]:
    with time_machine.travel(opening.DECEMBER, tick=False) as traveller:
        make.broker(code=1400, name="Meridian")
        yield traveller


@pytest.fixture
def client() -> Client:
    return member()[0]


def goes(client: Client, typed: str, **more: str) -> str:
    """Where what was typed leads to; "" if it is not found, or in several places."""
    answer = client.get(ROOT, {"q": typed, **more})
    return str(answer.headers.get("Location", "")).removeprefix(ROOT)


@pytest.mark.parametrize(
    ("typed", "leads_to"),
    [
        ("A-101", "2026-10/fill/SOL_USDC~101~A-101/"),
        (" 101 ", "2026-10/fill/SOL_USDC~101~A-101/"),
        ("2026-10-15", "2026-10/fills/?day=2026-10-15"),
        ("sol_usdc", "2026-11/fills/?symbol=SOL_USDC"),
        ("NAME 7", "2026-11/lines/?trader=NAME 7"),
        ("NAME 9", "2026-10/lines/?trader=NAME 9"),
    ],
)
def test_what_is_found_leads_to_its_page(typed: str, leads_to: str, client: Client) -> None:
    opening.corrected()
    for trader in (7, 9):
        named = name_of(trader)
        typed, leads_to = (text.replace(f"NAME {trader}", named) for text in (typed, leads_to))

    assert goes(client, typed) == leads_to
    assert goes(client, typed.lower()) == leads_to or typed.startswith("A-")


def test_an_order_with_several_fills_is_shown_whole(client: Client) -> None:
    make.fills(*(make.record(tradeId=n, orderId="77", price="10") for n in (1, 2, 3)))

    assert goes(client, "77") == "2026-10/fills/?order=77"
    assert "Fills 3 API volume $30.00" in text_of(client.get(f"{ROOT}2026-10/fills/?order=77"))


def test_a_trade_of_which_both_sides_are_the_brokers_is_shown_whole(client: Client) -> None:
    make.fills(*(make.record(tradeId=5, orderId=f"side {n}") for n in (1, 2)))

    assert goes(client, "5") == "2026-10/fills/?trade=5"


def test_what_is_in_several_months_is_listed_and_a_month_may_be_chosen(client: Client) -> None:
    for month in ("09", "10"):
        make.fills(make.record(tradeId=int(month), orderId="resting", timestamp=f"2026-{month}-01T00:00:00Z"))

    page = client.get(ROOT, {"q": "resting"})

    assert "Found October 2026" in text_of(page)
    assert {f"{ROOT}2026-10/fill/SOL_USDC~10~resting/", f"{ROOT}2026-09/fill/SOL_USDC~9~resting/"} <= set(
        links_of(page)
    )
    assert goes(client, "resting", month="2026-09") == "2026-09/fill/SOL_USDC~9~resting/"


@pytest.mark.parametrize(
    "typed",
    [
        "%", "_", "*", "'", "' OR 1=1 --", "'; DROP TABLE fill; --", "\\", "%s", "%(code)s", "{}",
        "T-" + "A" * 12, "9" * 200, "-1", "1e3", "0x10", "2026-13-01", "2026-02-30", "9999-12-31",
        "<script>alert(1)</script>",
        "\u202e1010", "١٠١", "\x00", "x" * 5_000, "NaN", "null", "A-101' ", "\ufeffA-101",
    ],
)  # fmt: skip
def test_hostile_input_finds_nothing_and_harms_nothing(typed: str, client: Client) -> None:
    opening.october()

    answer = client.get(ROOT, {"q": typed})

    assert answer.status_code == 200
    assert NOTHING in text_of(answer)
    assert "<script>alert" not in answer.content.decode()


# -- what it costs: the same number of queries, however many brokers, months and fills -----------------

#: Of each some seven are the frame's: session, login, seat, standing, second factor.
OF_A_MONTH_AS_IT_STANDS = {
    "the box": 8,
    "a symbol": 9,
    "a day": 8,
    "a trader": 9,
    "a trader of nobody": 9,
    "a number of nothing": 11,
    "a month": 15,
    "lines": 12,
    "lines of a group": 13,
    "a line": 13,
    "days": 11,
    "fills of a day": 12,
    "a fill": 13,
    "caps": 11,
}
OF_A_CALCULATED_MONTH = OF_A_MONTH_AS_IT_STANDS | {
    "a month": 17,
    "lines": 11,
    "lines of a group": 12,
    "a line": 12,
    "days": 10,
    "fills of a day": 11,
    "a fill": 12,
    "caps": 10,
}


def _months(count: int) -> None:
    for number in range(count):
        month = Month(2026, 10 - number)
        make.fills(
            *(
                make.record(userId=trader, affiliateRate=rate, timestamp=f"{month}-15T12:00:00Z")
                for trader in range(2 + 3 * number)
                for rate in (None, "0.2")
            ),
            make.record(tradeId=9_000 + number, orderId=f"Q-{number}", timestamp=f"{month}-03T12:00:00Z"),
        )


@pytest.mark.parametrize("calculated", [False, True])
@pytest.mark.parametrize(("brokers", "months"), [(1, 1), (50, 1), (1, 8), (50, 8)])
def test_a_page_asks_as_often_for_many_brokers_and_months_as_for_one(
    brokers: int, months: int, calculated: bool, client: Client
) -> None:
    for number in range(1, brokers):
        make.broker(code=2000 + number)
    if brokers > 1:
        make.fills(*(make.record(brokerId=2000 + number) for number in range(1, brokers)))
    _months(months)
    if calculated:
        for number in reversed(range(months)):
            monthend.calculate(month=Month(2026, 10 - number), now=make.NOW)

    def queries(page: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(ROOT + page).status_code in (200, 302), page
        return len(captured)

    queries("")
    line = line_of(1).removeprefix(ROOT)
    counts = {
        "the box": queries(""),
        "a symbol": queries("?q=SOL_USDC"),
        "a day": queries("?q=2026-10-15"),
        "a trader": queries(f"?q={name_of(1)}"),
        "a trader of nobody": queries("?q=T-AAAAAAAAAAAA"),
        "a number of nothing": queries("?q=123456789"),
        "a month": queries("2026-10/"),
        "lines": queries("2026-10/lines/"),
        "lines of a group": queries("2026-10/lines/?market=spot&affiliate_rate=0.2"),
        "a line": queries(line),
        "days": queries("2026-10/fills/"),
        "fills of a day": queries("2026-10/fills/?day=2026-10-15"),
        "a fill": queries("2026-10/fill/SOL_USDC~9000~Q-0/"),
        "caps": queries("2026-10/caps/"),
    }
    assert counts == (OF_A_CALCULATED_MONTH if calculated else OF_A_MONTH_AS_IT_STANDS)
