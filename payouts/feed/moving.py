"""Moves records in quarantine: writes the changes that the places follow. Called inside a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, OperationalError, connection

from payouts.feed.booking import Overtaken

WAITING, DISCARDED = "waiting", "discarded"
#: Held by whoever moves records until the transaction ends, but for intakes, which close what they correct.
_LOCK = 7_230_006
_WRITE = """
    INSERT INTO quarantine_change (record_id, act, from_state, from_reason, to_state, to_reason, note,
                                   batch_id, by_id, at)
    SELECT record_id, act, 'waiting', from_reason, to_state, to_reason, '', batch_id, %(by)s, %(at)s
    FROM unnest(%(records)s::bigint[], %(acts)s::text[], %(reasons)s::text[], %(states)s::text[],
                %(to_reasons)s::text[], %(batches)s::bigint[])
        AS moved (record_id, act, from_reason, to_state, to_reason, batch_id)
    ORDER BY record_id
"""


@dataclass(frozen=True, slots=True)
class Move:
    """A record that a replay moves, from where it waited."""

    record: int
    act: str
    from_reason: str
    to_state: str
    to_reason: str
    batch_id: int | None


def enter() -> None:
    """Begin to move records: one transaction after the other, so that none holds what another waits for."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def write(cursor: Any, moves: Sequence[Move], *, by: int | None, now: datetime) -> None:
    """Move records. Raises `IntegrityError` if one is not where it was."""
    if not moves:
        return
    cursor.execute(
        _WRITE,
        {
            "by": by,
            "at": now,
            "records": [each.record for each in moves],
            "acts": [each.act for each in moves],
            "reasons": [each.from_reason for each in moves],
            "states": [each.to_state for each in moves],
            "to_reasons": [each.to_reason for each in moves],
            "batches": [each.batch_id for each in moves],
        },
    )


def lost_a_race(problem: Exception) -> bool:
    """Whether somebody else was faster, so that it helps to look again. Not inside another transaction's
    deadlock, which ends all of it."""
    if isinstance(problem, OperationalError):
        is_deadlock = getattr(problem.__cause__, "sqlstate", "") in ("40P01", "40001")
        return is_deadlock and not connection.in_atomic_block
    return isinstance(problem, Overtaken | IntegrityError)
