"""Standing: whether a broker is active, suspended or terminated at an instant. Pure.

"Backpack reserves the right, at its sole discretion, to suspend or terminate any participant's
access to the program."
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["enrolled", "suspended", "lifted", "terminated"]
State = Literal["not enrolled", "active", "suspended", "terminated"]

_STATE_AFTER: dict[Kind, State] = {
    "enrolled": "active",
    "suspended": "suspended",
    "lifted": "active",
    "terminated": "terminated",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One change of standing and the instant from which it holds."""

    kind: Kind
    effective_at: datetime


@dataclass(frozen=True, slots=True)
class Range:
    """From when until when a broker is suspended or terminated: half-open; `ends_at` None is no end."""

    kind: Literal["suspended", "terminated"]
    starts_at: datetime
    ends_at: datetime | None

    def holds_at(self, moment: datetime) -> bool:
        return self.starts_at <= moment and (self.ends_at is None or moment < self.ends_at)


def ranges(changes: Iterable[Change]) -> list[Range]:
    """The ranges that follow from the changes, oldest first; `changes` in the order of their recording.

    A suspension ends where it is lifted or where the termination begins; one that was cancelled before its
    start leaves no range.
    """
    found: list[Range] = []
    since: datetime | None = None
    for change in sorted(changes, key=lambda change: change.effective_at):
        if since is not None and change.kind in ("lifted", "terminated"):
            if since < change.effective_at:
                found.append(Range("suspended", since, change.effective_at))
            since = None
        if change.kind == "suspended":
            since = change.effective_at
        elif change.kind == "terminated":
            found.append(Range("terminated", change.effective_at, None))
            return found
    if since is not None:
        found.append(Range("suspended", since, None))
    return found


def state_at(changes: Iterable[Change], moment: datetime) -> State:
    """The standing at an instant. A change holds from its instant on, inclusive; termination is final.

    `changes` come in the order of their recording: of two from the same instant the later one holds.
    """
    state: State = "not enrolled"
    for change in sorted(changes, key=lambda change: change.effective_at):
        if change.effective_at > moment or state == "terminated":
            break
        state = _STATE_AFTER[change.kind]
    return state


def terminated_at(changes: Iterable[Change]) -> datetime | None:
    """From when on nothing counts any more; None while the broker is not terminated."""
    ends = [change.effective_at for change in changes if change.kind == "terminated"]
    return min(ends, default=None)
