"""Answers: only the exchange's own, whole and about the account that was asked for, is one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts.exchange import answers
from payouts.exchange.answers import NotAnAnswer, Reply
from payouts.exchange.port import Account, can_be_account_id

FOUND = {"accountId": "BP-1", "accountType": "BUSINESS", "affiliate": False}
MISSING = {"code": "ACCOUNT_NOT_FOUND", "message": "no such account", "accountId": "BP-1"}


def reply(said: Any, *, status: int = 200, media_type: str = "application/json", encoding: str = "") -> Reply:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return Reply(status, media_type, encoding, body)


def refused(given: Reply) -> tuple[str, str]:
    with pytest.raises(NotAnAnswer) as problem:
        answers.account("BP-1", given)
    return problem.value.sentence, str(problem.value)


@pytest.mark.parametrize(
    ("changes", "account"),
    [
        ({}, Account("BP-1", is_business=True, is_affiliate=False)),
        ({"accountType": "PERSONAL"}, Account("BP-1", is_business=False, is_affiliate=False)),
        ({"affiliate": True}, Account("BP-1", is_business=True, is_affiliate=True)),
        ({"somethingNew": [1]}, Account("BP-1", is_business=True, is_affiliate=False)),
    ],
)
def test_an_account_is_what_the_exchange_says(changes: dict[str, Any], account: Account) -> None:
    assert answers.account("BP-1", reply(FOUND | changes)) == account
    assert (
        answers.account("BP-1", reply(FOUND | changes, media_type="Application/JSON; charset=utf-8"))
        == account
    )


def test_the_exchanges_own_404_is_a_proof_of_absence() -> None:
    assert answers.account("BP-1", reply(MISSING, status=404)) is None


@pytest.mark.parametrize(
    "given",
    [
        reply({"code": "RESOURCE_NOT_FOUND", "message": "no such path", "accountId": "BP-1"}, status=404),
        reply({"code": "ACCOUNT_NOT_FOUND", "message": "no such account"}, status=404),
        reply(MISSING | {"message": None}, status=404),
        reply({}, status=404),
        reply(b"", status=404),
        reply(FOUND, status=404),
        reply(MISSING),
    ],
    ids=lambda value: value.body.decode()[:60],
)
def test_no_other_404_is(given: Reply) -> None:
    assert refused(given) == (answers.UNUSABLE, f"status {given.status} with another body than agreed")


@pytest.mark.parametrize(
    "body",
    [
        FOUND | {"affiliate": "false"},
        FOUND | {"affiliate": 0},
        FOUND | {"affiliate": None},
        FOUND | {"accountType": "business"},
        FOUND | {"accountType": "INSTITUTION"},
        FOUND | {"accountId": 1},
        {"accountId": "BP-1", "accountType": "BUSINESS"},
        {"accountId": "BP-1", "affiliate": False},
        [FOUND],
        None,
        True,
        b"",
        b"{",
        b"\xff\xfe",
        json.dumps(FOUND).encode() + b" {}",
        b"[" * 60_000,
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_body_that_is_not_exactly_as_agreed_is_no_answer(body: Any) -> None:
    assert refused(reply(body)) == (answers.UNUSABLE, "status 200 with another body than agreed")


@pytest.mark.parametrize("other", ["BP-2", "bp-1", "BP-1 ", ""])
def test_what_is_said_about_another_account_is_no_answer(other: str) -> None:
    for said in (reply(FOUND | {"accountId": other}), reply(MISSING | {"accountId": other}, status=404)):
        assert refused(said) == (answers.UNUSABLE, "an answer about another account")


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (201, answers.UNUSABLE),
        (204, answers.UNUSABLE),
        (301, answers.UNUSABLE),
        (302, answers.UNUSABLE),
        (400, answers.UNUSABLE),
        (401, answers.NOT_LET_IN),
        (403, answers.NOT_LET_IN),
        (410, answers.UNUSABLE),
        (429, answers.BUSY),
        (500, answers.NO_ANSWER),
        (502, answers.NO_ANSWER),
        (503, answers.NO_ANSWER),
    ],
)
def test_any_other_status_is_no_answer_whatever_its_body_says(status: int, sentence: str) -> None:
    assert refused(reply(FOUND, status=status)) == (sentence, f"status {status}")


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "identity, gzip"])
def test_a_compressed_body_is_not_unpacked(encoding: str) -> None:
    assert refused(reply(FOUND, encoding=encoding)) == (
        answers.UNUSABLE,
        "a compressed body, which was not asked for",
    )
    assert answers.account("BP-1", reply(FOUND, encoding="identity")) is not None


@pytest.mark.parametrize("media_type", ["", "text/html", "text/json", "application/jsonp"])
def test_a_page_is_no_answer(media_type: str) -> None:
    assert refused(reply(FOUND, media_type=media_type)) == (answers.UNUSABLE, "status 200 without JSON")


@given(st.integers(100, 599), st.binary(max_size=200))
def test_no_noise_is_an_answer(status: int, body: bytes) -> None:
    with pytest.raises(NotAnAnswer):
        answers.account("BP-1", reply(body, status=status))


@pytest.mark.parametrize(
    ("text", "can_be"),
    [
        ("BP-1", True),
        ("a&b=c/../é", True),
        ("x" * 100, True),
        ("", False),
        ("x" * 101, False),
        (" BP-1", False),
        ("BP-1\n", False),
        ("BP\r\n1", False),
        ("BP\x001", False),
        ("\ud800", False),
    ],
)
def test_what_can_be_an_account_id(text: str, can_be: bool) -> None:
    assert can_be_account_id(text) is can_be
