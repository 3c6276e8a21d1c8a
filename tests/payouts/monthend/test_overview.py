"""Where a run stands, derived from its rows."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from payouts.desk import hold
from payouts.month import Month
from payouts.monthend import actions, overview
from payouts.monthend.models import Payout, WorkItem
from tests import make
from tests.payouts.monthend.approving import approve_month

pytestmark = pytest.mark.django_db
OCTOBER = Month(2026, 10)
NOW = datetime(2026, 11, 1, 0, 30, tzinfo=UTC)


def stage():
    return overview.run_state(OCTOBER).stage


def test_a_month_without_a_run_has_nothing_to_show():
    assert (stage(), overview.payouts_of(OCTOBER), overview.item_of(OCTOBER, 1400)) == ("none", [], None)


def test_a_run_goes_from_calculating_to_settled():
    make.broker(code=1400)
    stopped = make.broker(code=1500)
    make.fills(make.record(price="1000"), make.record(brokerId=1500, price="2000"))
    actions.calculate(month=OCTOBER, now=NOW)
    assert stage() == "to review"
    WorkItem.objects.filter(broker=1500).update(state="due")
    assert stage() == "calculating"
    WorkItem.objects.update(state="done")
    approve_month(1400, "2026-10")
    assert stage() == "to review"
    make.suspended(stopped, NOW)
    hold.hold_due(now=NOW)
    approve_month(1500, "2026-10")
    # One is to be sent, the other is held.
    found = overview.run_state(OCTOBER)
    assert (found.stage, found.states, found.brokers, found.held, found.parked, found.left) == (
        "settling",
        {"approved": 2},
        2,
        1,
        0,
        0,
    )


def test_a_run_of_held_carried_and_nil_payouts_is_settled():
    make.broker()
    actions.calculate(month=OCTOBER, now=NOW)
    approve_month(1400, "2026-10")
    assert (stage(), Payout.objects.get().state) == ("settled", "nil")


def test_a_row_tells_the_change_against_last_month():
    make.broker()
    make.fills(make.record(price="1000", timestamp="2026-09-15T12:00:00Z"), make.record(price="4000"))
    for month in (Month(2026, 9), OCTOBER):
        actions.calculate(month=month, now=NOW)
    [september] = overview.payouts_of(Month(2026, 9))
    [october] = overview.payouts_of(OCTOBER)
    assert (september.change, october.change) == (None, Decimal("0.60"))
    assert (october.broker, october.broker_name, october.tier, october.state, october.item.state) == (
        1400,
        "Broker 1400",
        "BKR 0",
        "calculated",
        "done",
    )
