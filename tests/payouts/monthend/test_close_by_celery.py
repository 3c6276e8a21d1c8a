"""Months close through real Celery processes over the real Valkey, by the real clock, once each."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from celery.beat import PersistentScheduler
from django.db.models import Count, Sum

from payouts.month import Month
from payouts.monthend import work
from payouts.monthend.models import Line, Payout, Run
from payouts.program.terms import terms_for
from portal.celery import application
from portal.schedule import ENTRIES
from tests import make
from tests.payouts.monthend.processes import celery, manage, own_broker
from tests.payouts.monthend.racing import (
    AT_THE_GATE,
    FOR_ITS_TURN,
    eventually,
    gate_before_writing,
    side_by_side,
    until_waiting_at_least,
)
from tests.portal.staff.browsing import at
from tests.portal.staff.make_review import staff

TASK = "payouts.tasks.close_due_months"
ENTRY = "close months that are due"
WORKER = ("worker", "--concurrency", "2", "--without-gossip", "--without-mingle", "--loglevel", "info")


@pytest.fixture
def missed(committed_db):
    """Two months ago somebody traded and nobody closed a month since. The months that are due."""
    now = datetime.now(UTC)
    before_last = Month.of(now - timedelta(minutes=31)).previous().previous()
    make.broker()
    make.fills(make.record(price="1000", timestamp=f"{before_last}-15T12:00:00Z"), now=now)
    return [before_last, before_last.next()]


def closed():
    months = Run.objects.order_by("month").values_list("month", flat=True)
    return [Month.of_date(month) for month in months]


def assert_each_once_and_right(missed):
    # A second at the turn of a month may make one more month due; it must not matter.
    assert closed()[:2] == missed
    assert len(closed()) <= 3
    assert [each["runs"] for each in Run.objects.values("month").annotate(runs=Count("id"))] == [
        1 for _ in closed()
    ]
    [paid] = Payout.objects.filter(run__month=missed[0].first_date)
    assert str(paid.payout) == "0.20"
    assert Line.objects.aggregate(total=Sum("amount"))["total"] == paid.amount


def test_a_worker_closes_missed_months_once_however_often_it_is_told(committed_db, missed, tmp_path):
    log = tmp_path / "worker.log"
    with own_broker() as broker, application.connection_for_write(broker) as connection:
        for _ in range(4):
            application.send_task(TASK, connection=connection)
        with celery(*WORKER, database=committed_db, broker=broker, log=log):
            eventually(lambda: log.read_text().count(f"Task {TASK}") >= 8)  # received and succeeded
    assert log.read_text().count("succeeded") == 4
    assert_each_once_and_right(missed)


def successes(log: str) -> int:
    return sum(f"Task {TASK}[" in line and "succeeded" in line for line in log.splitlines())


def beat(folder: Path, name: str) -> tuple[str, ...]:
    """A beat that was last up an hour ago, as its own schedule file remembers; so it is due at once."""
    remembered = PersistentScheduler(app=application, schedule_filename=str(folder / name))
    for entry in remembered.schedule.values():
        entry.last_run_at -= timedelta(hours=1)
    remembered.close()
    return ("beat", "--schedule", str(folder / name), "--loglevel", "info", "--pidfile", "")


def opened(month):
    """The run of a month whose worker was killed once it was opened: of it a page can be asked for."""
    now = datetime.now(UTC)
    run = Run.objects.create(month=month.first_date, calculated_at=now, terms=terms_for(month).name)
    work.ask(run_id=run.pk, now=now)
    return run


@pytest.mark.long
def test_two_beats_a_command_and_a_click_at_once_make_one_run_a_month(committed_db, missed, tmp_path):
    worker, beats = tmp_path / "worker.log", [tmp_path / "one.log", tmp_path / "two.log"]
    where, run = {"database": committed_db}, opened(missed[0])
    preparer = at(staff("finance preparer", email="pia@exchange.example"))
    with side_by_side() as start, own_broker() as broker, ExitStack() as gate:
        gate.enter_context(gate_before_writing("payout"))
        with (
            celery(*WORKER, **where, broker=broker, log=worker),
            celery(*beat(tmp_path, "first"), **where, broker=broker, log=beats[0]),
            celery(*beat(tmp_path, "second"), **where, broker=broker, log=beats[1]),
        ):
            command = start(lambda: manage("month_end", str(missed[0]), "--json", **where))
            click = start(lambda: preparer.post(f"/staff/payouts/run/{run.pk}/recalculate/"))
            # One has begun, the others are under way: people wait for their turn, no worker does.
            until_waiting_at_least(1, AT_THE_GATE)
            until_waiting_at_least(1, FOR_ITS_TURN)
            eventually(lambda: f"Task {TASK}[" in worker.read_text())
            gate.close()
            eventually(lambda: successes(worker.read_text()) == 2)
    assert command.result().returncode == 0, command.result().stderr
    assert click.result().status_code == 302, click.result().content.decode()
    assert [log.read_text().count(f"Sending due task {ENTRY}") for log in beats] == [1, 1]
    assert_each_once_and_right(missed)


def test_beat_asks_every_minute_and_an_unread_message_goes_stale_before_the_next():
    assert ENTRIES[ENTRY] == {"task": TASK, "schedule": 60.0, "options": {"expires": 55}}
