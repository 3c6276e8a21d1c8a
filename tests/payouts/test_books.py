"""Each invariant of the books is broken here once, by the owner's hand, and must be found by its name."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from payouts import books
from payouts.models import BooksCheck
from payouts.month import Month
from payouts.monthend import actions
from tests import make
from tests.payouts import owner
from tests.payouts.commands.process import run

#: What the owner does with the triggers off, and the invariants that then do not hold.
BREACHES = [
    (
        "DELETE FROM fill",
        {
            "received = accepted + duplicate + excluded + quarantined",
            "every fill and excluded record holds its own key",
            "totals by rate = sum of fills",
            "totals by hour = sum of fills",
            "totals by day = sum of fills",
            "totals by month = sum of fills",
            "every fill of a payout's watermark is in exactly one line",
        },
    ),
    (
        "DELETE FROM quarantine_place; DELETE FROM quarantined_record",
        {
            "received = accepted + duplicate + excluded + quarantined",
            "the tally = where records are",
        },
    ),
    ("DELETE FROM fill_key", {"every fill and excluded record holds its own key"}),
    ("UPDATE total_by_rate SET volume = volume + 1", {"totals by rate = sum of fills"}),
    ("UPDATE total_by_month SET volume = volume + 1", {"totals by month = sum of fills"}),
    ("UPDATE total_by_hour SET fees = fees + 1", {"totals by hour = sum of fills"}),
    ("UPDATE total_by_day SET fills = fills + 1", {"totals by day = sum of fills"}),
    ("DELETE FROM total_by_day", {"totals by day = sum of fills"}),
    (
        "UPDATE broker SET enrolled_at = '2026-12-01'",
        {"no fill counts before enrolment or after termination", "standing begins with the enrolment"},
    ),
    (
        "UPDATE standing_change SET recorded_at = '2026-10-01', effective_at = '2026-10-15T12:00:00Z'"
        " WHERE kind = 'terminated'; UPDATE standing_range SET starts_at = '2026-10-15T12:00:00Z'"
        " WHERE kind = 'terminated'",
        {"no fill counts before enrolment or after termination"},
    ),
    (
        "UPDATE standing_range SET ends_at = ends_at + interval '1 microsecond' WHERE ends_at < '2026-11-01'",
        {"ranges of standing = what its changes say"},
    ),
    (
        "DELETE FROM standing_range WHERE kind = 'terminated'",
        {"ranges of standing = what its changes say"},
    ),
    (
        "UPDATE standing_change SET effective_at = '2026-09-02' WHERE kind = 'lifted'",
        {"ranges of standing = what its changes say"},
    ),
    (
        "ALTER TABLE standing_range DROP CONSTRAINT standing_ranges_do_not_overlap;"
        " UPDATE standing_range SET starts_at = '2026-09-01' WHERE kind = 'terminated'",
        {
            "a broker is never in two ranges of standing at once",
            "ranges of standing = what its changes say",
        },
    ),
    (
        "DELETE FROM payout_line",
        {
            "payout = sum of its lines, rounded once",
            "every fill of a payout's watermark is in exactly one line",
        },
    ),
    (
        "DELETE FROM payout_line; DELETE FROM payout_bound; DELETE FROM payout",
        {"every broker of a run has one payout", "a broker is parked exactly where its payout is"},
    ),
]


@pytest.fixture
def october(committed_db: str) -> str:
    """A calculated month with a fill, an excluded record and a quarantined one."""
    broker = make.broker(code=1400)
    make.lifted(make.suspended(broker, datetime(2026, 9, 1, tzinfo=UTC)), datetime(2026, 9, 3, tzinfo=UTC))
    make.terminated(broker, make.NOW)
    make.fills(
        make.record(),
        make.record(systemOrderType="FutureExpiry"),
        make.record(brokerId=9999),
    )
    actions.calculate(month=Month(2026, 10), now=make.NOW + timedelta(hours=1))
    return committed_db


def test_good_books_have_no_breach(october: str) -> None:
    assert books.breaches() == []


def test_empty_books_have_no_breach(committed_db: str) -> None:
    assert books.breaches() == []


@pytest.mark.parametrize(("deed", "broken"), BREACHES, ids=[deed for deed, _ in BREACHES])
def test_a_breach_is_found_by_name(october: str, deed: str, broken: set[str]) -> None:
    with owner.connected() as connection:
        owner.disarm(connection)
        for statement in deed.split(";"):
            connection.execute(statement)

    assert {breach.invariant for breach in books.breaches()} == broken


def test_a_breach_names_the_rows(october: str) -> None:
    with owner.connected() as connection:
        connection.execute("UPDATE total_by_day SET fills = 3")

    (breach,) = books.breaches()

    assert (breach.rows, breach.examples[0]["told_fills"], breach.examples[0]["counted_fills"]) == (
        1,
        "3",
        "1",
    )


def test_the_command_exits_1_and_says_what_is_broken(october: str) -> None:
    with owner.connected() as connection:
        connection.execute("UPDATE total_by_day SET fills = 3")

    ended = run("check_books", url=october)

    assert ended.returncode == 1
    assert [each["invariant"] for each in json.loads(ended.stdout)["breaches"]] == [
        "totals by day = sum of fills"
    ]
    told = ended.stderr.splitlines()
    assert told[0] == "totals by day = sum of fills: does not hold for 1 rows"
    assert "broker_code 1400, day 2026-10-15, trader 7, told_fills 3, counted_fills 1" in told[1]
    assert "manage.py check_books" in told[2]
    (kept,) = BooksCheck.objects.all()
    assert [each["invariant"] for each in kept.breaches] == ["totals by day = sum of fills"]


def test_a_check_is_kept_with_what_it_found_and_when(october: str) -> None:
    kept = books.check(now=make.NOW, occasion="before the run of 2026-10")

    assert (kept.checked_at, kept.occasion, kept.breaches) == (make.NOW, "before the run of 2026-10", [])


def test_books_that_a_check_found_breached_are_refused_until_a_check_finds_them_sound(october: str) -> None:
    books.must_be_sound()
    with owner.connected() as connection:
        connection.execute("UPDATE total_by_day SET fills = 3")
    books.must_be_sound()  # nobody has looked yet
    books.check(now=make.NOW, occasion="nightly")
    with pytest.raises(books.BooksAreBreached, match="totals by day = sum of fills"):
        books.must_be_sound()
    with owner.connected() as connection:
        connection.execute("UPDATE total_by_day SET fills = 1")
    books.check(now=make.NOW + timedelta(minutes=1), occasion="by check_books")

    books.must_be_sound()


@pytest.mark.django_db
def test_the_nights_check_is_made_once_a_day_from_two_oclock_on() -> None:
    day = datetime(2026, 11, 22, tzinfo=UTC)
    made = [
        books.check_due(now=day + timedelta(hours=hours)) is not None
        for hours in (0, 1.9, 2, 2.1, 23, 25, 26)
    ]

    assert made == [False, False, True, False, False, False, True]


@pytest.mark.django_db
def test_a_run_has_a_check_before_it_and_one_after_it_even_if_it_fails() -> None:
    def run_it() -> str:
        return "done"

    def fail() -> None:
        raise ZeroDivisionError

    assert books.around_run(Month(2026, 10), run_it, clock=lambda: make.NOW) == "done"
    with pytest.raises(ZeroDivisionError):
        books.around_run(Month(2026, 9), fail, clock=lambda: make.NOW)

    assert list(BooksCheck.objects.order_by("pk").values_list("occasion", flat=True)) == [
        "before the run of 2026-10",
        "after the run of 2026-10",
        "before the run of 2026-09",
        "after the run of 2026-09",
    ]
