"""Several reviewers at once, and processes killed in the middle: one outcome, one history, or nothing."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection, connections

from payouts.models import Broker, StandingChange
from payouts.refusal import Refusal
from portal.application import course, review
from portal.application.models import Application, TimelineEntry
from portal.team.models import Membership
from tests.make import NOW
from tests.portal.staff import make_review as make_

ROOT = Path(__file__).resolve().parents[3]


def approve(found: Application, by: Any, **options: Any) -> str:
    """What came of an approval: the code, or the name of the refusal with its words."""
    try:
        broker = review.approve(
            **{
                "reference": found.reference,
                "seen": found.version,
                "code": 2300,
                "was_proposed": True,
                "acknowledged": "",
                "by": by,
                "exchange": make_.Exchange(),
                "now": NOW,
            }
            | options
        )
    except Refusal as refusal:
        return f"{type(refusal).__name__}: {refusal}"
    return str(broker.code)


def at_once(*jobs: Callable[[], str]) -> list[str]:
    """Every job in a thread of its own, all begun together; what each returned or raised."""
    start, came = Barrier(len(jobs)), [""] * len(jobs)

    def run(number: int, job: Callable[[], str]) -> None:
        try:
            start.wait(30)
            came[number] = job()
        except Exception as problem:
            came[number] = type(problem).__name__
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=pair) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return came


def state() -> dict[str, int]:
    return {
        "brokers": Broker.objects.count(),
        "memberships": Membership.objects.count(),
        "enrolled": StandingChange.objects.filter(kind="enrolled").count(),
        "approved": TimelineEntry.objects.filter(kind="approved").count(),
    }


NOTHING = {"brokers": 0, "memberships": 0, "enrolled": 0, "approved": 0}
ONCE = {"brokers": 1, "memberships": 1, "enrolled": 1, "approved": 1}


def test_fifty_approvals_of_one_application_by_two_reviewers_are_one(committed_db: str) -> None:
    found = make_.application()
    two = [make_.staff(), make_.staff(email="rita@exchange.example")]

    came = at_once(*[lambda by=two[n % 2]: approve(found, by) for n in range(50)])

    found.refresh_from_db()
    assert state() == ONCE
    assert Counter(each.split(":")[0] for each in came) == {"2300": 1, "Overtaken": 49}
    told = {each for each in came if each.startswith("Overtaken")}
    assert told == {
        f"Overtaken: {found.decided_by} was faster: approved at 2026-11-22 12:00:00 UTC. Nothing was done;"
        " look at the application again."
    }


def test_an_approval_and_a_rejection_at_once_are_one_decision(committed_db: str) -> None:
    found = make_.application()
    two = [make_.staff(), make_.staff(email="rita@exchange.example")]

    def reject() -> str:
        try:
            review.reject(
                reference=found.reference,
                seen=1,
                reason="other",
                message="no",
                reapply_from=NOW.date(),
                by=two[1],
                now=NOW,
            )
        except course.Overtaken:
            return "Overtaken"
        return "rejected"

    came = at_once(lambda: approve(found, two[0]), reject)

    found.refresh_from_db()
    decisions = TimelineEntry.objects.filter(kind__in=["approved", "rejected"])
    assert [each.kind for each in decisions] == [found.state]
    assert sorted(each.split(":")[0] for each in came) in (["2300", "Overtaken"], ["Overtaken", "rejected"])


def test_without_the_lock_two_reviewers_both_pass_the_check(
    committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: an unlocked look lets every reviewer go on; only the database's constraints are left."""
    found, both_looked = make_.application(), Barrier(2)
    two = [make_.staff(), make_.staff(email="rita@exchange.example")]

    def unlocked(reference: Any, *, seen: int | None, states: Any) -> Application:
        looked = Application.objects.get(reference=reference)
        assert looked.version == seen
        return looked

    def card_of(looked: Application) -> Any:
        card = look_at(looked)
        both_looked.wait(30)  # before either writes
        return card

    look_at = review.card_of
    monkeypatch.setattr(course, "locked", unlocked)
    monkeypatch.setattr(review, "card_of", card_of)
    _drop("ALTER TABLE application_timeline", "one_end_per_application")

    came = at_once(lambda: approve(found, two[0], code=2300), lambda: approve(found, two[1], code=2400))

    assert sorted(came) == ["2300", "2400"]
    assert state() == {"brokers": 2, "memberships": 2, "enrolled": 2, "approved": 2}


def test_two_applications_that_want_one_code_have_one_outcome_each(committed_db: str) -> None:
    one, other = make_.application(), make_.application()
    two = [make_.staff(), make_.staff(email="rita@exchange.example")]

    came = at_once(lambda: approve(one, two[0]), lambda: approve(other, two[1]))

    assert sorted(came) == [
        "2300",
        "CodeGone: Code 2300 went to another broker a moment ago, and nothing was done: see the next free"
        " one and confirm again.",
    ]
    assert state() == ONCE
    assert sorted(Application.objects.values_list("state", flat=True)) == ["approved", "submitted"]


def test_without_the_unique_code_two_applications_get_one(committed_db: str) -> None:
    """The twin: the primary key alone decides who gets a code."""
    one, other = make_.application(), make_.application()
    two = [make_.staff(), make_.staff(email="rita@exchange.example")]
    _drop("ALTER TABLE broker", "broker_pkey", "CASCADE")
    _drop("ALTER TABLE standing_change", "one_enrolment_per_broker", index=True)
    _drop("ALTER TABLE application", "application_broker_id_key")

    came = at_once(lambda: approve(one, two[0]), lambda: approve(other, two[1]))

    assert came == ["2300", "2300"]
    assert list(Broker.objects.values_list("code", flat=True)) == [2300, 2300]


def test_two_reviewers_who_take_at_once_do_not_both_have_it(committed_db: str) -> None:
    found = make_.application()
    two = [make_.staff(), make_.staff(email="rita@exchange.example")]

    def take(by: Any) -> str:
        try:
            review.take(reference=found.reference, holder=None, by=by, now=NOW)
        except review.TakenMeanwhile:
            return "told"
        return by.email

    came = at_once(*[lambda by=by: take(by) for by in two])

    found.refresh_from_db()
    assert sorted(came, key=lambda each: each == "told") == [found.assignee.email, "told"]
    assert TimelineEntry.objects.filter(kind="review_started").count() == 1


# -- killed in the middle ------------------------------------------------------------------------

_APPROVE = """
import django; django.setup()
from datetime import UTC, datetime
from portal.accounts.models import User
from portal.application import review
from tests.portal.staff.make_review import Exchange
import sys
review.approve(reference=sys.argv[1], seen=1, code=2300, was_proposed=True, acknowledged="",
    by=User.objects.get(is_staff=True), exchange=Exchange(), now=datetime(2026, 11, 22, 12, tzinfo=UTC))
"""
#: Between which writes the process is killed: while it waits in a trigger of this table.
PLACES = ("broker", "standing_change", "portal_membership", "application", "application_timeline")


@pytest.mark.fault
@pytest.mark.parametrize("table", PLACES)
def test_a_process_killed_while_approving_leaves_nothing_and_the_next_one_does_it(
    committed_db: str, table: str
) -> None:
    found, by = make_.application(), make_.staff()
    with _waiting_in(table):
        process = subprocess.Popen(
            [sys.executable, "-c", _APPROVE, str(found.reference)],
            cwd=ROOT,
            env=os.environ
            | {
                "DATABASE_URL": committed_db,
                "BROKER_URL": settings.CELERY_BROKER_URL,
                "DJANGO_SETTINGS_MODULE": "portal.settings",
            },
        )
        try:
            _until_asleep(process)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(20)
            _until_gone()

    found.refresh_from_db()
    assert (state(), found.state) == (NOTHING, "submitted")

    assert approve(found, by) == "2300"
    assert state() == ONCE


def _owner() -> "psycopg.Connection[Any]":
    owner = settings.DATABASE_OWNER
    return psycopg.connect(
        host=owner["HOST"],
        port=owner["PORT"],
        user=owner["USER"],
        password=owner["PASSWORD"],
        dbname=connection.settings_dict["NAME"],
        autocommit=True,
    )


def _drop(table: str, name: str, how: str = "", *, index: bool = False) -> None:
    """Take a guard away, as the owner of the tables; a partial unique constraint is an index."""
    with _owner() as database:
        if index or name == "one_end_per_application":
            database.execute(f"DROP INDEX {name}")
        else:
            database.execute(f"{table} DROP CONSTRAINT {name} {how}")


@contextmanager
def _waiting_in(table: str) -> Iterator[None]:
    with _owner() as database:
        database.execute(
            "CREATE FUNCTION wait_here() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_sleep(120); RETURN NEW; END $$"
        )
        database.execute(
            f"CREATE TRIGGER zz_wait AFTER INSERT OR UPDATE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION wait_here()"
        )
        try:
            yield
        finally:
            database.execute(f"DROP TRIGGER zz_wait ON {table}")
            database.execute("DROP FUNCTION wait_here()")


_ASLEEP = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"


def _asleep() -> int:
    """How many wait in the trigger; asked as the role they have, which alone may see it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {_ASLEEP}")
        return int(cursor.fetchone()[0])


def _until_asleep(process: "subprocess.Popen[bytes]") -> None:
    give_up_at = time.monotonic() + 60
    while not _asleep():
        assert process.poll() is None, "the process ended before it was killed"
        assert time.monotonic() < give_up_at
        time.sleep(0.1)


def _until_gone() -> None:
    """End the server's side of the killed process now rather than when it has slept."""
    give_up_at = time.monotonic() + 20
    while _asleep():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_terminate_backend(pid) {_ASLEEP}")
        assert time.monotonic() < give_up_at
        time.sleep(0.1)
