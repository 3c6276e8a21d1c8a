"""The twin: a figure that was tampered with, past every right, trigger and check, is seen on its page."""

from collections.abc import Callable, Iterator

import pytest
import time_machine
from django.test import Client

from payouts.monthend import actions as monthend
from tests import make
from tests.payouts import owner
from tests.portal.explain import opening
from tests.portal.page_text import text_of
from tests.portal.statements.looking import member

WRONG = "These figures do not add up."
MONTH, CAPS = f"{opening.ROOT}2026-10/", f"{opening.ROOT}2026-10/caps/"
LINES, DAYS = f"{opening.ROOT}2026-10/lines/", f"{opening.ROOT}2026-10/fills/"
SEVEN, NINE = opening.line_of(7), opening.line_of(9, affiliate="0.2")
ALL = {"month": MONTH, "caps": CAPS, "lines": LINES, "days": DAYS, "line of 7": SEVEN, "line of 9": NINE}
CHECKS = {
    "payout": "payout_is_amount_rounded_once",
    "payout_line": "line_amount_is_fees_times_applied_rate",
}


@pytest.fixture
def tamper(committed_db: str) -> Iterator[Callable[[str], None]]:
    with time_machine.travel(make.NOW, tick=False):
        make.broker()
        opening.october()
        monthend.calculate(month=opening.OCTOBER, now=make.NOW)
        with owner.connected() as connected:
            owner.disarm(connected)
            for table, check in CHECKS.items():
                connected.execute(f"ALTER TABLE {table} DROP CONSTRAINT {check}")
            yield lambda sql: connected.execute(sql) and None


@pytest.fixture
def client(tamper: object) -> Client:
    return member()[0]


def wrong_pages(client: Client) -> set[str]:
    return {name for name, path in ALL.items() if WRONG in text_of(client.get(path))}


def test_where_nobody_tampered_no_page_says_so(client: Client) -> None:
    assert wrong_pages(client) == set()


@pytest.mark.parametrize(
    ("sql", "where"),
    [
        (
            "UPDATE payout_line SET fees = fees + 1, amount = amount + applied_rate"
            " WHERE affiliate_rate = 0.2",
            {"month", "caps", "lines", "line of 9"},
        ),
        (
            "UPDATE payout_line SET amount = amount + 0.000000000000000001 WHERE trader = 7",
            {"month", "lines", "line of 7"},
        ),
        ("DELETE FROM payout_line WHERE trader = 10", {"month", "lines"}),
        ("UPDATE payout SET amount = amount + 0.000000000000000001", {"month", "caps", "lines", "days"}),
        ("UPDATE payout SET payout = payout + 0.01", {"month"}),
        (
            "UPDATE payout_line SET applied_rate = 0.4, amount = fees * 0.4 WHERE affiliate_rate = 0.2;"
            " UPDATE payout SET amount = amount + 0.1, payout = payout + 0.1",
            {"month", "caps", "line of 9", "days"},
        ),
        (
            "UPDATE fill SET fee = fee + 0.000000000000000001 WHERE trade_id = 102",
            {"line of 7", "days"},
        ),
        ("DELETE FROM fill WHERE trade_id = 102", {"line of 7", "days"}),
    ],
)
def test_a_figure_that_was_tampered_with_is_seen(
    sql: str, where: set[str], tamper: Callable[[str], None], client: Client
) -> None:
    tamper(sql)

    assert wrong_pages(client) == where


def test_what_is_missing_is_said_to_the_last_digit(tamper: Callable[[str], None], client: Client) -> None:
    tamper("DELETE FROM fill WHERE trade_id = 102")

    assert "Missing: 1 fills, $33.333333 volume, $0.033333333 fees, $0.0133333332." in text_of(
        client.get(SEVEN)
    )
