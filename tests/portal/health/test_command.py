"""`manage.py health` as cron runs it: a line a finding, exit 1 if something is broken."""

import json
import os
import subprocess
import sys
from datetime import date, timedelta

from django.utils import timezone

from payouts.feed import partitions
from payouts.ledger.models import BooksCheck
from payouts.monthend.models import Run, WorkItem
from portal.health import actions
from tests import make
from tests.payouts.monthend.processes import PROJECT


def health(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "health", *arguments],
        cwd=PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def all_is_well() -> None:
    now = timezone.now()
    actions.beat(now=now)
    partitions.make_ahead(now=now)
    BooksCheck.objects.create(checked_at=now, occasion="nightly", breaches=[], took_ms=1)


def test_all_is_well_without_a_word(committed_db: str) -> None:
    all_is_well()

    done = health(DATABASE_URL=committed_db)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_new_portal_says_what_is_missing(committed_db: str) -> None:
    done = health(DATABASE_URL=committed_db)

    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "broken: Beat and workers: no beat yet."
        " Start `celery -A portal.celery beat` and a worker, or look at their logs.",
        "late: Books: not checked yet. Run `manage.py check_books`: it says of each breach what helps.",
        "late: Missing partitions of fills: 2, the oldest for 0 s."
        " Look at the logs of the Celery workers; the next hour makes them.",
    ]


def test_what_is_late_is_told_and_is_no_failure(committed_db: str) -> None:
    all_is_well()
    run = Run.objects.create(month=date(2026, 10, 1), calculated_at=make.NOW, terms="2026-01")
    WorkItem.objects.create(
        run=run, broker=make.broker(), state="due", changed_at=timezone.now() - timedelta(minutes=7)
    )

    done = health(DATABASE_URL=committed_db)

    assert done.returncode == 0
    assert done.stdout == (
        "late: Payouts to calculate: 1, the oldest for 7 min."
        " Look at the logs of the Celery workers; start more of them if they are all busy.\n"
    )


def test_a_parked_broker_is_a_failure(committed_db: str) -> None:
    all_is_well()
    run = Run.objects.create(month=date(2026, 10, 1), calculated_at=make.NOW, terms="2026-01")
    WorkItem.objects.create(
        run=run,
        broker=make.broker(),
        state="parked",
        reason="No tier.",
        next_step="Mend it.",
        changed_at=timezone.now() - timedelta(hours=3),
    )

    done = health(DATABASE_URL=committed_db)

    assert done.returncode == 1
    assert done.stdout.startswith("broken: Parked brokers: 1, the oldest for 3 h. Open each")


def test_json_is_what_status_says(committed_db: str) -> None:
    all_is_well()

    done = health("--json", DATABASE_URL=committed_db)

    told = json.loads(done.stdout)
    assert done.returncode == 0
    assert (told["state"], told["books"]["breaches"]) == ("ok", 0)


def test_a_database_that_is_away_is_a_finding_and_no_traceback() -> None:
    done = health(DATABASE_URL="postgresql://portal_app:x@127.0.0.1:1/portal")

    assert done.returncode == 1
    assert done.stdout == (
        "broken: Database: does not answer. Start PostgreSQL, or put right what DATABASE_URL says.\n"
    )
    assert "Traceback" not in done.stderr
