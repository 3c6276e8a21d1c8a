"""The exchange's list of credits: whole, in order, of the time that was asked for, or no list."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from payouts.exchange import answers, credit_answers
from payouts.exchange.answers import NotAnAnswer
from payouts.exchange.credit_answers import Page
from payouts.exchange.port import Credited
from tests.payouts.exchange.credit_bodies import (
    ASKED,
    AT,
    CREDITED,
    IS_CREDITED,
    OTHER,
    OTHER_BODY,
    REJECTED,
    only_page,
    refused,
    reply,
    without,
)


def test_a_page_is_asked_for_in_whole_milliseconds_around_the_times() -> None:
    assert ASKED == {"from": "1793664000000", "to": "1793750400000", "limit": "500"}
    assert credit_answers.page_asked(
        since=datetime(2026, 11, 3, 0, 0, 0, 1, tzinfo=UTC),
        until=datetime(2026, 11, 3, 0, 0, 0, 1_001, tzinfo=UTC),
        after="CR-7",
    ) == {"from": "1793664000000", "to": "1793664000002", "limit": "500", "after": "CR-7"}


def test_a_page_lists_credits_of_any_key() -> None:
    other = CREDITED | {"key": OTHER, "creditId": "CR-000000002"}

    assert only_page(reply({"credits": [], "more": False})) == Page((), is_last=True)
    assert only_page(reply({"credits": [CREDITED, other], "more": True})) == Page(
        (IS_CREDITED, Credited(OTHER, "CR-000000002", "BP-1", Decimal("11421.06"), AT)), is_last=False
    )


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([], OTHER_BODY),
        ({"credits": []}, OTHER_BODY),
        ({"more": False}, OTHER_BODY),
        ({"credits": None, "more": False}, OTHER_BODY),
        ({"credits": [], "more": "false"}, OTHER_BODY),
        ({"credits": [CREDITED, REJECTED], "more": False}, "a list of more than credits"),
        ({"credits": [without("status")], "more": False}, OTHER_BODY),
        ({"credits": [CREDITED, {}], "more": False}, OTHER_BODY),
        (
            {"credits": [CREDITED | {"amount": "1"}], "more": False},
            "an amount that is not written in dollars and cents",
        ),
        ({"credits": [CREDITED | {"key": ""}], "more": False}, "an id that is none"),
        ({"credits": [], "more": True}, "a page with more or fewer credits than agreed"),
        ({"credits": [CREDITED] * 501, "more": False}, "a page with more or fewer credits than agreed"),
        (
            {"credits": [CREDITED | {"creditedAt": "2026-11-04T00:00:00.000000Z"}], "more": False},
            "a credit of another time than was asked for",
        ),
        (
            {"credits": [CREDITED | {"creditedAt": "2026-11-02T23:59:59.999999Z"}], "more": False},
            "a credit of another time than was asked for",
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_is_not_exactly_a_page_is_no_answer(said: Any, reason: str) -> None:
    assert refused(only_page, reply(said)) == (answers.UNUSABLE, reason)


def credited(number: int, at: datetime) -> Credited:
    return Credited(f"key {number}", f"CR-{9 - number}", "BP-1", Decimal("1.00"), at)


def test_a_list_is_all_its_pages_from_the_first_moment_on_and_before_the_last_by_time() -> None:
    since, until = AT, AT + timedelta(microseconds=10)
    early, first, second, late = (credited(n, AT + timedelta(microseconds=n)) for n in (-1, 0, 9, 10))
    also_first = Credited("other", "CR-1", "BP-1", Decimal("1.00"), AT)

    assert credit_answers.whole_list(
        [Page((second, late), is_last=False), Page((early, first, also_first), is_last=True)],
        since=since,
        until=until,
    ) == [also_first, first, second]


def test_a_list_that_names_one_credit_twice_is_no_answer() -> None:
    pages = [Page((credited(1, AT),), is_last=False), Page((credited(1, AT),), is_last=True)]

    with pytest.raises(NotAnAnswer, match=r"^a list that names one credit twice$"):
        credit_answers.whole_list(pages, since=AT, until=AT + timedelta(days=1))
