"""Each invariant of the books is broken here once, by the owner's hand, and must be found by its name."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from payouts import books
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
        },
    ),
    (
        "DELETE FROM quarantined_record",
        {"received = accepted + duplicate + excluded + quarantined"},
    ),
    ("DELETE FROM fill_key", {"every fill and excluded record holds its own key"}),
    ("UPDATE total_by_rate SET volume = volume + 1", {"totals by rate = sum of fills"}),
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
    ("DELETE FROM payout_line", {"payout = sum of its lines, rounded once"}),
    (
        "DELETE FROM payout_line; DELETE FROM payout",
        {"every broker of a run has one payout"},
    ),
]


TABLES = "SELECT DISTINCT tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal"


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
        for (table,) in connection.execute(TABLES).fetchall():
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
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
    assert ended.stderr.splitlines() == ["totals by day = sum of fills: does not hold for 1 rows"]
