"""How many records are in which place: kept by every intake in its own transaction."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from payouts.feed.prepared import Prepared

#: Intakes at the same time count in rows of their own, so that none waits for another's commit.
SLOTS = 16
DISCARDED = "discarded"
_COUNT = f"""
    INSERT INTO feed_tally (slot, place, reason, records)
    SELECT mod(pg_backend_pid(), {SLOTS}), place, reason, records
    FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS counted (place, reason, records)
    ORDER BY place, reason
    ON CONFLICT (slot, place, reason) DO UPDATE SET records = feed_tally.records + excluded.records
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """Records by place, and by reason where there is one; the four places add up to all received."""

    received: int
    accepted: int
    duplicate: int
    excluded: dict[str, int] = field(default_factory=dict)
    quarantined: dict[str, int] = field(default_factory=dict)


def count(cursor: Any, booked: Prepared, corrected: Iterable[tuple[str, int]]) -> None:
    """Add a batch, and move what it corrected. Called last of all in its transaction: the rows are held for
    a moment only."""
    add(
        cursor,
        [
            ("accepted", "", booked.accepted),
            ("duplicate", "", booked.duplicate),
            *(("excluded", reason, records) for reason, records in booked.excluded.items()),
            *(("quarantined", reason, records) for reason, records in booked.quarantined.items()),
            *moved(corrected),
        ],
    )


def moved(discarded: Iterable[tuple[str, int]]) -> Iterator[tuple[str, str, int]]:
    """What to add for records that waited, by reason, and were discarded."""
    for reason, records in discarded:
        yield ("quarantined", reason, -records)
        yield ("excluded", DISCARDED, records)


def add(cursor: Any, counted: Iterable[tuple[str, str, int]]) -> None:
    """Add (place, reason, records); below zero for records that left a place. Likewise called last."""
    records: Counter[tuple[str, str]] = Counter()
    for place, reason, more in counted:
        records[place, reason] += more
    rows = [(*place, more) for place, more in records.items() if more]
    if rows:
        cursor.execute(_COUNT, [list(column) for column in zip(*rows, strict=True)])


def read() -> Counted:
    """Where all records are now."""
    found: dict[str, Counter[str]] = {
        place: Counter() for place in ("accepted", "duplicate", "excluded", "quarantined")
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT place, reason, sum(records) FROM feed_tally GROUP BY place, reason"
            " HAVING sum(records) <> 0 ORDER BY 1, 2"
        )
        for place, reason, records in cursor:
            found[place][reason] = int(records)
    return Counted(
        received=sum(sum(reasons.values()) for reasons in found.values()),
        accepted=found["accepted"].total(),
        duplicate=found["duplicate"].total(),
        excluded=dict(found["excluded"]),
        quarantined=dict(found["quarantined"]),
    )
