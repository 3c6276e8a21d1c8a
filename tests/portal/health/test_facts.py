"""What each queue counts, and since when its oldest waits: real rows, literal times."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from payouts.feed import partitions
from payouts.ledger.models import BooksCheck
from payouts.models import AffiliateCheck, Broker
from payouts.monthend.models import Run, WorkItem
from payouts.settlement.models import Difference, Reconciliation
from portal.application.models import Application
from portal.health import actions, facts, schema
from portal.health.signs import QUEUES, Queue
from portal.letters.models import Letter
from portal.simulator.credit_faults import Fault
from tests import make
from tests.payouts.desk import changing_account as changing
from tests.payouts.settlement.scene import Scene, on_stage

pytestmark = pytest.mark.django_db

NOW = make.NOW
HOUR = timedelta(hours=1)
NOTHING = Queue(0, None)


@pytest.fixture
def scene(db: Any) -> Iterator[Scene]:
    with on_stage() as made:
        yield made


@pytest.fixture(autouse=True)
def _partitions(db: Any) -> None:
    partitions.make_ahead(now=NOW)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def found(now: datetime = NOW) -> facts.Facts:
    with connection.cursor() as cursor:
        return facts.facts(cursor, now=now)


def queue(name: str, now: datetime = NOW) -> Queue:
    return found(now).queues[name]


def letter(number: int, **fields: Any) -> Letter:
    whole = {
        "kind": "invitation",
        "to": "olga@example.com",
        "state": "written",
        "written_at": NOW - HOUR,
        "due_at": NOW - HOUR,
    }
    return Letter.objects.create(
        key=f"letter:{number}", message_id=f"<{number}@example.com>", **(whole | fields)
    )


def item(code: int, **fields: Any) -> WorkItem:
    run, _ = Run.objects.get_or_create(
        month=date(2026, 10, 1), defaults={"calculated_at": NOW, "terms": "2026-01"}
    )
    return WorkItem.objects.create(run=run, broker=make.broker(code=code), **fields)


def test_nothing_waits_in_a_new_portal() -> None:
    new = found()

    assert new.is_migrated
    assert (new.canary_beat_at, new.books_checked_at, new.breaches, new.last_reconciled) == (
        None,
        None,
        0,
        None,
    )
    assert dict(new.queues) == dict.fromkeys(QUEUES, NOTHING)


def test_the_schema_is_told_by_its_latest_migrations() -> None:
    told = found().schema

    assert set(told) == {"payouts", "portal"}
    assert all((app, name) in schema.wanted() for app, name in told.items())


def test_the_canary_is_one_row_however_often_it_beats() -> None:
    actions.beat(now=NOW - HOUR)
    actions.beat(now=NOW)

    assert found().canary_beat_at == NOW


def test_the_latest_check_of_the_books_counts() -> None:
    BooksCheck.objects.create(checked_at=NOW - HOUR, occasion="nightly", breaches=[{}, {}], took_ms=1)
    assert (found().books_checked_at, found().breaches) == (NOW - HOUR, 2)

    BooksCheck.objects.create(checked_at=NOW, occasion="by check_books", breaches=[], took_ms=1)
    assert (found().books_checked_at, found().breaches) == (NOW, 0)


def test_a_month_waits_from_half_past_midnight_of_the_next_until_it_has_a_run() -> None:
    make.broker()
    make.fills(make.record(timestamp="2026-09-15T12:00:00Z"), now=NOW)

    assert queue("months_to_close", at("2026-10-01T00:29:59Z")) == NOTHING
    assert queue("months_to_close", at("2026-10-01T00:30:00Z")).waiting == 1
    assert queue("months_to_close", at("2026-11-22T12:00:00Z")) == Queue(2, at("2026-10-01T00:30:00Z"))

    Run.objects.create(month=date(2026, 9, 1), calculated_at=NOW, terms="2026-01")
    assert queue("months_to_close", at("2026-11-22T12:00:00Z")) == Queue(1, at("2026-11-01T00:30:00Z"))


def test_what_of_a_run_is_due_waits_and_so_does_what_a_dead_worker_left() -> None:
    item(1400, state="due", changed_at=NOW - HOUR)
    item(1500, state="working", lease_until=NOW, changed_at=NOW - 3 * HOUR)
    item(1600, state="working", lease_until=NOW + timedelta(seconds=1), changed_at=NOW - 3 * HOUR)
    item(1700, state="done", changed_at=NOW - 3 * HOUR)

    assert queue("work_of_runs") == Queue(2, NOW - HOUR)


def test_parked_brokers_wait_for_people() -> None:
    item(1400, state="parked", reason="No tier.", next_step="Mend it.", changed_at=NOW - HOUR)

    assert queue("parked_brokers") == Queue(1, NOW - HOUR)


def test_an_approved_payout_waits_to_be_sent_until_its_attempt_is_sent(scene: Scene) -> None:
    scene.payout()
    assert queue("credits_to_send") == Queue(1, NOW)

    scene.send()
    assert queue("credits_to_send") == NOTHING


def test_what_may_not_be_sent_does_not_wait_to_be_sent(scene: Scene) -> None:
    scene.payout(code=1400)
    scene.payout(code=1500)
    make.suspended(Broker.objects.get(code=1400), NOW)
    assert queue("credits_to_send", NOW + HOUR) == Queue(1, NOW)

    Difference.objects.create(kind="unknown", detail="Nobody's.", found_at=NOW)
    assert queue("credits_to_send", NOW + HOUR) == NOTHING
    assert queue("open_differences", NOW + HOUR) == Queue(1, NOW)


def test_what_was_stopped_waits_only_since_it_may_be_sent(scene: Scene) -> None:
    scene.payout()
    stopped = make.suspended(Broker.objects.get(code=1400), NOW)
    make.lifted(stopped, NOW + HOUR)

    assert queue("credits_to_send", NOW + 2 * HOUR) == Queue(1, NOW + HOUR)


def test_a_credit_of_unknown_outcome_waits_since_it_was_sent(scene: Scene) -> None:
    scene.payout()
    scene.there.faults.will(Fault.ERROR_AFTER)
    scene.send()

    assert queue("credits_unknown", NOW + HOUR) == Queue(1, NOW)
    assert queue("credits_to_send", NOW + HOUR) == NOTHING


def test_a_rejected_credit_waits_for_a_person(scene: Scene) -> None:
    scene.there.faults.will(Fault.REJECTS)
    scene.payout()
    scene.send()

    assert queue("credits_for_people") == Queue(1, NOW)
    assert queue("credits_to_send") == NOTHING


def test_each_day_since_the_first_attempt_is_to_be_compared(scene: Scene) -> None:
    scene.payout()
    scene.send()
    day = NOW.date()

    assert queue("days_to_reconcile", NOW) == NOTHING
    two_days_on = NOW + timedelta(days=2)
    due_since = at(f"{day + timedelta(days=1)}T00:10:00Z")
    assert queue("days_to_reconcile", two_days_on) == Queue(2, due_since)

    Reconciliation.objects.create(day=day, due_at=NOW)
    assert queue("days_to_reconcile", two_days_on) == Queue(2, due_since)
    Reconciliation.objects.update(done_at=two_days_on)
    assert queue("days_to_reconcile", two_days_on).waiting == 1
    assert found(two_days_on).last_reconciled == day


def test_letters_wait_when_they_are_due_and_nobody_is_at_them() -> None:
    letter(1)
    letter(2, state="failed", leased_until=NOW, due_at=NOW - 2 * HOUR)
    letter(3, leased_until=NOW + HOUR, due_at=NOW - 3 * HOUR)
    letter(4, due_at=NOW + HOUR)
    letter(5, state="sent", sent_at=NOW)

    assert queue("letters_due") == Queue(2, NOW - 2 * HOUR)


def test_a_dead_letter_counts_for_a_week_unless_it_was_no_longer_needed() -> None:
    letter(1, state="dead", last_error="no such mailbox")
    letter(2, state="dead", last_error="no such mailbox", due_at=NOW - timedelta(days=7))
    letter(3, state="dead", last_error="no longer needed")

    assert queue("dead_letters") == Queue(1, NOW - HOUR)


def test_questions_about_affiliates_wait_while_the_exchange_or_the_sweep_is_silent() -> None:
    for code, due_at, failing_since in (
        (1400, NOW + HOUR, NOW - 2 * HOUR),  # no answer for two hours
        (1500, NOW - HOUR, None),  # not asked for an hour
        (1600, NOW + HOUR, None),
    ):
        AffiliateCheck.objects.create(
            broker=make.broker(code=code), due_at=due_at, failing_since=failing_since
        )
    gone = make.broker(code=1700)
    AffiliateCheck.objects.create(broker=gone, due_at=NOW - 9 * HOUR)
    make.terminated(gone, NOW - 8 * HOUR)

    assert queue("questions_about_affiliates") == Queue(2, NOW - 2 * HOUR)


def test_questions_about_accounts_wait_since_the_application_named_the_account() -> None:
    Application.objects.create(
        applicant=make.login(),
        account_id="BP-1",
        exchange_due_at=NOW + HOUR,
        started_at=NOW - 3 * HOUR,
        saved_at=NOW - 2 * HOUR,
    )

    assert queue("questions_about_accounts") == Queue(1, NOW - 2 * HOUR)


def test_a_change_of_account_waits_from_when_it_takes_effect() -> None:
    changing.broker()
    people = changing.people()
    make.membership(people.olga, Broker.objects.get(code=1400))
    changing.waiting(people)

    assert queue("changes_of_account", changing.EFFECTIVE - timedelta(seconds=1)) == NOTHING
    assert queue("changes_of_account", changing.EFFECTIVE + HOUR) == Queue(1, changing.EFFECTIVE)


def test_partitions_of_this_month_and_the_next_must_be_there() -> None:
    assert queue("partitions_ahead", NOW) == NOTHING
    assert queue("partitions_ahead", NOW + timedelta(days=62)).waiting == 1
    assert queue("partitions_ahead", NOW + timedelta(days=93)).waiting == 2


def test_a_share_of_quarantined_records_that_jumps_shows_and_a_usual_one_does_not() -> None:
    def come(records: int, at: datetime) -> None:
        make.take_in([b"{%d" % number for number in range(*next_numbers(records))], now=at)

    numbers = iter(range(0, 1_000, 100))

    def next_numbers(records: int) -> tuple[int, int]:
        begins = next(numbers)
        return begins, begins + records

    make.broker()
    make.fills(*(make.record() for _ in range(50)), now=NOW - 2 * HOUR)
    come(1, NOW - 2 * HOUR)
    come(19, NOW - HOUR / 2)
    assert queue("quarantine_share") == NOTHING
    come(1, NOW - HOUR / 4)

    assert queue("quarantine_share") == Queue(20, NOW - HOUR / 2)
    assert queue("quarantine_share", NOW + HOUR) == NOTHING
    come(40, NOW - 3 * HOUR)  # it was hardly better before
    assert queue("quarantine_share") == NOTHING


def test_a_database_without_migrations_is_not_migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "wanted", lambda: frozenset({("portal", "9999_later")}))

    later = found()

    assert (later.is_migrated, dict(later.queues)) == (False, {})
