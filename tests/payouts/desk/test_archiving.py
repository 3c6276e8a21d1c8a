"""Which months may be archived, and what still needs the fills of one that is."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection, transaction

from payouts import books
from payouts.desk import release
from payouts.feed import archive
from payouts.models import Broker, Payout
from payouts.month import Month
from payouts.monthend import actions, archiving, frozen
from payouts.monthend.snapshot import one_snapshot
from tests import make
from tests.payouts.desk.money_acts import OCTOBER, done
from tests.payouts.desk.test_release import OCTOBER_20, fill, suspended_over_the_month_end, the_hold
from tests.payouts.monthend.approving import approve_month

FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)


def refusal(folder: Path, month: Month = OCTOBER, now: datetime = FEBRUARY) -> str:
    with pytest.raises(archiving.NotClosed) as refused:
        archiving.archive_month(month, folder=folder, now=now)
    return str(refused.value)


@pytest.fixture
def held(committed_db: str) -> Payout:
    broker: Broker = make.broker()
    return suspended_over_the_month_end(
        broker, fill(OCTOBER_20, "2000000"), fill(OCTOBER.starts_at, "4000000")
    )


def test_sixty_days_have_to_pass(tmp_path: Path) -> None:
    assert refusal(tmp_path, now=datetime(2026, 12, 30, 23, 59, tzinfo=UTC)) == (
        "2026-10 may be archived from 2026-12-31: late records and voids of it are usual until then."
    )


def test_while_a_payout_is_held_or_suspended_days_are_unpaid_its_fills_stay(
    held: Payout, tmp_path: Path
) -> None:
    said = (
        "2026-10 was held for broker 1400: while a payout is held, or suspended days of it are left unpaid,"
        " its fills stay in the table."
    )
    assert refusal(tmp_path) == said
    done("release", hold_id=the_hold().pk, mode="without suspended days")
    assert refusal(tmp_path) == said


def test_what_is_released_in_full_must_still_be_credited(held: Payout, tmp_path: Path) -> None:
    done("release", hold_id=the_hold().pk, mode="in full")

    assert refusal(tmp_path) == "2026-10 is not paid or closed for broker 1400: finish that first."


@pytest.mark.django_db
def test_a_broker_that_the_run_does_not_know_keeps_the_month_open(tmp_path: Path) -> None:
    make.broker()
    actions.calculate(month=OCTOBER, now=make.NOW)
    approve_month(1400, "2026-10")
    make.broker(code=1500)
    make.fills(make.record(brokerId=1500))

    assert refusal(tmp_path) == "2026-10 is not paid or closed for broker 1500: finish that first."


def test_what_sums_single_fills_refuses_an_archived_month(held: Payout, tmp_path: Path) -> None:
    archive.archive(OCTOBER, folder=tmp_path, now=FEBRUARY)
    said = r"Fills of 2026-10 are archived: restore them first \(`manage.py restore_fills 2026-10`\)"

    with pytest.raises(archive.IsArchived, match=said):
        release.preview(hold_id=the_hold().pk, mode="without suspended days")
    with pytest.raises(archive.IsArchived, match=said):
        frozen.recalculated(held.pk)


def meanwhile(folder: Path) -> tuple[threading.Thread, Callable[[], bool]]:
    """Another archives the month; and whether it has ended."""

    def work() -> None:
        archive.archive(OCTOBER, folder=folder, now=FEBRUARY)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread, lambda: not thread.is_alive()


def test_no_month_is_archived_while_the_books_are_read(held: Payout, tmp_path: Path) -> None:
    with one_snapshot():
        thread, has_ended = meanwhile(tmp_path)
        thread.join(timeout=2)

        assert not has_ended()
        assert books.breaches() == []
    thread.join(timeout=30)

    assert has_ended()
    assert books.breaches() == []


def test_without_the_lock_a_reader_misses_what_was_archived_meanwhile(held: Payout, tmp_path: Path) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT 1 FROM broker")
        thread, has_ended = meanwhile(tmp_path)
        thread.join(timeout=30)

        assert has_ended()
        assert "totals by month = sum of fills" in {each.invariant for each in books.breaches()}
