"""What we promise an applicant: the next step, who does it, and by which day. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

#: Working days, Monday to Friday in UTC, counted from the day after.
FIRST_LOOK_DAYS = 3
DECISION_DAYS = 5
ANSWER_DAYS = 2
_SATURDAY = 5

Turn = Literal["first_look", "decision", "answer_read", "yours", "none"]


@dataclass(frozen=True, slots=True)
class Promise:
    """Whose turn it is, and the last day of ours; no day when it is the applicant's turn or all is over."""

    turn: Turn
    by: date | None = None
    #: The day is over and we have not done it: the page says so.
    is_overdue: bool = False


def promise(
    *,
    state: str,
    submitted_at: datetime | None,
    answered_at: datetime | None,
    now: datetime,
) -> Promise:
    """What happens next with an application in a state.

    `answered_at` is when our last question was answered, if we asked one. After a submission somebody
    looks at it within 3 working days and decides, or asks, within 5; an answer is read within 2.
    """
    if state in ("draft", "information_requested"):
        return Promise("yours")
    if state == "submitted" and submitted_at:
        return _due("first_look", submitted_at, FIRST_LOOK_DAYS, now)
    if state == "in_review" and answered_at:
        return _due("answer_read", answered_at, ANSWER_DAYS, now)
    if state == "in_review" and submitted_at:
        return _due("decision", submitted_at, DECISION_DAYS, now)
    return Promise("none")


def working_days_after(start: datetime, days: int) -> date:
    """The last day of so many working days after the day of `start`; Saturdays and Sundays are none."""
    day = start.astimezone(UTC).date()
    while days:
        day += timedelta(days=1)
        if day.weekday() < _SATURDAY:
            days -= 1
    return day


def _due(turn: Turn, since: datetime, days: int, now: datetime) -> Promise:
    by = working_days_after(since, days)
    return Promise(turn, by, is_overdue=now.astimezone(UTC).date() > by)
