"""What the database says to monitors beyond the signs of health: one look, a few more short questions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import TextChoices

from payouts.monthend.models import Payout, WorkItem
from portal.health import facts as health
from portal.health.signs import Facts, Queue
from portal.letters.models import Letter

#: Of how many letters it is told how far they have come, the latest first.
LETTERS = 10_000

_TALLY = "SELECT place, reason, sum(records) FROM feed_tally GROUP BY place, reason ORDER BY 1, 2"
#: The same as `payouts.feed.watermark` says to the exchange.
_WATERMARK = """
    SELECT (SELECT received_at FROM feed_batch ORDER BY id DESC LIMIT 1),
           (SELECT max(latest_executed_at) FROM feed_batch)
"""
#: Queues that wait for a sweep or a person and are no sign of health.
_QUEUES = """
    SELECT 'exports_to_make', count(*), min(asked_at) FROM statement_export WHERE state IN ('due', 'working')
    UNION ALL
    SELECT 'replays', count(*), min(asked_at) FROM quarantine_replay WHERE finished_at IS NULL
    UNION ALL
    SELECT 'quarantined_records', count(*), min(received_at) FROM quarantine_place WHERE state = 'waiting'
"""
_LETTERS = f"""
    SELECT state, count(*) FROM (SELECT state FROM letter ORDER BY id DESC LIMIT {LETTERS}) AS latest
    GROUP BY state
"""
#: How far the latest month has come: its calculation, and then the payouts.
_LATEST_RUN = "(SELECT id FROM month_run ORDER BY month DESC LIMIT 1)"
_RUN = f"SELECT state, count(*) FROM run_item WHERE run_id = {_LATEST_RUN} GROUP BY state"
_PAYOUTS = f"SELECT state, count(*) FROM payout WHERE run_id = {_LATEST_RUN} GROUP BY state"


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look found."""

    health: Facts
    #: (place, reason) → how many records are there.
    tally: Mapping[tuple[str, str], int]
    #: When the last batch came, and when the latest accepted fill was executed.
    last_received_at: datetime | None
    latest_executed_at: datetime | None
    queues: Mapping[str, Queue]
    #: State → how many, of the latest letters, and of the brokers and payouts of the latest month.
    letters: Mapping[str, int]
    run: Mapping[str, int]
    payouts: Mapping[str, int]


def seen(cursor: Any, *, now: datetime) -> Seen:
    """Read everything. Before the first migration only that it is missing."""
    found = health.facts(cursor, now=now)
    if not found.is_migrated:
        return Seen(found, {}, None, None, {}, {}, {}, {})
    cursor.execute(_TALLY)
    tally = {(place, reason): int(records) for place, reason, records in cursor.fetchall()}
    cursor.execute(_WATERMARK)
    received, executed = cursor.fetchone()
    cursor.execute(_QUEUES)
    queues = {name: Queue(waiting, oldest) for name, waiting, oldest in cursor.fetchall()}
    return Seen(
        found,
        tally,
        received,
        executed,
        queues,
        letters=_by_state(cursor, _LETTERS, Letter.State),
        run=_by_state(cursor, _RUN, WorkItem.State),
        payouts=_by_state(cursor, _PAYOUTS, Payout.State),
    )


def _by_state(cursor: Any, question: str, states: type[TextChoices]) -> dict[str, int]:
    """Every state, also those in which nothing is."""
    cursor.execute(question)
    return dict.fromkeys(states.values, 0) | dict(cursor.fetchall())
