"""Records in quarantine for tests: how they come there, what is done about them, where they are."""

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection

from payouts import books
from payouts.feed import quarantine, replaying, setting_aside, tally
from payouts.feed.replaying import Progress
from payouts.models import QuarantinePlace
from tests import make
from tests.payouts.desk.standing_acts import person


def waits(**changes: Any) -> int:
    """A record that comes, and must wait; its number."""
    assert sum(make.fills(make.record(**changes)).quarantined.values()) == 1
    return int(QuarantinePlace.objects.latest("pk").pk)


def came(*records: dict[str, Any]) -> list[int]:
    """Records that come in one batch; the numbers of those that wait."""
    before = set(QuarantinePlace.objects.values_list("pk", flat=True))
    make.take_in([json.dumps(each).encode() for each in records])
    return sorted(set(QuarantinePlace.objects.values_list("pk", flat=True)) - before)


def replay(*, now: datetime = make.NOW, **asked: Any) -> Progress:
    """Ask for a replay and work it off."""
    number = replaying.ask(by=person(), now=now, **asked)
    replaying.work(clock=lambda: now)
    found = replaying.progress(number)
    assert found is not None
    return found


def went(progress: Progress) -> dict[str, int]:
    """Where the records of a finished replay went; places with none are left out."""
    assert progress.finished_at is not None
    named = {name: getattr(progress, name) for name in ("accepted", "duplicate", "excluded", "stayed")}
    return {name: records for name, records in named.items() if records}


def discard(records: Collection[int] | None = None, *, reason: str = "", note: str = "junk") -> int:
    return setting_aside.discard(records=records, reason=reason, note=note, by=person(), now=make.NOW)


def reopen(*records: int) -> int:
    return setting_aside.reopen(records=records, note="a mistake", by=person(), now=make.NOW)


def place(number: int) -> str:
    """Where a record is and why, in a word or two."""
    found = QuarantinePlace.objects.get(pk=number)
    return f"{found.state} {found.reason}".strip()


def acts(number: int) -> list[str]:
    """What happened to a record, oldest first."""
    found = quarantine.record(number)
    assert found is not None
    return [each.act for each in found.changes]


def counted() -> dict[str, int]:
    """The tally in one dictionary; the books must be sound with it."""
    assert [each.invariant for each in books.breaches()] == []
    now = tally.read()
    shown = {"received": now.received, "accepted": now.accepted, "duplicate": now.duplicate}
    shown |= {f"excluded {reason}": records for reason, records in now.excluded.items()}
    shown |= {f"quarantined {reason}": records for reason, records in now.quarantined.items()}
    assert quarantine.waiting_count() == sum(now.quarantined.values())
    return {name: records for name, records in shown.items() if records}


def rows(query: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values or None)  # without values a % is a %
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
