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


def state_at(changes: Iterable[Change], moment: datetime) -> State:
    """The standing at an instant. A change holds from its instant on, inclusive; termination is final."""
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
