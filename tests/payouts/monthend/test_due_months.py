"""Closing what is due: on the 1st at 00:30 UTC, missed months in order, and nothing twice."""

from datetime import UTC, datetime, timedelta

import pytest

from payouts.month import Month
from payouts.monthend import actions
from payouts.monthend.models import Payout, Run
from tests import make

pytestmark = pytest.mark.django_db
NOVEMBER_1_0030 = datetime(2026, 11, 1, 0, 30, tzinfo=UTC)


def closed(now):
    return [str(month) for month in actions.close_due_months(now=now)]


def runs():
    return [f"{month:%Y-%m}" for month in Run.objects.order_by("month").values_list("month", flat=True)]


def fill_in(*months):
    make.fills(
        *(make.record(timestamp=f"{month}-15T12:00:00Z") for month in months),
        now=datetime(2030, 1, 1, tzinfo=UTC),
    )


def test_a_month_is_not_closed_before_half_past_midnight_on_the_first():
    make.broker()
    fill_in("2026-10")
    assert closed(NOVEMBER_1_0030 - timedelta(microseconds=1)) == []
    assert runs() == []
    assert closed(NOVEMBER_1_0030) == ["2026-10"]
    assert runs() == ["2026-10"]


def test_the_second_time_there_is_nothing_to_close():
    make.broker()
    fill_in("2026-10")
    assert closed(NOVEMBER_1_0030) == ["2026-10"]
    assert closed(NOVEMBER_1_0030) == []
    assert closed(NOVEMBER_1_0030 + timedelta(days=29)) == []
    assert list(Run.objects.values_list("calculated_at", flat=True)) == [NOVEMBER_1_0030]


def test_without_a_fill_nothing_is_ever_due():
    make.broker()
    assert closed(datetime(2030, 1, 1, tzinfo=UTC)) == []
    assert runs() == []


def test_missed_months_are_caught_up_in_order_those_without_fills_included():
    make.broker()
    fill_in("2026-07", "2026-10")
    assert closed(datetime(2026, 12, 24, tzinfo=UTC)) == [
        "2026-07",
        "2026-08",
        "2026-09",
        "2026-10",
        "2026-11",
    ]
    assert runs() == ["2026-07", "2026-08", "2026-09", "2026-10", "2026-11"]
    assert Payout.objects.count() == 5


def test_missed_months_are_caught_up_across_a_year_edge():
    make.broker()
    fill_in("2025-11")
    assert closed(datetime(2026, 2, 1, 0, 30, tzinfo=UTC)) == ["2025-11", "2025-12", "2026-01"]


def test_a_hole_between_runs_is_filled():
    make.broker()
    fill_in("2026-08")
    actions.calculate(month=Month(2026, 8), now=NOVEMBER_1_0030)
    actions.calculate(month=Month(2026, 10), now=NOVEMBER_1_0030)
    assert closed(NOVEMBER_1_0030) == ["2026-09"]


def test_late_fills_of_a_month_before_the_first_run_make_that_month_due():
    make.broker()
    fill_in("2026-10")
    assert closed(NOVEMBER_1_0030) == ["2026-10"]
    fill_in("2026-08")
    assert closed(NOVEMBER_1_0030) == ["2026-08", "2026-09"]


def test_only_accepted_fills_make_a_month_due():
    make.broker()
    make.fills(make.record(systemOrderType="FutureExpiry"), make.record(brokerId=9))
    assert closed(NOVEMBER_1_0030) == []


def test_the_month_in_progress_is_not_due():
    make.broker()
    fill_in("2026-11")
    assert closed(datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)) == []


def test_a_broker_whose_records_counted_after_its_month_was_calculated_gets_its_payout():
    make.broker()
    fill_in("2026-10")
    assert closed(NOVEMBER_1_0030) == ["2026-10"]
    make.broker(code=1500)
    make.fills(make.record(brokerId=1500, tradeId=77, price="5000", feeRate="0.0005"))

    assert closed(make.NOW) == ["2026-10"]
    assert list(Payout.objects.order_by("broker").values_list("broker", "fills")) == [
        (1400, 1),
        (1500, 1),
    ]
    assert closed(make.NOW) == []


def test_a_broker_without_a_fill_in_a_calculated_month_is_not_asked_for():
    make.broker()
    fill_in("2026-10")
    closed(NOVEMBER_1_0030)
    make.broker(code=1500)

    assert closed(make.NOW) == []
    assert list(Payout.objects.values_list("broker", flat=True)) == [1400]
