"""`kill -9` at every named step of a run: whoever comes next finishes it, and the figures are the same."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from django.db.models import Sum

from payouts import books
from payouts.month import Month
from payouts.monthend import actions, overview, work
from payouts.monthend.models import Correction, Line, Payout
from tests import make
from tests.payouts.desk import money_acts
from tests.payouts.monthend.processes import PROJECT

OCTOBER = Month(2026, 10)
NOW = datetime(2026, 11, 1, 0, 30, tzinfo=UTC)


def month_of_work():
    """Two brokers; of one September is approved, and then a fill of it came late."""
    for code in (1400, 1500):
        make.broker(code=code)
    make.fills(make.record(price="1000", timestamp="2026-09-15T12:00:00Z"))
    actions.calculate(month=Month(2026, 9), now=NOW)
    for payout in Payout.objects.all():
        money_acts.approved(payout)
    make.fills(
        make.record(price="4000", timestamp="2026-09-15T12:00:00Z"),
        make.record(price="1000"),
        make.record(price="2000", brokerId=1500),
    )


def killed_at(point, database):
    environment = os.environ | {"DATABASE_URL": database, "CRASH_POINT": point}
    return subprocess.run(
        [sys.executable, "manage.py", "month_end", "2026-10"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        timeout=180,
        check=False,
    ).returncode


def figures():
    return (
        list(
            Payout.objects.filter(run__month=OCTOBER.first_date)
            .order_by("broker_id")
            .values_list("broker_id", "state", "payout", "corrections")
        ),
        Line.objects.filter(payout__run__month=OCTOBER.first_date).aggregate(sum=Sum("amount")),
        list(Correction.objects.values_list("month", "cents")),
        overview.run_state(OCTOBER).stage,
    )


@pytest.mark.fault
@pytest.mark.parametrize("point", work.CRASH_POINTS)
def test_a_run_that_is_killed_anywhere_is_finished_by_the_next(committed_db, point):
    month_of_work()
    assert killed_at(point, committed_db) == -signal.SIGKILL
    later = datetime.now(UTC)
    if point == "run: opened":
        # Nothing was committed: the month is as due as before.
        assert actions.due_months(now=NOW) == [OCTOBER]
        actions.close_due_months(now=NOW)
    else:
        # A sweep finishes it once whoever died need not be waited for any more.
        actions.work_due(clock=lambda: later + work.LEASE)
    found = figures()
    assert books.breaches() == []
    assert actions.work_due(clock=lambda: later + 9 * work.LEASE) == 0

    # The same as of a run that nobody killed.
    actions.calculate(month=OCTOBER, now=datetime.now(UTC))
    assert figures() == found
    assert [str(row[2]) for row in found[0]] == ["0.20", "0.40"]
    assert [str(row[3]) for row in found[0]] == ["0.80", "0.00"]
