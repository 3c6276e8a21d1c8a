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


@dataclass(frozen=True, slots=True)
class Change:
    """One change of standing and the instant from which it holds."""

    kind: Kind
    effective_at: datetime
    #: What tells it from others; a lifting has that of the suspension which it ends.
    number: int = 0


@dataclass(frozen=True, slots=True)
class Range:
    """From when until when a broker is suspended or terminated: half-open; `ends_at` None is no end."""

    kind: Literal["suspended", "terminated"]
    starts_at: datetime
    ends_at: datetime | None
    #: Of the change that began it.
    number: int = 0

    def holds_at(self, moment: datetime) -> bool:
        return self.starts_at <= moment and (self.ends_at is None or moment < self.ends_at)

    def meets(self, other: "Range") -> bool:
        """Whether there is an instant in both."""
        return (other.ends_at is None or self.starts_at < other.ends_at) and (
            self.ends_at is None or other.starts_at < self.ends_at
        )


def ranges(changes: Iterable[Change]) -> list[Range]:
    """The ranges that follow from the changes, oldest first; in whatever order these come.

    A suspension ends where it is lifted or where the termination begins, whichever is earlier. One that was
    lifted at its start, or that would begin only after the termination, leaves no range.
    """
    changes = list(changes)
    gone = terminated_at(changes)
    lifted = {change.number: change.effective_at for change in changes if change.kind == "lifted"}
    found = []
    for change in changes:
        if change.kind == "suspended":
            ends = [each for each in (lifted.get(change.number), gone) if each is not None]
            ends_at = min(ends, default=None)
            if ends_at is None or change.effective_at < ends_at:
                found.append(Range("suspended", change.effective_at, ends_at, change.number))
        elif change.kind == "terminated" and change.effective_at == gone:
            found.append(Range("terminated", gone, None, change.number))
    return sorted(found, key=lambda each: each.starts_at)


def state_at(changes: Iterable[Change], moment: datetime) -> State:
    """The standing at an instant. A change holds from its instant on, inclusive; termination is final."""
    changes = list(changes)
    for each in ranges(changes):
        if each.holds_at(moment):
            return each.kind
    is_enrolled = any(change.kind == "enrolled" and change.effective_at <= moment for change in changes)
    return "active" if is_enrolled else "not enrolled"


def terminated_at(changes: Iterable[Change]) -> datetime | None:
    """From when on nothing counts any more; None while the broker is not terminated."""
    ends = [change.effective_at for change in changes if change.kind == "terminated"]
    return min(ends, default=None)
