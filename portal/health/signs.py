"""What signs of life mean: how old something may be before it is late, and before it is broken. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    #: It goes on, but slower than it should: look at it.
    LATE = "late"
    #: It does not go on by itself: somebody has to do something.
    BROKEN = "broken"


_WORSE = (State.OK, State.LATE, State.BROKEN)
_AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Patience:
    """How old the oldest thing that waits may be. None: it never gets that bad by waiting."""

    late: timedelta
    broken: timedelta | None


#: What waits as rows, in the order in which it is told.
QUEUES: Mapping[str, Patience] = {
    "months_to_close": Patience(timedelta(minutes=10), timedelta(hours=2)),
    "work_of_runs": Patience(timedelta(minutes=5), timedelta(minutes=30)),
    "parked_brokers": Patience(_AT_ONCE, _AT_ONCE),
    "credits_to_send": Patience(timedelta(minutes=5), timedelta(hours=1)),
    "credits_unknown": Patience(timedelta(minutes=5), timedelta(hours=1)),
    "credits_for_people": Patience(_AT_ONCE, None),
    "days_to_reconcile": Patience(timedelta(hours=1), timedelta(hours=24)),
    "open_differences": Patience(_AT_ONCE, _AT_ONCE),
    "letters_due": Patience(timedelta(minutes=2), timedelta(hours=1)),
    "dead_letters": Patience(_AT_ONCE, _AT_ONCE),
    "questions_about_affiliates": Patience(timedelta(minutes=15), timedelta(hours=26)),
    "questions_about_accounts": Patience(timedelta(minutes=15), timedelta(hours=26)),
    "changes_of_account": Patience(timedelta(minutes=15), timedelta(hours=26)),
    "partitions_ahead": Patience(_AT_ONCE, None),
    "quarantine_share": Patience(_AT_ONCE, None),
}

#: A worker beats every 30 seconds: six missed ones are no coincidence.
CANARY_IS_STALE_AFTER = timedelta(minutes=3)
#: The books are checked every night: two hours may pass until the check is done.
BOOKS_ARE_STALE_AFTER = timedelta(hours=26)


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits: how many, and since when the oldest does."""

    waiting: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database says of itself and of all that works on it."""

    #: App → its latest migration that is applied.
    schema: Mapping[str, str]
    is_migrated: bool
    canary_beat_at: datetime | None
    books_checked_at: datetime | None
    #: Invariants that the latest check found broken.
    breaches: int
    last_reconciled: date | None
    queues: Mapping[str, Queue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing about the portal's health."""

    name: str
    state: State
    #: How many there are: breaches, letters; None where nothing is counted.
    number: int | None = None
    #: How old the oldest of them is, or how long ago the last time was; None: nothing waits, or never.
    age: timedelta | None = None


def worst(states: Iterable[State]) -> State:
    """The worst of all; nothing at all is ok."""
    return max(states, key=_WORSE.index, default=State.OK)


def signs(facts: Facts | None, *, now: datetime) -> list[Sign]:
    """Every sign, as it stands now. None: the database does not answer, and nothing else is known."""
    if facts is None:
        return [Sign("database", State.BROKEN)]
    found = [
        Sign("database", State.OK),
        Sign("schema", State.OK if facts.is_migrated else State.BROKEN),
    ]
    if not facts.is_migrated:
        return found
    queues = [queue(name, facts.queues.get(name, Queue(0, None)), now=now) for name in QUEUES]
    return [*found, _canary(facts, now), _books(facts, now), *queues]


def queue(name: str, found: Queue, *, now: datetime) -> Sign:
    """Whether what waits has waited too long."""
    if not found.waiting or found.oldest is None:
        return Sign(name, State.OK, found.waiting)
    age = max(now - found.oldest, _AT_ONCE)
    patience = QUEUES[name]
    if patience.broken is not None and age >= patience.broken:
        state = State.BROKEN
    else:
        state = State.LATE if age >= patience.late else State.OK
    return Sign(name, state, found.waiting, age)


def _canary(facts: Facts, now: datetime) -> Sign:
    age = None if facts.canary_beat_at is None else max(now - facts.canary_beat_at, _AT_ONCE)
    is_stale = age is None or age > CANARY_IS_STALE_AFTER
    return Sign("canary", State.BROKEN if is_stale else State.OK, None, age)


def _books(facts: Facts, now: datetime) -> Sign:
    """Books never checked are late: a portal that is new has its first check in its first night."""
    if facts.books_checked_at is None:
        return Sign("books", State.LATE, 0)
    age = max(now - facts.books_checked_at, _AT_ONCE)
    is_bad = facts.breaches > 0 or age > BOOKS_ARE_STALE_AFTER
    return Sign("books", State.BROKEN if is_bad else State.OK, facts.breaches, age)
