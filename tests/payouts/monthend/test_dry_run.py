"""A dry run says what calculating now would change, and changes nothing."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from payouts.month import Month
from payouts.monthend import actions, dry_run
from payouts.monthend.dry_run import Change, Lines
from payouts.monthend.models import Line, Payout, Run
from tests import make
from tests.payouts.commands.process import answer, run
from tests.payouts.monthend.approving import approve_month
from tests.payouts.monthend.racing import owner

OCTOBER = Month(2026, 10)
NOW = datetime(2026, 11, 1, 0, 30, tzinfo=UTC)


def differences():
    before = list(Payout.objects.order_by("pk").values()), Line.objects.count(), list(Run.objects.values())
    found = dry_run.differences(month=OCTOBER)
    after = list(Payout.objects.order_by("pk").values()), Line.objects.count(), list(Run.objects.values())
    assert after == before
    return found


@pytest.mark.django_db
def test_a_month_without_a_run_is_all_new():
    make.broker()
    make.fills(make.record(price="1000"), make.record(userId=8))
    [found] = differences()
    assert (found.broker, found.state, found.calculated, found.change) == (1400, "", None, None)
    assert (found.now.payout.payout, found.lines, found.is_changed) == (Decimal("0.22"), Lines(2, 0, 0), True)


@pytest.mark.django_db
def test_a_calculated_month_without_news_would_not_change():
    make.broker()
    make.fills(make.record(price="1000"), make.record(userId=8, affiliateRate="0.4"))
    actions.calculate(month=OCTOBER, now=NOW)
    [found] = differences()
    assert (found.lines, found.is_changed, bool(found.change)) == (Lines(0, 0, 0), False, False)


@pytest.mark.django_db
def test_late_fills_add_and_change_lines_and_a_new_tier_changes_those_with_another_rate():
    make.broker()
    make.fills(make.record(price="4999000"), make.record(userId=8, price="500", affiliateRate="0.4"))
    actions.calculate(month=OCTOBER, now=NOW)
    make.fills(make.record(userId=9, price="500"))
    [found] = differences()
    # The affiliate's 40 % leave 10 % at either tier, so that line stays as it is.
    assert found.lines == Lines(1, 0, 1)
    assert found.change == Change(Decimal(500), Decimal("500.05"), "BKR 0", "BKR 1")
    assert found.is_changed


@pytest.mark.django_db
def test_last_month_is_what_was_calculated_for_it():
    make.broker()
    make.fills(make.record(price="3000", timestamp="2026-09-15T12:00:00Z"), make.record(price="1000"))
    actions.calculate(month=Month(2026, 9), now=NOW)
    [found] = differences()
    assert found.change_to_last_month == Change(Decimal(-2000), Decimal("-0.40"), "BKR 0", "BKR 0")


@pytest.mark.django_db
def test_corrections_that_a_calculation_would_find_are_told_and_an_approved_payout_stays():
    make.broker()
    make.broker(code=1500)
    make.fills(make.record(price="1000", timestamp="2026-09-15T12:00:00Z"))
    actions.calculate(month=Month(2026, 9), now=NOW)
    approve_month(1400, "2026-09")
    approve_month(1500, "2026-09")
    actions.calculate(month=OCTOBER, now=NOW)
    approve_month(1500, "2026-10")
    make.fills(
        make.record(price="1000", timestamp="2026-09-15T12:00:00Z"), make.record(price="1000", brokerId=1500)
    )
    one, other = differences()
    assert (one.corrections_before, one.corrections_now, one.is_changed) == (
        Decimal("0.00"),
        Decimal("0.20"),
        True,
    )
    assert (other.is_approved, other.is_changed) == (True, False)


def test_the_command_prints_it_as_a_table_and_as_json_and_changes_nothing(committed_db):
    make.broker()
    make.fills(make.record(price="1000", timestamp="2026-09-15T12:00:00Z"), make.record(price="3000"))
    actions.calculate(month=Month(2026, 9), now=NOW)
    actions.calculate(month=OCTOBER, now=NOW)
    make.fills(make.record(userId=8, price="5000000"))
    before = list(Payout.objects.values())

    table = run("month_end", "2026-10", "--dry-run", url=committed_db)
    told = answer(run("month_end", "2026-10", "--dry-run", "--json", url=committed_db))

    assert list(Payout.objects.values()) == before
    assert (table.returncode, table.stderr) == (0, "")
    assert table.stdout.splitlines() == [
        "2026-10: 1 brokers, 1 would change; nothing is changed",
        " code  tier                    payout          change   to last month     lines + - ~   corrections",
        " 1400  BKR 0 → 1              1500.90        +1500.30        +1500.70           1 0 1          0.00",
    ]
    payout = {
        "broker": 1400, "volume": "3000", "tier": "BKR 0", "rebate": "0.20", "fees": "3", "amount": "0.6",
        "payout": "0.60",
    }  # fmt: skip
    assert told == {
        "month": "2026-10",
        "dry_run": True,
        "payouts": [
            {
                "broker": 1400, "volume": "5003000", "tier": "BKR 1", "rebate": "0.30", "fees": "5003",
                "amount": "1500.9", "payout": "1500.90", "state": "calculated", "corrections": "0.00",
                "calculated": payout,
                "change": {
                    "volume": "5000000", "payout": "1500.30", "tier": "BKR 1",
                    "lines": {"added": 1, "removed": 0, "changed": 1}, "corrections": "0.00",
                },
                "last_month": payout | {
                    "volume": "1000", "fees": "1", "amount": "0.2", "payout": "0.20",
                    "change": {"volume": "5002000", "payout": "1500.70", "tier": "BKR 1"},
                },
            }
        ],
    }  # fmt: skip


def test_the_command_names_parked_brokers_and_prints_all_the_same(committed_db):
    for code in (1400, 1500):
        make.broker(code=code)
        make.fills(make.record(brokerId=code, price="1000"))
    with owner() as hand:
        hand.execute("ALTER TABLE payout_line ADD CONSTRAINT no_line_of_seven CHECK (fees <> 7)")
        make.fills(make.record(brokerId=1500, price="6000"))
    found = run("month_end", "2026-10", "--json", url=committed_db)
    assert found.returncode == 1
    assert found.stderr.splitlines()[-2:] == [
        "broker 1500 is parked: The database refuses the figures: no line of seven. Look for “parked” and the"
        " broker's code in the log of the worker, and repair what it says. Then press Calculate again.",
        "1 of the brokers could not be calculated, all others are",
    ]
    told = json.loads(found.stdout.splitlines()[-1])
    assert [(each["broker"], each["payout"]) for each in told["payouts"]] == [(1400, "0.20"), (1500, "0.00")]
