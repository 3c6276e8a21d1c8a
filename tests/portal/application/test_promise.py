"""By when we promise what: working days in UTC, said honestly when they are over."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from portal.application.promise import Promise, promise, working_days_after

WEDNESDAY = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "days", "last"),
    [
        ("2026-11-18", 3, "2026-11-23"),  # Wednesday: Thursday, Friday, Monday
        ("2026-11-20", 1, "2026-11-23"),  # Friday
        ("2026-11-21", 3, "2026-11-25"),  # Saturday
        ("2026-11-22", 3, "2026-11-25"),  # Sunday
        ("2026-11-23", 5, "2026-11-30"),  # Monday: a whole week
        ("2026-12-31", 2, "2027-01-04"),  # Thursday before a new year
    ],
)
def test_saturdays_and_sundays_do_not_count(start: str, days: int, last: str) -> None:
    begun = datetime.fromisoformat(f"{start}T23:59:59+00:00")

    assert working_days_after(begun, days) == date.fromisoformat(last)


def test_days_are_counted_in_utc() -> None:
    tokyo = timezone(timedelta(hours=9))

    assert working_days_after(datetime(2026, 11, 19, 1, 0, tzinfo=tokyo), 1) == date(2026, 11, 19)


@pytest.mark.parametrize(
    ("state", "answered_at", "promised"),
    [
        ("draft", None, Promise("yours")),
        ("submitted", None, Promise("first_look", date(2026, 11, 23))),
        ("in_review", None, Promise("decision", date(2026, 11, 25))),
        ("information_requested", None, Promise("yours")),
        ("in_review", datetime(2026, 11, 19, tzinfo=UTC), Promise("answer_read", date(2026, 11, 23))),
        ("approved", None, Promise("none")),
        ("rejected", None, Promise("none")),
        ("withdrawn", None, Promise("none")),
    ],
)
def test_each_state_says_whose_turn_it_is(
    state: str, answered_at: datetime | None, promised: Promise
) -> None:
    assert promise(state=state, submitted_at=WEDNESDAY, answered_at=answered_at, now=WEDNESDAY) == promised


@pytest.mark.parametrize(("now", "late"), [("2026-11-23T23:59:59", False), ("2026-11-24T00:00:00", True)])
def test_a_promise_is_broken_when_its_day_is_over(now: str, late: bool) -> None:
    made = promise(
        state="submitted",
        submitted_at=WEDNESDAY,
        answered_at=None,
        now=datetime.fromisoformat(f"{now}+00:00"),
    )

    assert made.is_overdue is late
