"""Answers about credits: exactly as agreed and about the key that was asked for, or they decide nothing."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts.exchange import answers, credit_answers
from payouts.exchange.answers import NotAnAnswer, Reply
from payouts.exchange.port import CannotBeCredited, Credited, CreditRejected
from tests.payouts.exchange.credit_bodies import (
    AT,
    CREDITED,
    IS_CREDITED,
    IS_REJECTED,
    KEY,
    MISSING,
    OTHER,
    OTHER_BODY,
    REJECTED,
    REUSED,
    found,
    only_page,
    outcome,
    refused,
    reply,
    without,
)

# -- what is asked ----------------------------------------------------------------------------


def test_an_order_is_five_texts() -> None:
    assert credit_answers.order(
        key=KEY, account_id="BP-1", amount=Decimal("11421.06"), reference="Broker rebate 2026-10"
    ) == {
        "key": KEY,
        "accountId": "BP-1",
        "amount": "11421.06",
        "currency": "USD",
        "reference": "Broker rebate 2026-10",
    }


@pytest.mark.parametrize(
    ("amount", "written"),
    [("0.01", "0.01"), ("5", "5.00"), ("5.5", "5.50"), ("5.500", "5.50"), ("1E+3", "1000.00")],
)
def test_an_amount_is_written_in_dollars_and_cents(amount: str, written: str) -> None:
    order = credit_answers.order(key=KEY, account_id="BP-1", amount=Decimal(amount), reference="r")

    assert order["amount"] == written


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"amount": Decimal("0.00")}, "what is credited is more than nothing"),
        ({"amount": Decimal("-0.01")}, "what is credited is more than nothing"),
        ({"amount": Decimal("NaN")}, "what is credited is more than nothing"),
        ({"amount": Decimal("sNaN")}, "what is credited is more than nothing"),
        ({"amount": Decimal("Infinity")}, "what is credited is more than nothing"),
        ({"amount": Decimal("1E+18")}, "what is credited is more than nothing"),
        ({"amount": Decimal("0.005")}, "what is credited is whole cents"),
        ({"amount": Decimal("10.001")}, "what is credited is whole cents"),
        ({"key": ""}, "the key of a credit has 1 to 100 visible characters"),
        ({"key": "k" * 101}, "the key of a credit has 1 to 100 visible characters"),
        ({"account_id": " BP-1"}, "the account id of a credit has 1 to 100 visible characters"),
        ({"account_id": "BP\r\n1"}, "the account id of a credit has 1 to 100 visible characters"),
        ({"reference": "\ud800"}, "the reference of a credit has 1 to 100 visible characters"),
    ],
    ids=str,
)
def test_what_nobody_can_credit_is_not_asked_for(changes: dict[str, Any], sentence: str) -> None:
    usual: dict[str, Any] = {"key": KEY, "account_id": "BP-1", "amount": Decimal(1), "reference": "r"}
    with pytest.raises(CannotBeCredited) as problem:
        credit_answers.order(**(usual | changes))

    assert str(problem.value) == sentence


@given(st.decimals("0.01", "999999999999999999.99", places=2))
def test_what_is_credited_as_asked_is_what_was_asked(amount: Decimal) -> None:
    order = credit_answers.order(key=KEY, account_id="BP-1", amount=amount, reference="r")

    assert outcome(reply(CREDITED | {"amount": order["amount"]})).amount == amount


# -- what came of an order, what became of a key ----------------------------------------------


def test_a_credit_is_what_the_exchange_says() -> None:
    assert outcome(reply(CREDITED)) == IS_CREDITED
    assert found(reply(CREDITED)) == IS_CREDITED
    assert outcome(reply(CREDITED | {"somethingNew": [1]})) == IS_CREDITED


def test_a_rejection_comes_as_422_for_an_order_and_as_200_for_a_lookup() -> None:
    assert outcome(reply(REJECTED, status=422)) == IS_REJECTED
    assert found(reply(REJECTED)) == IS_REJECTED
    assert refused(outcome, reply(REJECTED)) == (answers.UNUSABLE, OTHER_BODY)
    assert refused(found, reply(REJECTED, status=422)) == (answers.UNUSABLE, "status 422")
    without_status = {"key": KEY, "code": "ACCOUNT_CLOSED", "message": "The account is closed."}
    for said in (CREDITED, without_status):
        assert refused(outcome, reply(said, status=422)) == (
            answers.UNUSABLE,
            "status 422 with another body than agreed",
        )


@pytest.mark.parametrize(
    ("changes", "credited"),
    [
        ({"amount": "11421.07"}, Credited(KEY, "CR-000000001", "BP-1", Decimal("11421.07"), AT)),
        ({"amount": "0.00"}, Credited(KEY, "CR-000000001", "BP-1", Decimal("0.00"), AT)),
        ({"amount": "-11421.06"}, Credited(KEY, "CR-000000001", "BP-1", Decimal("-11421.06"), AT)),
        ({"accountId": "BP-2"}, Credited(KEY, "CR-000000001", "BP-2", Decimal("11421.06"), AT)),
    ],
)
def test_another_amount_or_account_is_an_answer_that_must_be_compared(
    changes: dict[str, str], credited: Credited
) -> None:
    assert outcome(reply(CREDITED | changes)) == credited
    assert found(reply(CREDITED | changes)) == credited


@pytest.mark.parametrize("read", [outcome, found])
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([CREDITED], OTHER_BODY),
        (None, OTHER_BODY),
        (True, OTHER_BODY),
        ({}, OTHER_BODY),
        (b"", OTHER_BODY),
        (b"{", OTHER_BODY),
        (b"\xff\xfe", OTHER_BODY),
        (json.dumps(CREDITED).encode() + b" {}", OTHER_BODY),
        (b"[" * 60_000, OTHER_BODY),
        *((without(name), OTHER_BODY) for name in CREDITED),
        *((CREDITED | {name: None}, OTHER_BODY) for name in CREDITED),
        *((CREDITED | {name: 1}, OTHER_BODY) for name in CREDITED),
        (CREDITED | {"status": "credited"}, OTHER_BODY),
        (CREDITED | {"status": "PENDING"}, OTHER_BODY),
        (CREDITED | {"currency": "USDC"}, OTHER_BODY),
        (CREDITED | {"currency": "usd"}, OTHER_BODY),
        (CREDITED | {"amount": 11421.06}, OTHER_BODY),
        *(
            (CREDITED | {"amount": amount}, "an amount that is not written in dollars and cents")
            for amount in (
                "", "11421", "11421.6", "11421.060", "011421.06", "+11421.06", "11,421.06", ".06", "1e4",
                "11421.06 ", "11421.06\n", " 11421.06", "１１.06", "NaN", "--1.00", "1" * 19 + ".00",
            )
        ),
        *(
            (CREDITED | {"creditedAt": moment}, "a time that is none")
            for moment in (
                "", "2026-11-03", "2026-11-03T09:00:00Z", "2026-11-03T09:00:00.000Z",
                "2026-11-03T09:00:00.000001", "2026-11-03T09:00:00.000001+00:00",
                "2026-11-03 09:00:00.000001Z", "2026-11-03T24:00:00.000000Z", "2026-11-03T09:00:60.000000Z",
                "2026-02-30T09:00:00.000000Z", "0000-01-01T00:00:00.000000Z", "2026-11-03T09:00:00.000001Z\n",
            )
        ),
        (CREDITED | {"creditId": ""}, "an id that is none"),
        (CREDITED | {"creditId": "x" * 101}, "an id that is none"),
        (CREDITED | {"creditId": "CR\x00"}, "an id that is none"),
        (CREDITED | {"accountId": ""}, "an id that is none"),
        (CREDITED | {"accountId": " BP-1"}, "an id that is none"),
        (CREDITED | {"key": OTHER}, "an answer about another credit"),
        (CREDITED | {"key": KEY.upper()}, "an answer about another credit"),
        (CREDITED | {"key": ""}, "an answer about another credit"),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_what_is_not_exactly_a_credit_is_no_answer(
    read: Callable[[Reply], Any], said: Any, reason: str
) -> None:
    assert refused(read, reply(said)) == (answers.UNUSABLE, reason)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"key": OTHER}, "an answer about another credit"),
        ({"key": None}, None),
        ({"code": None}, None),
        ({"message": None}, None),
        ({"message": 1}, None),
        ({"status": "FAILED"}, None),
        ({"status": None}, None),
        ({"code": ""}, "a rejection without a code of rejections"),
        ({"code": "closed"}, "a rejection without a code of rejections"),
        ({"code": "A B"}, "a rejection without a code of rejections"),
        ({"code": "A" * 51}, "a rejection without a code of rejections"),
        ({"code": "KEY_REUSED"}, "a rejection without a code of rejections"),
    ],
    ids=str,
)
def test_what_is_not_exactly_a_rejection_proves_none(changes: dict[str, Any], reason: str | None) -> None:
    for read, status in ((outcome, 422), (found, 200)):
        given = reply(REJECTED | changes, status=status)
        assert refused(read, given) == (
            answers.UNUSABLE,
            reason or f"status {status} with another body than agreed",
        )


def test_the_message_of_a_rejection_is_kept_short_and_on_one_line() -> None:
    said = reply(REJECTED | {"message": "\x00Closed\r\non request.\n" + "x" * 600}, status=422)

    assert outcome(said) == CreditRejected(KEY, "ACCOUNT_CLOSED", "Closed  on request. " + "x" * 479)


def test_only_the_exchanges_own_404_says_that_it_knows_no_such_key() -> None:
    assert found(reply(MISSING, status=404)) is None
    for said in (b"", {}, MISSING | {"code": "RESOURCE_NOT_FOUND"}, MISSING | {"message": None}, CREDITED):
        assert refused(found, reply(said, status=404)) == (
            answers.UNUSABLE,
            "status 404 with another body than agreed",
        )
    assert refused(found, reply(MISSING | {"key": OTHER}, status=404)) == (
        answers.UNUSABLE,
        "an answer about another credit",
    )
    assert refused(found, reply(MISSING)) == (answers.UNUSABLE, OTHER_BODY)
    assert refused(outcome, reply(MISSING, status=404)) == (answers.UNUSABLE, "status 404")


def test_a_key_that_came_with_other_content_is_for_the_operators() -> None:
    assert refused(outcome, reply(REUSED, status=409)) == (
        credit_answers.REUSED,
        "status 409: the key came with other content before",
    )
    assert refused(outcome, reply(REUSED | {"key": OTHER}, status=409)) == (
        answers.UNUSABLE,
        "an answer about another credit",
    )
    assert refused(outcome, reply({}, status=409)) == (
        answers.UNUSABLE,
        "status 409 with another body than agreed",
    )
    assert refused(found, reply(REUSED, status=409)) == (answers.UNUSABLE, "status 409")


@pytest.mark.parametrize("read", [outcome, found, only_page])
@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (201, answers.UNUSABLE),
        (202, answers.UNUSABLE),
        (204, answers.UNUSABLE),
        (302, answers.UNUSABLE),
        (400, answers.UNUSABLE),
        (401, answers.NOT_LET_IN),
        (403, answers.NOT_LET_IN),
        (429, answers.BUSY),
        (500, answers.NO_ANSWER),
        (503, answers.NO_ANSWER),
    ],
)
def test_any_other_status_is_no_answer(read: Callable[[Reply], Any], status: int, sentence: str) -> None:
    assert refused(read, reply(CREDITED, status=status)) == (sentence, f"status {status}")


@pytest.mark.parametrize("read", [outcome, found, only_page])
def test_a_page_or_a_compressed_body_is_no_answer(read: Callable[[Reply], Any]) -> None:
    assert refused(read, reply(CREDITED, media_type="text/html")) == (
        answers.UNUSABLE,
        "status 200 without JSON",
    )
    assert refused(read, reply(CREDITED, encoding="gzip")) == (
        answers.UNUSABLE,
        "a compressed body, which was not asked for",
    )


@given(st.integers(100, 599), st.binary(max_size=200))
def test_no_noise_is_an_answer(status: int, body: bytes) -> None:
    for read in (outcome, found, only_page):
        with pytest.raises(NotAnAnswer):
            read(reply(body, status=status))


@given(
    st.sampled_from(sorted(CREDITED)),
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=30)
    | st.lists(st.text(max_size=3), max_size=2),
)
def test_a_changed_field_never_passes_for_the_credit_that_was_made(name: str, value: Any) -> None:
    """Whatever one field becomes, it is refused, or it is another credit, or it says the same."""
    given = reply(CREDITED | {name: value})
    try:
        read = outcome(given)
    except NotAnAnswer:
        return
    assert (read == IS_CREDITED) == (value == CREDITED[name])


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        (answers.NO_ANSWER, credit_answers.UNKNOWN),
        (answers.UNUSABLE, credit_answers.UNKNOWN),
        (answers.BUSY, credit_answers.UNKNOWN),
        (answers.NOT_LET_IN, answers.NOT_LET_IN),
        (credit_answers.REUSED, credit_answers.REUSED),
    ],
)
def test_nobody_is_told_to_try_again_while_a_credit_may_have_been_made(sentence: str, told: str) -> None:
    assert credit_answers.unknown(NotAnAnswer(sentence, "")) == told
