"""When something is late and when it is broken: limits to the second, told by literal values."""

from datetime import UTC, date, datetime, timedelta

import pytest

from portal.health import words
from portal.health.signs import QUEUES, Facts, Queue, Sign, State, queue, signs, worst

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
#: Name → from which age on it is late, and broken.
LIMITS = {
    "months_to_close": ("0:10:00", "2:00:00"),
    "work_of_runs": ("0:05:00", "0:30:00"),
    "parked_brokers": ("0:00:00", "0:00:00"),
    "credits_to_send": ("0:05:00", "1:00:00"),
    "credits_unknown": ("0:05:00", "1:00:00"),
    "credits_for_people": ("0:00:00", "None"),
    "days_to_reconcile": ("1:00:00", "1 day, 0:00:00"),
    "open_differences": ("0:00:00", "0:00:00"),
    "letters_due": ("0:02:00", "1:00:00"),
    "dead_letters": ("0:00:00", "0:00:00"),
    "questions_about_affiliates": ("0:15:00", "1 day, 2:00:00"),
    "questions_about_accounts": ("0:15:00", "1 day, 2:00:00"),
    "changes_of_account": ("0:15:00", "1 day, 2:00:00"),
    "partitions_ahead": ("0:00:00", "None"),
    "quarantine_share": ("0:00:00", "None"),
}


def facts(**changes: object) -> Facts:
    """A portal in which all is well."""
    whole: dict[str, object] = {
        "schema": {"payouts": "0006_money", "portal": "0008_canary"},
        "is_migrated": True,
        "canary_beat_at": NOW - timedelta(seconds=20),
        "books_checked_at": NOW - timedelta(hours=10),
        "breaches": 0,
        "last_reconciled": date(2026, 11, 21),
        "queues": {name: Queue(0, None) for name in QUEUES},
    }
    return Facts(**(whole | changes))  # type: ignore[arg-type]


def sign(name: str, found: Facts) -> Sign:
    return next(each for each in signs(found, now=NOW) if each.name == name)


def test_each_queue_has_its_limits() -> None:
    assert {name: (str(each.late), str(each.broken)) for name, each in QUEUES.items()} == LIMITS


def test_all_is_well() -> None:
    assert {each.state for each in signs(facts(), now=NOW)} == {State.OK}


def test_an_empty_queue_is_ok_and_counts_nothing() -> None:
    assert queue("letters_due", Queue(0, None), now=NOW) == Sign("letters_due", State.OK, 0, None)


@pytest.mark.parametrize(
    ("age", "state"),
    [
        (timedelta(minutes=2) - SECOND, State.OK),
        (timedelta(minutes=2), State.LATE),
        (timedelta(hours=1) - SECOND, State.LATE),
        (timedelta(hours=1), State.BROKEN),
    ],
)
def test_the_oldest_letter_says_how_the_queue_is(age: timedelta, state: State) -> None:
    assert queue("letters_due", Queue(7, NOW - age), now=NOW) == Sign("letters_due", state, 7, age)


def test_what_waits_for_people_is_late_however_long_it_waits_and_never_broken() -> None:
    found = Queue(1, NOW - timedelta(days=30))

    assert queue("credits_for_people", found, now=NOW).state == State.LATE


def test_one_open_difference_is_broken_at_once() -> None:
    assert queue("open_differences", Queue(1, NOW), now=NOW).state == State.BROKEN


def test_a_clock_that_runs_ahead_makes_nothing_younger_than_now() -> None:
    assert queue("letters_due", Queue(1, NOW + timedelta(seconds=5)), now=NOW).age == timedelta(0)


@pytest.mark.parametrize(
    ("beat_at", "state"),
    [
        (None, State.BROKEN),
        (NOW - timedelta(minutes=3), State.OK),
        (NOW - timedelta(minutes=3, seconds=1), State.BROKEN),
        (NOW + timedelta(seconds=2), State.OK),
    ],
)
def test_the_canary_is_stale_after_three_minutes(beat_at: datetime | None, state: State) -> None:
    assert sign("canary", facts(canary_beat_at=beat_at)).state == state


@pytest.mark.parametrize(
    ("checked_at", "breaches", "state"),
    [
        (None, 0, State.LATE),
        (NOW - timedelta(hours=26), 0, State.OK),
        (NOW - timedelta(hours=26, seconds=1), 0, State.BROKEN),
        (NOW, 1, State.BROKEN),
    ],
)
def test_books_are_stale_after_26_hours_and_broken_by_one_breach(
    checked_at: datetime | None, breaches: int, state: State
) -> None:
    found = sign("books", facts(books_checked_at=checked_at, breaches=breaches))

    assert (found.state, found.number) == (state, breaches)


def test_without_the_database_nothing_else_is_told() -> None:
    assert signs(None, now=NOW) == [Sign("database", State.BROKEN)]


def test_without_its_migrations_nothing_else_is_told() -> None:
    assert signs(facts(is_migrated=False), now=NOW) == [
        Sign("database", State.OK),
        Sign("schema", State.BROKEN),
    ]


def test_the_worst_decides() -> None:
    assert worst([State.OK, State.LATE, State.OK]) == State.LATE
    assert worst([State.BROKEN, State.LATE]) == State.BROKEN
    assert worst([]) == State.OK


def test_every_sign_has_a_name_and_says_what_helps() -> None:
    names = {each.name for each in signs(facts(), now=NOW)}

    assert set(words.TITLES) == names
    assert set(words.HELPS) == names
    assert all(str(each).endswith(".") for each in words.HELPS.values())


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Sign("database", State.OK), "answers"),
        (Sign("database", State.BROKEN), "does not answer"),
        (Sign("schema", State.OK), "all applied"),
        (Sign("schema", State.BROKEN), "not all applied"),
        (Sign("canary", State.BROKEN), "no beat yet"),
        (Sign("canary", State.OK, None, timedelta(seconds=12)), "last beat 12 s ago"),
        (Sign("books", State.LATE, 0), "not checked yet"),
        (Sign("books", State.OK, 0, timedelta(hours=3)), "all hold, checked 3 h ago"),
        (Sign("books", State.BROKEN, 1, timedelta(0)), "1 invariant does not hold, checked 0 s ago"),
        (Sign("books", State.BROKEN, 2, timedelta(days=3)), "2 invariants do not hold, checked 3 days ago"),
        (Sign("letters_due", State.OK, 0), "none"),
        (Sign("letters_due", State.LATE, 4, timedelta(minutes=9)), "4, the oldest for 9 min"),
    ],
)
def test_a_sign_in_words(found: Sign, says: str) -> None:
    assert words.says(found) == says
