"""Acknowledging a bound: by value, with a note, once."""

import pytest
from django.db import DatabaseError, connection, transaction

from payouts.desk import review
from payouts.desk.payout_guards import AlreadyApproved, NoSuchPayout
from payouts.desk.wording import NotSaid
from payouts.models import Payout, PayoutBound
from payouts.monthend.bounding import bounds_of
from tests import make
from tests.payouts.desk.approving import acknowledge, approve, bound, prepare
from tests.payouts.desk.standing_acts import NOON, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def payout() -> Payout:
    made: Payout = make.payout(make.broker(), amount="100.00")
    return made


def test_a_bound_is_acknowledged_with_a_note(payout: Payout) -> None:
    bound(payout)
    assert [each.is_acknowledged for each in bounds_of(payout.pk)] == [False]

    acknowledge(payout)

    (found,) = bounds_of(payout.pk)
    assert (found.is_acknowledged, found.acknowledged_by, found.acknowledged_at, found.note) == (
        True,
        person(),
        NOON,
        "a block trade, agreed before",
    )
    prepare(payout)


def test_of_another_value_it_says_nothing(payout: Payout) -> None:
    bound(payout)
    acknowledge(payout)

    PayoutBound.objects.all().delete()
    bound(payout, value="12000000 USD")
    assert [each.is_acknowledged for each in bounds_of(payout.pk)] == [False]

    PayoutBound.objects.all().delete()
    bound(payout)  # the same again
    assert [each.is_acknowledged for each in bounds_of(payout.pk)] == [True]


def test_a_bound_that_is_gone_or_changed_is_not_acknowledged(payout: Payout) -> None:
    with pytest.raises(review.BoundIsGone):
        acknowledge(payout)

    bound(payout, value="12000000 USD")
    with pytest.raises(review.BoundIsGone):
        acknowledge(payout)


def test_an_acknowledgement_says_why_and_is_given_once(payout: Payout) -> None:
    bound(payout)
    with pytest.raises(NotSaid):
        acknowledge(payout, note="  ")

    acknowledge(payout)
    with pytest.raises(review.AlreadyAcknowledged):
        acknowledge(payout)


def test_after_the_approval_nothing_is_left_to_acknowledge(payout: Payout) -> None:
    bound(payout)
    acknowledge(payout)
    prepare(payout)
    approve(payout)

    with pytest.raises(AlreadyApproved):
        acknowledge(payout)


def test_a_payout_that_does_not_exist_has_no_bounds() -> None:
    with pytest.raises(NoSuchPayout):
        review.acknowledge(payout_id=1, name="x", value="y", note="z", by=person(), now=NOON)


@pytest.mark.parametrize(
    "change", ["UPDATE bound_acknowledgement SET note = 'x'", "DELETE FROM bound_acknowledgement"]
)
def test_an_acknowledgement_stays_as_it_was_given(payout: Payout, change: str) -> None:
    bound(payout)
    acknowledge(payout)

    with pytest.raises(DatabaseError, match=r"denied|kept for ever"), transaction.atomic():
        connection.cursor().execute(change)
