"""The exchange's list beside ours: what differs, whose sending it stops, and what is no difference."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts.exchange.port import Credited
from payouts.settlement.comparing import Found, Ours, differences

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def listed(**changes: Any) -> Credited:
    given: dict[str, Any] = {
        "key": "K1",
        "credit_id": "CR-1",
        "account_id": "BP-1",
        "amount": Decimal("10.00"),
        "credited_at": NOW,
    }
    return Credited(**given | changes)


def ours(**changes: Any) -> Ours:
    given: dict[str, Any] = {
        "attempt_id": 1,
        "broker_code": 1400,
        "key": "K1",
        "state": "confirmed",
        "credit_id": "CR-1",
        "account_id": "BP-1",
        "amount": Decimal("10.00"),
    }
    return Ours(**given | changes)


def found(theirs: Iterable[Credited], mine: Iterable[Ours]) -> list[Found]:
    mine = list(mine)
    confirmed = {each.attempt_id for each in mine if each.state == "confirmed"}
    return differences(theirs, mine, must_be_listed=confirmed, brokers={"BP-1": 1400, "BP-5": 1500})


def told(theirs: Iterable[Credited], mine: Iterable[Ours]) -> list[tuple[str, int | None, int | None]]:
    return [(each.kind, each.broker_code, each.attempt_id) for each in found(theirs, mine)]


def test_lists_that_agree_differ_in_nothing() -> None:
    assert found([listed()], [ours()]) == []


@pytest.mark.parametrize("state", ["sending", "unknown"])
def test_what_is_listed_and_not_decided_yet_is_no_difference(state: str) -> None:
    assert found([listed()], [ours(state=state, credit_id="")]) == []


def test_what_we_have_as_credited_must_be_listed() -> None:
    assert found([], [ours()]) == [
        Found(
            "missing",
            1400,
            1,
            None,
            "We have credit CR-1 of 10.00 USD to account BP-1, and the exchange does not list it.",
        )
    ]


def test_what_is_not_expected_in_this_list_is_not_missing() -> None:
    assert differences([], [ours()], must_be_listed=set(), brokers={}) == []


@pytest.mark.parametrize(("account_id", "broker"), [("BP-5", 1500), ("BP-7", None)])
def test_a_credit_that_was_never_asked_for_stops_its_broker_or_everybody(
    account_id: str, broker: int | None
) -> None:
    assert told([listed(account_id=account_id)], []) == [("unknown", broker, None)]


@pytest.mark.parametrize(
    ("state", "says"), [("pending", "was never sent"), ("rejected", "we have as rejected")]
)
def test_a_credit_of_an_attempt_that_cannot_have_moved_money_is_unknown(state: str, says: str) -> None:
    [only] = found([listed()], [ours(state=state, credit_id="")])

    assert (only.kind, only.broker_code, only.attempt_id) == ("unknown", 1400, 1)
    assert only.detail == (
        f"The exchange lists credit CR-1 of 10.00 USD to account BP-1, whose attempt {says}."
    )


@pytest.mark.parametrize("state", ["confirmed", "unknown"])
def test_another_amount_and_another_account_are_two_differences(state: str) -> None:
    mine = ours(state=state, credit_id="CR-1" if state == "confirmed" else "")

    made = found([listed(amount=Decimal("10.01"), account_id="BP-5")], [mine])

    assert [(each.kind, each.broker_code, each.detail) for each in made] == [
        ("account", 1400, "The exchange lists that credit CR-1 went to account BP-5 and not to BP-1."),
        ("amount", 1400, "The exchange lists that credit CR-1 was 10.01 USD and not 10.00 USD."),
    ]


@pytest.mark.parametrize(("mine", "second"), [("CR-1", "CR-2"), ("CR-2", "CR-1"), ("", "CR-2")])
def test_one_key_credited_twice_names_the_one_too_many(mine: str, second: str) -> None:
    state = "confirmed" if mine else "unknown"

    made = found([listed(), listed(credit_id="CR-2")], [ours(credit_id=mine, state=state)])

    assert [(each.kind, each.credit.credit_id if each.credit else "") for each in made] == [("twice", second)]


def test_our_number_under_no_key_of_the_list_is_missing() -> None:
    assert told([listed(credit_id="CR-9")], [ours()]) == [("missing", 1400, 1)]


@given(st.lists(st.integers(1, 20), unique=True), st.data())
def test_whatever_agrees_never_differs_and_what_is_dropped_always_does(
    numbers: list[int], data: st.DataObject
) -> None:
    mine = [ours(attempt_id=each, key=f"K{each}", credit_id=f"CR-{each}") for each in numbers]
    theirs = [listed(key=f"K{each}", credit_id=f"CR-{each}") for each in numbers]
    dropped = data.draw(st.sets(st.sampled_from(numbers))) if numbers else set()

    assert found(theirs, mine) == []
    left = [each for number, each in zip(numbers, theirs, strict=True) if number not in dropped]
    assert {each.attempt_id for each in found(left, mine)} == dropped
