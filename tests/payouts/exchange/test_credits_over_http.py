"""Credits over real HTTP: what the client says after every fault, and what the exchange's list holds then."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from payouts.exchange import answers, chosen, credit_answers
from payouts.exchange.http import AskedInsideATransaction, HttpExchange
from payouts.exchange.port import CannotBeCredited, Credited, CreditRejected, ExchangeUnavailable
from payouts.exchange.signing import Signer
from portal.simulator.answering import AnsweringExchange
from portal.simulator.credit_faults import OTHER_ACCOUNT_ID, Fault, faults_of
from tests.exchange import PRIVATE_KEY, asking
from tests.payouts.exchange.crediting import (
    AMOUNT,
    CREDITED,
    DAY,
    KEY,
    NOW,
    ORDER,
    RESTRICTED,
    patient,
    refusal,
)

RIGHT = [("BP-900001", "11421.06")]
TOO_MUCH = [("BP-900001", "11421.07")]

#: What the client says to a credit, what is listed then, and what a lookup says afterwards.
#: "unknown" is the refusal whose sentence says that nobody knows whether money moved.
OF_CREDITS: dict[Fault, tuple[Any, list[tuple[str, str]], Any]] = {
    Fault.DOWN: ("unknown", [], None),
    Fault.RESET_BEFORE: ("unknown", [], None),
    Fault.RESET_AFTER: ("unknown", RIGHT, CREDITED),
    Fault.TIMES_OUT_BEFORE: ("unknown", [], None),
    Fault.TIMES_OUT_AFTER: ("unknown", RIGHT, CREDITED),
    Fault.ERROR_BEFORE: ("unknown", [], None),
    Fault.ERROR_AFTER: ("unknown", RIGHT, CREDITED),
    Fault.BUSY: ("unknown", [], None),
    Fault.BARE_404: ("unknown", [], None),
    Fault.GARBAGE_BEFORE: ("unknown", [], None),
    Fault.GARBAGE_AFTER: ("unknown", RIGHT, CREDITED),
    Fault.DRIBBLE: ("unknown", RIGHT, CREDITED),
    Fault.CUT: ("unknown", RIGHT, CREDITED),
    Fault.LATE_ANSWER: ("unknown", RIGHT, CREDITED),
    Fault.LATE_CREDIT: ("unknown", RIGHT, CREDITED),
    Fault.UNSEEN: ("unknown", RIGHT, None),
    Fault.KEY_FORGOTTEN: ("unknown", RIGHT, None),
    Fault.OTHER_AMOUNT: (
        Credited(KEY, "CR-000000001", "BP-900001", Decimal("11421.07"), NOW),
        TOO_MUCH,
        Credited(KEY, "CR-000000001", "BP-900001", Decimal("11421.07"), NOW),
    ),
    Fault.OTHER_AMOUNT_UNSAID: (CREDITED, TOO_MUCH, CREDITED),
    Fault.OTHER_ACCOUNT: (
        Credited(KEY, "CR-000000001", OTHER_ACCOUNT_ID, AMOUNT, NOW),
        [(OTHER_ACCOUNT_ID, "11421.06")],
        Credited(KEY, "CR-000000001", OTHER_ACCOUNT_ID, AMOUNT, NOW),
    ),
    Fault.TWICE: (CREDITED, RIGHT * 2, CREDITED),
    Fault.ONLY_SAYS: (CREDITED, [], CREDITED),
    Fault.OTHER_KEY: ("unknown", RIGHT, CREDITED),
    Fault.REJECTS: (RESTRICTED, [], RESTRICTED),
    Fault.REJECTS_UNSAID: ("unknown", [], RESTRICTED),
}
#: What people are told when a lookup or the list goes wrong; None: the exchange says it knows no such key.
OF_QUESTIONS: dict[Fault, str | None] = {
    Fault.DOWN: answers.NO_ANSWER,
    Fault.RESET_BEFORE: answers.NO_ANSWER,
    Fault.TIMES_OUT_BEFORE: answers.NO_ANSWER,
    Fault.ERROR_BEFORE: answers.NO_ANSWER,
    Fault.BUSY: answers.BUSY,
    Fault.BARE_404: answers.UNUSABLE,
    Fault.GARBAGE_BEFORE: answers.UNUSABLE,
    Fault.DRIBBLE: answers.NO_ANSWER,
    Fault.CUT: answers.NO_ANSWER,
    Fault.LATE_ANSWER: answers.NO_ANSWER,
    Fault.OTHER_KEY: answers.UNUSABLE,
    Fault.KEY_FORGOTTEN: None,
}


#: Nobody waits for these longer than a test can bear.
SLOW = {Fault.TIMES_OUT_BEFORE, Fault.TIMES_OUT_AFTER, Fault.DRIBBLE, Fault.LATE_ANSWER, Fault.LATE_CREDIT}


def for_one(there: AnsweringExchange, fault: Fault) -> HttpExchange:
    return asking(there, deadline=0.4, read_timeout=0.25) if fault in SLOW else patient(there)


def listed(there: AnsweringExchange) -> list[tuple[str, str]]:
    return [(each.account_id, str(each.amount)) for each in there.credits.listed()]


def test_a_credit_is_made_found_and_listed(there: AnsweringExchange) -> None:
    exchange = patient(there)

    assert exchange.credit_by_key(KEY) is None
    assert exchange.credit(**ORDER) == CREDITED
    assert exchange.credit_by_key(KEY) == CREDITED
    assert exchange.credits(**DAY) == [CREDITED]
    assert listed(there) == RIGHT
    assert there.credits.listed()[0].reference == "Broker rebate 2026-10, code 1400"
    assert there.credit_door.asked == [("lookup", KEY), ("credit", KEY), ("lookup", KEY), ("list", "")]


def test_the_same_credit_sent_again_is_the_same_credit(there: AnsweringExchange) -> None:
    exchange = patient(there)

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: exchange.credit(**ORDER), range(24)))

    assert said == [CREDITED] * 24
    assert listed(there) == RIGHT


def test_an_account_that_takes_no_credits_is_a_rejection_which_the_key_remembers(
    there: AnsweringExchange,
) -> None:
    exchange = patient(there)
    unknown = CreditRejected("k1", "ACCOUNT_NOT_FOUND", "There is no account with this id.")
    closed = CreditRejected("k2", "ACCOUNT_CLOSED", "The account is closed.")
    there.accounts.close("BP-900002")

    assert exchange.credit(**(ORDER | {"key": "k1", "account_id": "BP-940001"})) == unknown
    assert exchange.credit(**(ORDER | {"key": "k2", "account_id": "BP-900002"})) == closed
    there.accounts.reopen("BP-900002")
    assert exchange.credit(**(ORDER | {"key": "k2", "account_id": "BP-900002"})) == closed
    assert (exchange.credit_by_key("k1"), exchange.credit_by_key("k2")) == (unknown, closed)
    assert listed(there) == []


@pytest.mark.parametrize(
    "other", [{"amount": Decimal("11421.07")}, {"account_id": "BP-900002"}, {"reference": "2026-11"}], ids=str
)
def test_a_key_with_other_content_decides_nothing_and_calls_for_the_operators(
    there: AnsweringExchange, other: dict[str, Any]
) -> None:
    exchange = patient(there)
    exchange.credit(**ORDER)

    assert refusal(exchange.credit, **(ORDER | other)) == credit_answers.REUSED
    assert listed(there) == RIGHT
    assert exchange.credit_by_key(KEY) == CREDITED


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name)
def test_every_fault_of_a_credit_leaves_what_the_list_shows(
    there: AnsweringExchange, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    says, lists, looks = OF_CREDITS[fault]
    there.faults.will(fault)
    began = time.monotonic()

    if says == "unknown":
        assert refusal(for_one(there, fault).credit, **ORDER) == credit_answers.UNKNOWN
        assert time.monotonic() - began < 2
        [line] = caplog.messages
        assert line.startswith("the exchange gave no answer about a credit that was sent: ")
        for secret in (KEY, "11421", "BP-900001", PRIVATE_KEY):
            assert secret not in line
    else:
        assert patient(there).credit(**ORDER) == says
        assert caplog.messages == []
    there.credit_door.at_rest()
    assert listed(there) == lists
    assert patient(there).credit_by_key(KEY) == looks
    assert [operation for operation, _ in there.credit_door.asked] == ["credit", "lookup"]


@pytest.mark.parametrize("fault", faults_of("credit"), ids=lambda fault: fault.name)
def test_sent_again_under_its_key_a_credit_is_never_made_twice(
    there: AnsweringExchange, fault: Fault
) -> None:
    there.faults.will(fault)
    try:
        for_one(there, fault).credit(**ORDER)
    except ExchangeUnavailable:
        there.credit_door.at_rest()
    before = listed(there)

    patient(there).credit(**ORDER)

    if fault is Fault.KEY_FORGOTTEN:  # the danger: a key that the exchange has forgotten credits again
        assert listed(there) == before * 2 == RIGHT * 2
    elif OF_CREDITS[fault][1] or fault in (Fault.ONLY_SAYS, Fault.REJECTS, Fault.REJECTS_UNSAID):
        assert listed(there) == before
    else:
        assert (before, listed(there)) == ([], RIGHT)


@pytest.mark.parametrize("fault", faults_of("lookup"), ids=lambda fault: fault.name)
def test_every_fault_of_a_lookup_decides_nothing(
    there: AnsweringExchange, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    patient(there).credit(**ORDER)
    there.faults.will(fault, on="lookup")
    says = OF_QUESTIONS[fault]

    if says is None:
        assert patient(there).credit_by_key(KEY) is None
    else:
        assert refusal(for_one(there, fault).credit_by_key, KEY) == says
        [line] = caplog.messages
        assert line.startswith("the exchange gave no answer about a credit: ")
        assert KEY not in line
    assert patient(there).credit_by_key(KEY) == CREDITED


@pytest.mark.parametrize("fault", faults_of("list"), ids=lambda fault: fault.name)
def test_every_fault_of_the_list_is_no_list(
    there: AnsweringExchange, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    patient(there).credit(**ORDER)
    there.faults.will(fault, on="list")

    assert refusal(for_one(there, fault).credits, **DAY) == OF_QUESTIONS[fault]
    assert [line.partition(":")[0] for line in caplog.messages] == [
        "the exchange gave no answer about its list of credits"
    ]
    assert patient(there).credits(**DAY) == [CREDITED]


def test_nothing_listens(there: AnsweringExchange) -> None:
    with there.away():
        assert refusal(patient(there).credit, **ORDER) == credit_answers.UNKNOWN
        assert refusal(patient(there).credit_by_key, KEY) == answers.NO_ANSWER
        assert refusal(patient(there).credits, **DAY) == answers.NO_ANSWER

    assert listed(there) == []


def test_another_key_is_not_let_in_and_nothing_is_credited(there: AnsweringExchange) -> None:
    exchange = patient(there, signer=Signer("IB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE="))

    assert refusal(exchange.credit, **ORDER) == answers.NOT_LET_IN
    assert refusal(exchange.credit_by_key, KEY) == answers.NOT_LET_IN
    assert refusal(exchange.credits, **DAY) == answers.NOT_LET_IN
    assert (there.credit_door.asked, listed(there)) == ([], [])


@pytest.mark.parametrize("key", ["a&key=b", "../x?y#z", "a b+c%20d", "é—中", '"\\'])
def test_a_key_and_a_reference_stay_one_value(there: AnsweringExchange, key: str) -> None:
    exchange = patient(there)

    said = exchange.credit(**(ORDER | {"key": key, "reference": key}))

    assert said == Credited(key, "CR-000000001", "BP-900001", AMOUNT, NOW)
    assert exchange.credit_by_key(key) == said
    assert there.credits.listed()[0].reference == key


@pytest.mark.parametrize("key", ["", " k", "k" * 101, "k\r\nX-Evil: 1"])
def test_what_can_be_no_credit_is_not_sent(there: AnsweringExchange, key: str) -> None:
    exchange = patient(there)
    for ask in (lambda: exchange.credit(**(ORDER | {"key": key})), lambda: exchange.credit_by_key(key)):
        with pytest.raises(CannotBeCredited, match=r"^the key of a credit has 1 to 100 visible characters$"):
            ask()
    with pytest.raises(CannotBeCredited, match=r"^what is credited is whole cents$"):
        patient(there).credit(**(ORDER | {"amount": Decimal("0.005")}))
    assert there.credit_door.asked == []


@pytest.mark.django_db
def test_no_credit_is_asked_for_inside_a_transaction(there: AnsweringExchange) -> None:
    exchange = patient(there)

    for ask in (
        lambda: exchange.credit(**ORDER),
        lambda: exchange.credit_by_key(KEY),
        lambda: exchange.credits(**DAY),
    ):
        with transaction.atomic(), pytest.raises(AskedInsideATransaction):
            ask()
    assert there.credit_door.asked == []
    assert exchange.credit(**ORDER) == CREDITED  # the transaction of the test itself is none


def test_the_settings_choose_the_exchange(exchange: AnsweringExchange) -> None:
    asked = chosen.exchange(clock=timezone.now)
    said = asked.credit(**ORDER)
    since = timezone.now() - timedelta(hours=1)

    assert asked.credits(since=since, until=since + timedelta(hours=2)) == [said]
    assert asked.credit_by_key(KEY) == said


def test_without_settings_nothing_is_credited_and_it_says_why(settings: Any) -> None:
    settings.EXCHANGE_URL = settings.EXCHANGE_PRIVATE_KEY = ""
    none = chosen.exchange(clock=timezone.now)

    for ask in (
        lambda: none.credit(**ORDER),
        lambda: none.credit_by_key(KEY),
        lambda: none.credits(**DAY),
    ):
        assert refusal(ask) == (
            "Backpack Exchange is not configured here, so nothing was decided: set EXCHANGE_URL and"
            " EXCHANGE_PRIVATE_KEY, or run the demo, which brings an exchange of its own."
        )
