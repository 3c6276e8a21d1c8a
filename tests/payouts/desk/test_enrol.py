"""A business gets its code: which one, who gets none, and what counts from then on."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from payouts.desk import enrol
from payouts.exchange import eligibility
from payouts.models import Broker, Fill, QuarantinedRecord, StandingChange
from payouts.program import queries
from payouts.program.queries import Enrolment
from payouts.refusal import Refusal
from tests import make
from tests.payouts.desk.enrolling import NOON, business, enrolled

pytestmark = pytest.mark.django_db


@pytest.fixture
def by() -> Any:
    return make.login(email="vera@backpack.example", is_staff=True)


def nothing_was_written() -> bool:
    return not Broker.objects.exists() and not StandingChange.objects.exists()


# -- which code -------------------------------------------------------------------------------


def test_the_first_code_given_is_2300_and_then_2400(by: Any) -> None:
    assert enrol.next_code() == 2300
    assert [enrolled(by).code, enrolled(by).code] == [2300, 2400]
    assert enrol.next_code() == 2500


def test_a_chosen_code_is_skipped_when_its_turn_comes(by: Any) -> None:
    enrolled(by, code=2400)

    assert [enrolled(by).code, enrolled(by).code] == [2300, 2500]


def test_an_imported_code_is_skipped_too(by: Any) -> None:
    make.broker(code=2300)

    assert enrolled(by).code == 2400


@pytest.mark.parametrize("code", [0, 7, 2300, 65_535])
def test_any_code_of_the_header_can_be_chosen(by: Any, code: int) -> None:
    assert enrolled(by, code=code).code == code


@pytest.mark.parametrize("code", [-1, 65_536, 10**400])
def test_a_number_that_does_not_fit_the_header_is_no_code(by: Any, code: int) -> None:
    with pytest.raises(enrol.NotACode) as refused:
        enrolled(by, code=code)

    assert str(refused.value) == f"{code} is not a code: choose a number from 0 to 65535."
    assert nothing_was_written()


def test_a_code_is_never_given_twice(by: Any) -> None:
    enrolled(by, code=1400)

    with pytest.raises(enrol.CodeTaken) as refused:
        enrolled(by, name="Another", account_id="ACC78", account=business("ACC78"), code=1400)

    assert str(refused.value) == "Code 1400 belongs to another broker: choose another one."
    assert list(Broker.objects.values_list("code", "name")) == [(1400, "Meridian Terminal")]
    assert StandingChange.objects.count() == 1


def test_the_code_of_a_terminated_broker_is_never_given_again(by: Any) -> None:
    gone = enrolled(by, code=2300)
    make.terminated(gone, NOON + timedelta(days=1))

    with pytest.raises(enrol.CodeTaken):
        enrolled(by, code=2300)
    assert enrolled(by).code == 2400


def test_when_all_multiples_of_100_are_taken_staff_choose(by: Any) -> None:
    Broker.objects.bulk_create(
        Broker(code=code, name=f"Broker {code}", account_id=f"ACC{code}", enrolled_at=NOON)
        for code in range(2_300, 65_501, 100)
    )

    for ask in (enrol.next_code, lambda: enrolled(by)):
        with pytest.raises(enrol.NoCodeLeft) as refused:
            ask()
        assert str(refused.value) == "Every multiple of 100 from 2300 up is taken: choose another code."
    assert enrolled(by, code=2301).code == 2301


# -- who gets none ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("account", "refusal", "sentence"),
    [
        (
            None,
            eligibility.NoSuchAccount,
            "Backpack Exchange has no account with this id: copy it from the account's page.",
        ),
        (
            business(is_business=False),
            eligibility.NotABusinessAccount,
            "This is a personal account: open up a business account at Backpack Exchange and give its id.",
        ),
        (
            business(is_affiliate=True),
            eligibility.IsAnAffiliate,
            "Please note that the API Broker Program and the Backpack Affiliate Program are mutually"
            " exclusive. Enrollment in one program will preclude enrollment in the other.",
        ),
        (
            business(is_business=False, is_affiliate=True),
            eligibility.IsAnAffiliate,
            "Please note that the API Broker Program and the Backpack Affiliate Program are mutually"
            " exclusive. Enrollment in one program will preclude enrollment in the other.",
        ),
        (
            business("ACC78"),
            enrol.AnotherAccount,
            "The exchange answered about another account: ask it about this one again.",
        ),
    ],
)
def test_who_may_not_join_is_told_why_and_gets_no_code(
    by: Any, account: Any, refusal: type[Refusal], sentence: str
) -> None:
    with pytest.raises(refusal) as refused:
        enrolled(by, account=account)

    assert str(refused.value) == sentence
    assert nothing_was_written()


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "Meri\0dian"])
def test_a_name_that_no_row_can_hold_is_refused(by: Any, name: str) -> None:
    with pytest.raises(enrol.NotUsable) as refused:
        enrolled(by, name=name)

    assert str(refused.value) == "A broker's name has 1 to 200 characters: correct it first."
    assert nothing_was_written()


@pytest.mark.parametrize("account_id", ["", "x" * 201])
def test_so_is_such_an_account(by: Any, account_id: str) -> None:
    with pytest.raises(enrol.NotUsable) as refused:
        enrolled(by, account_id=account_id, account=business(account_id))

    assert str(refused.value) == "A broker's exchange account has 1 to 200 characters: correct it first."


def test_the_longest_name_is_taken_as_it_is(by: Any) -> None:
    assert enrolled(by, name="ü" * 200).name == "ü" * 200


@pytest.mark.parametrize("code", [None, 2300])
def test_a_fault_of_another_kind_is_not_called_a_taken_code(
    by: Any, code: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enrol, "LONGEST_TEXT", 0)  # lets nothing pass …
    with pytest.raises(enrol.NotUsable):
        enrolled(by, code=code)

    def broken(**values: Any) -> Broker:  # … and here the row's own CHECK speaks
        return Broker(**values | {"name": ""}).save(force_insert=True)  # type: ignore[return-value]

    monkeypatch.setattr(enrol, "LONGEST_TEXT", 200)
    monkeypatch.setattr(Broker.objects, "create", broken)
    with pytest.raises(IntegrityError, match="broker_has_name_and_account"):
        enrolled(by, code=code)


# -- what is written --------------------------------------------------------------------------


def test_the_enrolment_is_on_the_record_with_who_when_and_why(by: Any) -> None:
    broker = enrolled(by)

    assert (broker.code, broker.name, broker.account_id, broker.enrolled_at) == (
        2300,
        "Meridian Terminal",
        "ACC77",
        NOON,
    )
    assert list(
        StandingChange.objects.values_list(
            "broker_id", "kind", "effective_at", "recorded_at", "recorded_by", "note"
        )
    ) == [(2300, "enrolled", NOON, NOON, by.pk, "application 7")]
    assert queries.enrolments() == [Enrolment(2300, NOON, None)]


def test_fills_count_from_the_enrolment_on_and_not_before(by: Any) -> None:
    enrolled(by, now=NOON)

    tally = make.fills(
        make.record(brokerId=2300, tradeId=1, timestamp="2026-11-22T11:59:59.999999Z"),
        make.record(brokerId=2300, tradeId=2, timestamp="2026-11-22T12:00:00Z"),
        make.record(brokerId=2300, tradeId=3, timestamp="2026-11-22T12:00:07Z"),
        make.record(brokerId=2400, tradeId=4, timestamp="2026-11-22T12:00:07Z"),
        now=NOON + timedelta(minutes=1),
    )

    assert tally.as_json() == {
        "received": 4,
        "accepted": 2,
        "duplicate": 0,
        "excluded": {},
        "quarantined": {"before_enrolment": 1, "unknown_broker": 1},
    }
    assert list(Fill.objects.order_by("trade_id").values_list("broker_code", "trade_id")) == [
        (2300, 2),
        (2300, 3),
    ]
    assert QuarantinedRecord.objects.count() == 2


def test_an_enrolment_that_is_rolled_back_gives_its_code_to_the_next(by: Any) -> None:
    with transaction.atomic():
        enrolled(by)
        transaction.set_rollback(True)

    assert nothing_was_written()
    assert enrolled(by).code == 2300
