"""Calculating a month: refused before its end, done again in place, lines replaced and never doubled."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from payouts.month import Month
from payouts.monthend import actions, queries
from payouts.monthend.models import Line, Payout, Run
from tests import make

pytestmark = pytest.mark.django_db
OCTOBER = Month(2026, 10)
NOVEMBER_1 = datetime(2026, 11, 1, tzinfo=UTC)
LATER = NOVEMBER_1 + timedelta(days=3)


def stored_lines():
    return list(
        Line.objects.order_by("payout__broker_id", "trader", "market", "fee_rate").values_list(
            "payout__broker_id", "trader", "fee_rate", "fills", "fees", "applied_rate", "bound_by", "amount"
        )
    )


def stored_payouts():
    return list(
        Payout.objects.order_by("broker_id").values_list("broker_id", "tier", "volume", "amount", "payout")
    )


@pytest.mark.parametrize("now", [datetime(2026, 10, 1, tzinfo=UTC), NOVEMBER_1 - timedelta(microseconds=1)])
def test_a_month_that_is_not_over_is_refused_and_nothing_is_written(now):
    make.broker()
    make.fills(make.record(), now=LATER)
    with pytest.raises(actions.MonthNotOver, match=r"^2026-10 is not over: it ends at 2026-11-01 00:00 UTC$"):
        actions.calculate(month=OCTOBER, now=now)
    assert list(Run.objects.all()) == []


def test_a_month_is_over_at_the_first_instant_of_the_next_one():
    make.broker()
    actions.calculate(month=OCTOBER, now=NOVEMBER_1)
    assert list(Run.objects.values_list("month", "calculated_at", "terms")) == [
        (date(2026, 10, 1), NOVEMBER_1, "2025-09")
    ]


def test_every_broker_ever_issued_gets_a_payout_with_the_account_of_that_day():
    make.broker(code=1400, account_id="ACC-A")
    make.broker(code=1500, account_id="ACC-B")
    make.broker(code=0, account_id="ACC-0")
    make.fills(make.record(brokerId=1500, price="1000"))
    actions.calculate(month=OCTOBER, now=LATER)
    assert list(Payout.objects.order_by("broker_id").values_list("broker_id", "account_id", "payout")) == [
        (0, "ACC-0", Decimal("0.00")),
        (1400, "ACC-A", Decimal("0.00")),
        (1500, "ACC-B", Decimal("0.20")),
    ]


def test_calculating_again_without_new_fills_changes_the_time_alone():
    make.broker()
    make.fills(make.record(price="1000"), make.record(userId=8, price="2000", affiliateRate="0.45"))
    first = actions.calculate(month=OCTOBER, now=NOVEMBER_1)
    payouts, lines = list(Payout.objects.values()), stored_lines()

    again = actions.calculate(month=OCTOBER, now=LATER)

    assert again.pk == first.pk
    assert list(Run.objects.values_list("pk", "calculated_at")) == [(first.pk, LATER)]
    assert list(Payout.objects.values()) == payouts
    assert stored_lines() == lines
    assert lines == [
        (1400, 7, Decimal("0.001"), 1, Decimal(1), Decimal("0.2"), "tier", Decimal("0.2")),
        (1400, 8, Decimal("0.001"), 1, Decimal(2), Decimal("0.05"), "affiliate cap", Decimal("0.1")),
    ]


def test_late_fills_are_in_the_next_calculation_which_replaces_the_lines():
    make.broker()
    make.fills(make.record(price="4999000"), make.record(userId=8, price="500", feeRate="0.002"))
    actions.calculate(month=OCTOBER, now=NOVEMBER_1)
    before = Payout.objects.get()
    assert stored_payouts() == [
        (1400, "BKR 0", Decimal("4999500"), Decimal("1000"), Decimal("1000.00")),
    ]

    make.fills(make.record(userId=8, price="500", feeRate="0.002"))
    actions.calculate(month=OCTOBER, now=LATER)

    assert Payout.objects.get().pk == before.pk
    assert stored_payouts() == [
        (1400, "BKR 1", Decimal("5000000"), Decimal("1500.3"), Decimal("1500.30")),
    ]
    assert stored_lines() == [
        (1400, 7, Decimal("0.001"), 1, Decimal("4999"), Decimal("0.3"), "tier", Decimal("1499.7")),
        (1400, 8, Decimal("0.002"), 2, Decimal("2"), Decimal("0.3"), "tier", Decimal("0.6")),
    ]


def test_a_broker_enrolled_after_the_calculation_is_in_the_next_one():
    make.broker(code=1400)
    actions.calculate(month=OCTOBER, now=NOVEMBER_1)
    make.broker(code=1500)
    make.fills(make.record(brokerId=1500, price="1000"))
    actions.calculate(month=OCTOBER, now=LATER)
    assert stored_payouts() == [
        (1400, "BKR 0", Decimal(0), Decimal(0), Decimal("0.00")),
        (1500, "BKR 0", Decimal(1000), Decimal("0.2"), Decimal("0.20")),
    ]


def test_calculating_one_month_leaves_the_others_alone():
    make.broker()
    make.fills(make.record(price="1000", timestamp="2026-09-15T12:00:00Z"), make.record(price="2000"))
    september = actions.calculate(month=Month(2026, 9), now=NOVEMBER_1)
    make.fills(make.record(price="4000", timestamp="2026-09-16T12:00:00Z"))
    actions.calculate(month=OCTOBER, now=LATER)
    assert list(Payout.objects.order_by("run__month").values_list("run__month", "payout")) == [
        (date(2026, 9, 1), Decimal("0.20")),
        (date(2026, 10, 1), Decimal("0.40")),
    ]
    september.refresh_from_db()
    assert september.calculated_at == NOVEMBER_1


def test_months_need_not_be_calculated_in_order():
    make.broker()
    make.fills(make.record(price="1000", timestamp="2026-08-15T12:00:00Z"), make.record(price="2000"))
    actions.calculate(month=OCTOBER, now=LATER)
    assert [str(month.month) for month in queries.calculated_months(broker_code=1400)] == ["2026-10"]
    actions.calculate(month=Month(2026, 8), now=LATER)
    assert [str(month.month) for month in queries.calculated_months(broker_code=1400)] == [
        "2026-10",
        "2026-08",
    ]


def test_what_was_calculated_stays_while_the_totals_move_on():
    make.broker()
    make.fills(make.record(price="1000"))
    actions.calculate(month=OCTOBER, now=NOVEMBER_1)
    make.fills(make.record(price="3000"))
    [calculated] = queries.calculated(month=OCTOBER)
    assert calculated.payout.amount == Decimal("0.2")
    assert calculated.calculated_at == NOVEMBER_1
    assert [line.amount for line in queries.calculated_lines(calculated)] == [Decimal("0.2")]
    now_standing = queries.month_so_far(broker_code=1400, month=OCTOBER)
    assert now_standing.payout.amount == Decimal("0.8")
    assert now_standing.calculated_at is None


def test_a_month_of_one_broker_is_the_same_as_among_all():
    make.broker(code=1400)
    make.broker(code=1500)
    make.fills(make.record(brokerId=1400, price="6000000"), make.record(brokerId=1500, price="10"))
    among_all = queries.months_as_they_stand(month=OCTOBER)
    assert [queries.month_so_far(broker_code=code, month=OCTOBER) for code in (1400, 1500)] == among_all
    assert [each.tier.name for each in among_all] == ["BKR 1", "BKR 0"]


def test_a_month_without_a_run_has_nothing_calculated():
    make.broker()
    make.fills(make.record())
    assert queries.run_of(OCTOBER) is None
    assert queries.calculated(month=OCTOBER) == []
    assert queries.calculated(month=OCTOBER, broker_code=1400) == []
