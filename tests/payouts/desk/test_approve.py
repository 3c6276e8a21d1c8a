"""Approving: another person, just what was shown, booked in the same moment, and edited by nobody after."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from payouts.desk import payout_guards as guards
from payouts.desk.approve import Changed, OwnPreparation
from payouts.desk.prepare import NotPrepared
from payouts.ledger import queries as ledger
from payouts.models import (
    BooksCheck,
    Broker,
    Correction,
    CorrectionLine,
    Line,
    Payout,
    PayoutAdjustment,
    Transaction,
    WorkItem,
)
from portal.accounts.models import User
from tests import make
from tests.payouts.desk.approving import (
    acknowledge,
    adjust,
    approve,
    approved,
    booked,
    bound,
    correction,
    hold,
    line,
    prepare,
    refusal,
    settle,
    shown,
    states,
    unprepare,
)
from tests.payouts.desk.standing_acts import NOON, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rows_by_hand")]


@pytest.fixture
def broker() -> Broker:
    return make.broker(name="Aurora")


@pytest.fixture
def payout(broker: Broker) -> Payout:
    made: Payout = make.payout(broker, amount="100.00")
    return made


def test_an_approval_is_booked_to_the_cent(payout: Payout) -> None:
    correction(payout, "-3.00")
    adjust(1400, "5.50")
    prepare(payout)

    approve(payout)
    settle()

    payout.refresh_from_db()
    assert (payout.state, payout.approved_by_id, payout.approved_at) == (
        "approved",
        person("quentin"),
        NOON,
    )
    assert booked() == [
        ("adjustment", "", "", "rebates", "-5.50"),
        ("adjustment", "", "", "owed", "5.50"),
        ("accrual", "2026-10", "", "rebates", "-100.00"),
        ("accrual", "2026-10", "", "owed", "100.00"),
        ("correction", "2026-09", "2026-09", "rebates", "3.00"),
        ("correction", "2026-09", "2026-09", "owed", "-3.00"),
    ]
    assert ledger.balance(1400) == payout.due == Decimal("102.50")
    assert ledger.carried(1400) == 0
    assert PayoutAdjustment.objects.get().payout == payout


def test_what_a_case_holds_is_moved_to_held(payout: Payout) -> None:
    hold(payout)

    approved(payout)
    settle()

    assert booked()[2:] == [
        ("hold", "2026-10", "", "owed", "-100.00"),
        ("hold", "2026-10", "", "held", "100.00"),
    ]
    assert states([payout]) == ["approved"]
    assert (ledger.balance(1400), ledger.held(1400)) == (0, 100)


@pytest.mark.parametrize(
    ("amount", "adjusted", "state", "kinds"),
    [
        ("0.00", None, "nil", []),
        ("100.00", "-100.00", "carried", ["adjustment", "accrual"]),
        ("100.00", "-100.01", "carried", ["adjustment", "accrual"]),
        ("100.00", "-99.99", "approved", ["adjustment", "accrual"]),
    ],
)
def test_only_what_is_more_than_nothing_is_sent(
    broker: Broker, amount: str, adjusted: str | None, state: str, kinds: list[str]
) -> None:
    payout = make.payout(broker, amount=amount)
    if adjusted:
        adjust(1400, adjusted)

    approved(payout)
    settle()

    assert states([payout]) == [state]
    assert list(Transaction.objects.order_by("pk").values_list("kind", flat=True)) == kinds


def test_of_what_is_only_carried_nothing_is_held(payout: Payout) -> None:
    adjust(1400, "-150.00")
    hold(payout)

    approved(payout)
    settle()

    assert states([payout]) == ["carried"]
    assert (ledger.balance(1400), ledger.held(1400)) == (-50, 0)


def test_an_adjustment_is_shown_once(broker: Broker, payout: Payout) -> None:
    adjust(1400, "5.50")
    approved(payout)
    following = make.payout(broker, "2026-11", "80.00")

    approved(following)

    following.refresh_from_db()
    assert (following.adjustments, following.due) == (0, 80)
    assert PayoutAdjustment.objects.get().payout == payout


# -- another person ---------------------------------------------------------------------------


def test_who_prepared_does_not_approve(payout: Payout) -> None:
    prepare(payout, by="pia")

    with pytest.raises(OwnPreparation, match="another person has to approve it"):
        approve(payout, by="pia")
    assert states([payout]) == ["prepared"]


_APPROVE = "UPDATE payout SET state = 'approved', approved_by_id = prepared_by_id, approved_at = now()"


def test_not_by_sql_of_the_application_either(payout: Payout) -> None:
    prepare(payout)

    with pytest.raises(IntegrityError, match="another_person_approves_a_payout"):
        connection.cursor().execute(_APPROVE)


def test_not_as_a_superuser_either(payout: Payout) -> None:
    User.objects.filter(pk=person("pia")).update(is_superuser=True)
    prepare(payout)

    assert refusal(approve, payout, by="pia") is OwnPreparation


def test_nobody_approves_what_nobody_prepared(payout: Payout) -> None:
    assert refusal(approve, payout) is NotPrepared
    with pytest.raises(DatabaseError), transaction.atomic():
        Payout.objects.update(state="approved", approved_by=person(), approved_at=NOON)


# -- what was shown ---------------------------------------------------------------------------


def another_account(payout: Payout) -> None:
    Payout.objects.filter(pk=payout.pk).update(account_id="ACC99999")


def confirmed_adjustment(payout: Payout) -> None:
    adjust(payout.broker_id, "5.50")


def another_line(payout: Payout) -> None:
    line(payout, "2.00", trader=8)


def removed_lines(payout: Payout) -> None:
    Line.objects.filter(payout=payout).delete()


def another_line_of_a_correction(payout: Payout) -> None:
    of = Correction.objects.get(payout=payout)
    CorrectionLine.objects.create(correction=of, kind="rounding", amount="0.01")


def acknowledged_bound(payout: Payout) -> None:
    bound(payout)
    acknowledge(payout)


def taken_back_and_prepared_by_another(payout: Payout) -> None:
    unprepare(payout)
    prepare(payout, by="walt")


def other_watermark(payout: Payout) -> None:
    Payout.objects.filter(pk=payout.pk).update(watermark="{[1,3)}")


CHANGES = [
    another_account,
    confirmed_adjustment,
    another_line,
    removed_lines,
    another_line_of_a_correction,
    acknowledged_bound,
    taken_back_and_prepared_by_another,
    other_watermark,
    hold,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_changed_after_the_page_was_made_is_not_approved(payout: Payout, change: Any) -> None:
    line(payout, "1.00")
    correction(payout, "-3.00")
    prepare(payout)
    seen = shown(payout)

    change(payout)

    assert refusal(approve, payout, shown=seen) is Changed
    assert states([payout]) == ["prepared"]
    assert not Transaction.objects.filter(kind="accrual").exists()


@pytest.mark.parametrize(
    "change",
    [each for each in CHANGES if each is not taken_back_and_prepared_by_another],
    ids=lambda change: change.__name__,
)
def test_what_changed_after_it_was_prepared_is_prepared_anew(payout: Payout, change: Any) -> None:
    line(payout, "1.00")
    correction(payout, "-3.00")
    prepare(payout)
    change(payout)

    with pytest.raises(Changed, match="have it prepared anew"):
        approve(payout)

    unprepare(payout)
    prepare(payout)
    approve(payout)


def test_a_page_of_other_payouts_approves_nothing(payout: Payout) -> None:
    other = make.payout(make.broker(code=1500), amount="1.00")
    prepare(payout, other)

    assert refusal(approve, payout, shown=shown(payout, other)) is Changed
    assert refusal(approve, payout, other, shown=shown(payout)) is Changed
    assert states([payout, other]) == ["prepared", "prepared"]


# -- what else stands in the way --------------------------------------------------------------


def test_a_bound_found_after_the_preparation_refuses_it(payout: Payout) -> None:
    prepare(payout)
    bound(payout)

    assert refusal(approve, payout) is guards.NotAcknowledged
    with pytest.raises(IntegrityError, match="not acknowledged"):
        Payout.objects.update(state="approved", approved_by=person(), approved_at=NOON)


def test_a_calculation_under_way_refuses_it(payout: Payout) -> None:
    prepare(payout)
    WorkItem.objects.create(run=payout.run, broker=payout.broker, state="due", changed_at=NOON)

    assert refusal(approve, payout) is guards.StillCalculating


def test_breached_books_refuse_it(payout: Payout) -> None:
    prepare(payout)
    BooksCheck.objects.create(checked_at=NOON, occasion="nightly", breaches=[{"invariant": "x"}], took_ms=1)

    assert refusal(approve, payout) is guards.BooksAreBreached
    assert states([payout]) == ["prepared"]


def test_an_earlier_month_that_appears_refuses_it(broker: Broker, payout: Payout) -> None:
    prepare(payout)
    make.payout(broker, "2026-09", "1.00")

    assert refusal(approve, payout) is guards.EarlierMonthOpen
    with pytest.raises(IntegrityError, match="in the order of their months"):
        Payout.objects.filter(pk=payout.pk).update(state="approved", approved_by=person(), approved_at=NOON)


def test_all_are_approved_or_none(payout: Payout) -> None:
    other = make.payout(make.broker(code=1500), amount="1.00")
    prepare(payout)
    prepare(other, by="quentin")

    assert refusal(approve, payout, other, by="quentin") is OwnPreparation
    assert states([payout, other]) == ["prepared", "prepared"]
    assert Transaction.objects.count() == 0


def test_nothing_is_approved_twice(payout: Payout) -> None:
    approved(payout)

    assert refusal(approve, payout, by="walt") is guards.AlreadyApproved
    assert Transaction.objects.count() == 1


def test_sixty_payouts_are_approved_in_one_act_of_few_queries(django_assert_max_num_queries: Any) -> None:
    payouts = [make.payout(make.broker(code=2300 + number), amount="1.00") for number in range(60)]
    prepare(*payouts)
    seen = shown(*payouts)

    with django_assert_max_num_queries(60 * 21 + 20):
        approve(*payouts, shown=seen)

    assert set(states(payouts)) == {"approved"}
    assert Transaction.objects.count() == 60
