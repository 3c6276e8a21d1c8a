"""What waits for whom on the first page of the staff site: only what the login may do something about."""

from typing import Any

import pytest

from payouts.desk import appeals
from payouts.desk.models import AccountChange, Appeal, Case
from payouts.models import Broker
from portal.accounts.staff_roles import acts_of
from portal.staff.waiting import Waiting, waiting
from tests import make
from tests.portal.staff import make_review as make_
from tests.portal.staff import make_standing as the

pytestmark = pytest.mark.django_db


def seen_by(login: Any) -> Waiting:
    return waiting(login=login, acts=acts_of(login))


@pytest.fixture
def carl() -> Any:
    return make_.staff("operations", email="carl@exchange.example")


@pytest.fixture(autouse=True)
def work(carl: Any) -> None:
    """A flagged case, an appeal, carl's prepared termination, a change that carl checked and one to check."""
    broker, olga = make.broker(code=1400), make.login(email="olga@delta.example")
    Case.objects.create(
        broker=broker, kind="affiliate", title="An affiliate", is_flagged=True, opened_at=the.THEN
    )
    the.appeal(the.suspended(broker, carl), olga)
    the.prepared(broker, carl)
    asked = {"asked_by": olga, "asked_at": the.THEN, "old_account_id": "A"}
    AccountChange.objects.create(broker=broker, new_account_id="B", **asked)
    AccountChange.objects.create(
        broker=make.broker(code=1500),
        new_account_id="C",
        state="prepared",
        prepared_by=carl,
        prepared_at=the.THEN,
        **asked,
    )


@pytest.mark.parametrize(
    ("role", "waits"),
    [
        ("reviewer", Waiting(1, 1, None, None)),
        ("operations", Waiting(1, 1, 1, 2)),
        ("finance preparer", Waiting(1, 1, None, 1)),
        ("finance approver", Waiting(1, 1, None, 1)),
        ("auditor", Waiting(1, 1, None, None)),
        ("superuser", Waiting(1, 1, 1, 2)),
        ("none", Waiting(None, None, None, None)),
    ],
)
def test_a_role_is_told_what_waits_for_it(role: str, waits: Waiting) -> None:
    assert seen_by(make_.staff(role)) == waits


def test_nobody_waits_for_their_own_second_person(carl: Any) -> None:
    assert seen_by(carl) == Waiting(1, 1, 0, 1)


def test_an_appeal_that_was_answered_waits_no_more(carl: Any) -> None:
    found = Appeal.objects.get()
    appeals.answer(
        reference=found.reference, text="Which?", files=[], by=carl.pk, is_from_exchange=True, now=the.THEN
    )
    assert seen_by(carl).unanswered_appeals == 0

    appeals.answer(
        reference=found.reference, text="These.", files=[], by=carl.pk, is_from_exchange=False, now=the.THEN
    )
    assert seen_by(carl).unanswered_appeals == 1


def test_what_concerns_a_broker_of_ones_own_is_not_counted(carl: Any) -> None:
    rita = make_.staff("operations", email="rita@exchange.example")
    make.membership(rita, make.broker(code=1600), role="viewer")
    assert seen_by(rita) == Waiting(1, 1, 1, 2)

    for broker in Broker.objects.exclude(code=1600):
        make.membership(rita, broker, role="viewer")
    assert seen_by(rita) == Waiting(0, 0, 0, 0)
    assert seen_by(rita).is_nothing
