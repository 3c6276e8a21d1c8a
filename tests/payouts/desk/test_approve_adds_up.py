"""Nothing is signed that the downloadable verifier would not accept, and so nothing is approved."""

import pytest
from django.db import transaction

from payouts.models import Payout, Statement, Transaction
from payouts.statements.actions import DoesNotAddUp
from tests import make
from tests.payouts.desk.approving import approve, line, prepare

pytestmark = pytest.mark.django_db


@pytest.fixture
def with_a_line_too_many() -> Payout:
    made: Payout = make.payout(make.broker(), amount="100.00")
    line(made, "1.00", trader=8)
    prepare(made)
    return made


def test_a_payout_whose_lines_do_not_add_up_is_not_approved(with_a_line_too_many: Payout) -> None:
    with pytest.raises(DoesNotAddUp) as refused, transaction.atomic():
        approve(with_a_line_too_many)

    assert str(refused.value) == (
        "The statement of broker 1400 for 2026-10 would not verify (spot_volume: 0 is stated, but it comes to"
        " 5000): nothing was approved; check the books and have the month calculated again."
    )
    with_a_line_too_many.refresh_from_db()
    assert with_a_line_too_many.state == "prepared"
    assert (Transaction.objects.count(), Statement.objects.count()) == (0, 0)


@pytest.mark.usefixtures("rows_by_hand")
def test_without_the_look_it_would_be_signed(with_a_line_too_many: Payout) -> None:
    """Twin."""
    approve(with_a_line_too_many)

    assert (Transaction.objects.count(), Statement.objects.count()) == (1, 1)
