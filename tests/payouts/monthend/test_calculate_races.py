"""Calculations at once, and intakes in between: one run, and a payout that is the sum of its own lines.

Each guard has a twin: the same race without it, to show that the test would notice its absence.
"""

from contextlib import nullcontext
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Sum

from payouts.month import Month
from payouts.monthend import actions, work
from payouts.monthend.models import Line, Payout, Run, WorkItem
from tests import make
from tests.payouts.monthend.racing import (
    AT_THE_GATE,
    FOR_ITS_TURN,
    WAITING,
    gate_before_writing,
    owner,
    side_by_side,
    until_waiting,
    without_the_lock,
)

OCTOBER = Month(2026, 10)
NOW = datetime(2026, 11, 1, 0, 30, tzinfo=UTC)


@pytest.fixture
def a_month(committed_db):
    make.broker()
    make.fills(make.record(price="1000"), make.record(userId=8, price="2000"))
    return committed_db


def calculate():
    return actions.calculate(month=OCTOBER, now=NOW).pk


def amounts():
    """The one payout's amount and the sum of its lines."""
    return Payout.objects.get().amount, Line.objects.aggregate(total=Sum("amount"))["total"]


def test_two_calculations_at_once_make_one_run_whose_payout_is_the_sum_of_its_lines(a_month):
    with side_by_side() as start:
        with gate_before_writing("payout"):
            first = start(calculate)
            until_waiting(1, AT_THE_GATE)
            second = start(calculate)
            until_waiting(1, FOR_ITS_TURN)
            make.fills(make.record(price="4000"))
        assert first.result() == second.result() == Run.objects.get().pk
    # The second waited for its turn before it looked, so the fill in between is in its figures.
    assert amounts() == (Decimal("1.4"), Decimal("1.4"))


def test_without_the_lock_the_unique_month_still_makes_one_run(a_month):
    without_the_lock()
    with side_by_side() as start:
        with gate_before_writing("month_run"):
            first, second = start(calculate), start(calculate)
            until_waiting(2, AT_THE_GATE)
        assert first.result() == second.result() == Run.objects.get().pk
    assert amounts() == (Decimal("0.6"), Decimal("0.6"))


def test_twin_without_the_lock_and_the_unique_month_there_are_two_runs(a_month):
    without_the_lock()
    with owner() as hand:
        hand.execute("ALTER TABLE month_run DROP CONSTRAINT month_run_month_key")
    with side_by_side() as start:
        with gate_before_writing("month_run"):
            first, second = start(calculate), start(calculate)
            until_waiting(2, AT_THE_GATE)
        assert first.result() != second.result()
    assert Run.objects.filter(month=OCTOBER.first_date).count() == 2


def test_without_the_lock_the_fence_still_lets_only_the_last_who_asked_write(a_month):
    without_the_lock()
    with side_by_side() as start:
        with gate_before_writing("payout"):
            first = start(calculate)
            until_waiting(1, AT_THE_GATE)
            make.fills(make.record(price="4000"))
            second = start(calculate)
            until_waiting(2, AT_THE_GATE)
        assert first.result() == second.result() == Run.objects.get().pk
    assert amounts() == (Decimal("1.4"), Decimal("1.4"))


@pytest.mark.parametrize(
    ("isolation", "in_the_payout", "in_the_lines"),
    [
        pytest.param(nullcontext, "0.6", "0.6", id="on one snapshot"),
        # Twin: in a transaction of the caller's at READ COMMITTED each statement sees another instant.
        pytest.param(transaction.atomic, "0.6", "1.4", id="twin without the snapshot"),
    ],
)
def test_an_intake_that_commits_between_the_statements_is_in_neither_payout_nor_lines(
    a_month, isolation, in_the_payout, in_the_lines
):
    def calculate_so():
        with isolation():
            return calculate()

    with side_by_side() as start:
        with gate_before_writing("payout"):
            calculation = start(calculate_so)
            until_waiting(1, AT_THE_GATE)
            make.fills(make.record(price="4000"))
        calculation.result()
    assert amounts() == (Decimal(in_the_payout), Decimal(in_the_lines))
    calculate()
    assert amounts() == (Decimal("1.4"), Decimal("1.4"))


def test_a_calculation_that_dies_midway_leaves_no_figure_and_holds_up_nobody(a_month):
    with side_by_side() as start:
        with gate_before_writing("payout"):
            doomed = start(calculate)
            until_waiting(1, AT_THE_GATE)
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT pg_terminate_backend(pid) {WAITING}", [AT_THE_GATE])
            assert isinstance(doomed.exception(), DatabaseError)
        # That it was begun is kept; nobody is parked because the database went away.
        assert (Run.objects.count(), Payout.objects.count(), Line.objects.count()) == (1, 0, 0)
        assert list(WorkItem.objects.values_list("state", flat=True)) == ["working"]
        calculate()
    assert amounts() == (Decimal("0.6"), Decimal("0.6"))


def test_a_calculation_that_fails_gives_its_turn_to_the_next(a_month, monkeypatch):
    monkeypatch.setattr(work, "ask", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        calculate()
    monkeypatch.undo()
    assert (Run.objects.count(), Payout.objects.count()) == (0, 0)
    with side_by_side() as start:
        assert start(calculate).result(timeout=10) == Run.objects.get().pk
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
            " WHERE datname = current_database() AND locktype = 'advisory'"
        )
        assert cursor.fetchone() == (0,)


def test_calculations_of_different_months_do_not_wait_for_each_other(a_month):
    make.fills(make.record(price="9000", timestamp="2026-09-15T12:00:00Z"))
    with side_by_side() as start:
        with gate_before_writing("payout"):
            both = [
                start(calculate),
                start(lambda: actions.calculate(month=Month(2026, 9), now=NOW).pk),
            ]
            until_waiting(2, AT_THE_GATE)
        assert len({each.result() for each in both}) == 2
    assert list(Payout.objects.order_by("run__month").values_list("payout", flat=True)) == [
        Decimal("1.80"),
        Decimal("0.60"),
    ]
