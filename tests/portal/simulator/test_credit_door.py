"""The door of the simulated exchange's credits: whom it lets in, what it answers, how it fails as told."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from payouts.exchange.signing import Signer
from portal.simulator.answering import AnsweringExchange
from portal.simulator.credit_faults import EXAMPLES, OPERATIONS, Fault, faults_of
from tests.exchange import PRIVATE_KEY, answering, asking

NOW = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)


@pytest.fixture
def there() -> Iterator[AnsweringExchange]:
    with answering(clock=lambda: NOW) as made:
        yield made


FIELDS = {"key": "key", "accountId": "BP-900001", "amount": "12.50", "currency": "USD", "reference": "r"}
_stamps = iter(range(10_000))


def ask(
    there: AnsweringExchange,
    operation: str,
    fields: dict[str, str],
    *,
    sent: Any = None,
    instruction: str = "",
) -> tuple[int, Any]:
    """The status and the body; `sent` is what is sent instead of what is signed."""
    path, by = {
        "credit": ("credit", "brokerCredit"),
        "lookup": ("credit", "brokerCreditQuery"),
        "list": ("credits", "brokerCreditList"),
    }[operation]
    timestamp = int(NOW.timestamp() * 1_000) + next(_stamps) % 4_000
    headers = Signer(PRIVATE_KEY).headers(instruction or by, fields, timestamp=timestamp)
    url, data = f"{there.url}/api/v1/brokerProgram/{path}", None
    given = fields if sent is None else sent
    if operation == "credit":
        data = given if isinstance(given, bytes) else json.dumps(given).encode()
    else:
        url += "?" + urllib.parse.urlencode(given)
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data, headers=headers)) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())["code"]


def test_the_body_of_a_credit_is_signed_field_by_field(there: AnsweringExchange) -> None:
    for name in FIELDS:
        assert ask(there, "credit", FIELDS, sent=FIELDS | {name: FIELDS[name] + "1"}) == (
            401,
            "INVALID_SIGNATURE",
        )
    assert ask(there, "credit", FIELDS, sent=FIELDS | {"more": "1"}) == (401, "INVALID_SIGNATURE")
    assert ask(there, "credit", FIELDS, instruction="brokerCreditQuery") == (401, "INVALID_SIGNATURE")
    assert (there.credit_door.asked, there.credits.listed()) == ([], [])
    assert ask(there, "credit", FIELDS)[0] == 200


@pytest.mark.parametrize(
    "sent", [b"", b"{", b"[]", b'"text"', b'{"amount": 12.5}', b"\xff\xfe", b"[" * 60_000, b"x" * 70_000]
)
def test_a_body_that_is_no_flat_json_is_not_let_in(there: AnsweringExchange, sent: bytes) -> None:
    assert ask(there, "credit", FIELDS, sent=sent) == (401, "INVALID_CLIENT_REQUEST")


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "12.5"},
        {"amount": "12"},
        {"amount": "-12.50"},
        {"amount": "0.00"},
        {"amount": "1e3"},
        {"currency": "USDC"},
        {"key": ""},
        {"more": "1"},
    ],
    ids=str,
)
def test_an_order_without_sense_is_refused_and_not_remembered(
    there: AnsweringExchange, changes: dict[str, str]
) -> None:
    assert ask(there, "credit", FIELDS | changes) == (400, "INVALID_CLIENT_REQUEST")
    assert ask(there, "lookup", {"key": "key"}) == (404, "CREDIT_NOT_FOUND")
    assert ask(there, "credit", FIELDS)[0] == 200


@pytest.mark.parametrize(
    ("operation", "fields"),
    [
        ("lookup", {}),
        ("lookup", {"key": "key", "more": "1"}),
        ("list", {"from": "0", "to": "1"}),
        ("list", {"from": "0", "to": "1", "limit": "0"}),
        ("list", {"from": "0", "to": "x", "limit": "1"}),
        ("list", {"from": "0", "to": "9" * 30, "limit": "1"}),
        ("list", {"from": "0", "to": "1", "limit": "1", "after": "CR-7"}),
    ],
)
def test_a_question_without_sense_is_refused(
    there: AnsweringExchange, operation: str, fields: dict[str, str]
) -> None:
    assert ask(there, operation, fields) == (400, "INVALID_CLIENT_REQUEST")


def test_what_is_answered_is_this(there: AnsweringExchange) -> None:
    said = {
        "status": "CREDITED",
        "key": "key",
        "creditId": "CR-000000001",
        "accountId": "BP-900001",
        "amount": "12.50",
        "currency": "USD",
        "creditedAt": "2026-11-03T09:00:00.000000Z",
    }
    day = {"from": "1793664000000", "to": "1793750400000", "limit": "500"}

    assert ask(there, "credit", FIELDS) == (200, said)
    assert ask(there, "credit", FIELDS | {"amount": "12.51"}) == (409, "KEY_REUSED")
    assert ask(there, "credit", FIELDS | {"key": "k2", "accountId": "BP-950001"}) == (422, "ACCOUNT_CLOSED")
    assert ask(there, "lookup", {"key": "key"}) == (200, said)
    assert ask(there, "lookup", {"key": "k2"}) == (
        200,
        {"status": "REJECTED", "key": "k2", "code": "ACCOUNT_CLOSED", "message": "The account is closed."},
    )
    assert ask(there, "list", day) == (200, {"credits": [said], "more": False})


# -- faults -----------------------------------------------------------------------------------


def test_faults_come_in_the_order_they_were_told_and_then_no_more(there: AnsweringExchange) -> None:
    there.faults.will(Fault.ERROR_BEFORE, None, Fault.BUSY)

    assert [ask(there, "credit", FIELDS)[0] for _ in range(4)] == [500, 200, 429, 200]


def test_a_standing_fault_lasts_until_it_is_taken_away_and_queued_ones_come_first(
    there: AnsweringExchange,
) -> None:
    there.faults.always["lookup"] = Fault.ERROR_BEFORE
    there.faults.will(Fault.BUSY, on="lookup")

    assert [ask(there, "lookup", {"key": "key"})[0] for _ in range(3)] == [429, 500, 500]
    assert ask(there, "credit", FIELDS)[0] == 200
    there.faults.clear()
    assert ask(there, "lookup", {"key": "key"})[0] == 200


def test_some_accounts_are_never_credited_well(there: AnsweringExchange) -> None:
    there.faults.of_account["BP-900002"] = Fault.ERROR_AFTER
    accounts = ("BP-960003", "BP-960004", "BP-960005", "BP-900002", "BP-900001")
    sent = [FIELDS | {"key": f"k{number}", "accountId": each} for number, each in enumerate(accounts, 1)]

    said = [ask(there, "credit", fields)[0] for fields in sent]

    assert said == [200, 200, 200, 500, 200]
    assert [(each.key, str(each.amount)) for each in there.credits.listed()] == [
        ("k1", "12.51"),
        ("k2", "12.50"),
        ("k2", "12.50"),
        ("k4", "12.50"),
        ("k5", "12.50"),
    ]
    assert [there.accounts.why_no_credit(account_id) for account_id in EXAMPLES] == [""] * 5


def test_a_fault_of_credits_cannot_be_told_to_a_list(there: AnsweringExchange) -> None:
    with pytest.raises(ValueError, match=r"^TWICE is nothing that happens to a list$"):
        there.faults.will(Fault.TWICE, on="list")
    assert ask(there, "list", {"from": "0", "to": "1", "limit": "1"}) == (200, {"credits": [], "more": False})


def test_every_fault_can_happen_to_a_credit_and_some_to_a_question() -> None:
    assert faults_of("credit") == list(Fault)
    assert {operation: len(faults_of(operation)) for operation in OPERATIONS} == {
        "credit": 25,
        "lookup": 12,
        "list": 10,
    }


def test_accounts_and_credits_fail_apart(there: AnsweringExchange) -> None:
    there.faults.always |= dict.fromkeys(OPERATIONS, Fault.DOWN)

    assert asking(there, deadline=8, read_timeout=5).account("BP-900001") is not None


def test_who_waits_for_it_to_rest_is_told_when_it_does_not(there: AnsweringExchange) -> None:
    there.credit_door.at_rest(0)
    there.credit_door._going = 1
    with pytest.raises(TimeoutError, match=r"^the exchange is still busy$"):
        there.credit_door.at_rest(0.01)
    there.credit_door._going = 0
