"""What must always be true of the books: each invariant a query by name that returns its breaches."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from importlib import import_module
from typing import TypeVar

from django.conf import settings
from django.db import connection

from payouts.desk.invariants import INVARIANTS as DESK
from payouts.feed.invariants import INVARIANTS as FEED
from payouts.ledger.invariant import Check, Invariant
from payouts.ledger.invariants import INVARIANTS as LEDGER
from payouts.ledger.models import BooksCheck
from payouts.money import plain
from payouts.month import Month
from payouts.monthend.invariants import CHECKS as MONTHEND_CHECKS
from payouts.monthend.invariants import INVARIANTS as MONTHEND
from payouts.monthend.snapshot import one_snapshot
from payouts.refusal import Refusal
from payouts.settlement.invariants import INVARIANTS as SETTLEMENT
from payouts.statements.invariants import CHECKS as STATEMENTS_CHECKS
from payouts.statements.invariants import INVARIANTS as STATEMENTS

#: How many offending rows of one invariant are shown; their number is always told.
SHOWN = 5
#: The night's check is due this long after the day has begun in UTC, once a day.
NIGHTLY_AFTER = timedelta(hours=2)
NIGHTLY = "nightly"
_NIGHTLY_LOCK = 7_230_061

T = TypeVar("T")

#: The name says what must hold; the query returns the rows for which it does not.
INVARIANTS: dict[str, Invariant] = FEED | MONTHEND | LEDGER | STATEMENTS | SETTLEMENT | DESK


#: The same for what no query can tell.
CHECKS: dict[str, Check] = MONTHEND_CHECKS | STATEMENTS_CHECKS


class BooksAreBreached(Refusal):
    """Nothing is approved or sent while an invariant does not hold."""


@dataclass(frozen=True, slots=True)
class Breach:
    """An invariant that does not hold, how often, the first rows for which it does not, and what helps."""

    invariant: str
    rows: int
    examples: list[dict[str, str]]
    helps: str


def all_invariants() -> dict[str, Invariant]:
    """The engine's own, and those of the modules that the settings name in BOOKS."""
    found = dict(INVARIANTS)
    for module in settings.BOOKS:
        found |= import_module(module).INVARIANTS
    return found


def breaches() -> list[Breach]:
    """Every invariant that does not hold at this moment; an empty list is a good book.

    All are read in one snapshot, while intakes and calculations go on. Inside a transaction of the caller's
    the snapshot is the caller's.
    """
    with one_snapshot():
        found = [_broken(name, invariant) for name, invariant in all_invariants().items()]
        found += [_unlike(name, check) for name, check in CHECKS.items()]
    return [each for each in found if each is not None]


def check(*, now: datetime, occasion: str) -> BooksCheck:
    """Look at every invariant and keep what was found; a breach refuses approvals and sending from then on.

    `occasion` is like "nightly" or "before the run of 2026-10".
    """
    begun = time.monotonic()
    found = breaches()
    took = int((time.monotonic() - begun) * 1000)
    return BooksCheck.objects.create(
        checked_at=now, occasion=occasion, breaches=[asdict(each) for each in found], took_ms=took
    )


def check_due(*, now: datetime) -> BooksCheck | None:
    """The night's check, once a UTC day however often it is asked for; None if it is not due.

    Also None while another worker is at it: of many fills a check takes longer than the time between two
    wakings.
    """
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if now < today + NIGHTLY_AFTER:
        return None
    with _one_at_a_time() as is_ours:
        if not is_ours or _was_checked(since=today):
            return None
        return check(now=now, occasion=NIGHTLY)


def around_run(month: Month, run: Callable[[], T], *, clock: Callable[[], datetime]) -> T:
    """Check the books, do the run of a month, and check them again, whatever came of it.

    A breach found before does not keep the month from being calculated: a run only writes drafts, and
    approving them is refused.
    """
    check(now=clock(), occasion=f"before the run of {month}")
    try:
        return run()
    finally:
        check(now=clock(), occasion=f"after the run of {month}")


def must_be_sound() -> None:
    """Refuse `BooksAreBreached` if the latest check found a breach; books never checked are sound."""
    latest = BooksCheck.objects.order_by("-checked_at", "-pk").first()
    if latest is not None and latest.breaches:
        names = "; ".join(each["invariant"] for each in latest.breaches)
        raise BooksAreBreached(
            f"The books do not hold ({names}): repair them until `manage.py check_books` finds nothing."
        )


@contextmanager
def _one_at_a_time() -> Iterator[bool]:
    """Whether nobody else is at the night's check."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_NIGHTLY_LOCK])
        is_ours = cursor.fetchone()[0]
    try:
        yield is_ours
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_NIGHTLY_LOCK])


def _was_checked(*, since: datetime) -> bool:
    return BooksCheck.objects.filter(occasion=NIGHTLY, checked_at__gte=since).exists()


def _broken(name: str, invariant: Invariant) -> Breach | None:
    with connection.cursor() as cursor:
        # Without parameters: a query may say % and mean it.
        cursor.execute(
            f"SELECT count(*) OVER () AS breaches, breach.* FROM ({invariant.query}) AS breach LIMIT {SHOWN}"
        )
        columns = [column.name for column in cursor.description][1:]
        rows = cursor.fetchall()
    if not rows:
        return None
    examples = [dict(zip(columns, map(_written, row[1:]), strict=True)) for row in rows]
    return Breach(name, rows[0][0], examples, invariant.helps)


def _written(value: object) -> str:
    return plain(value) if isinstance(value, Decimal) else str(value)


def _unlike(name: str, check: Check) -> Breach | None:
    rows = check.find()
    return Breach(name, len(rows), rows[:SHOWN], check.helps) if rows else None
