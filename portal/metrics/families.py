"""The facts of the database as families of Prometheus: the same from whichever host they are asked."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from payouts.feed.tally import DISCARDED
from portal.health.signs import Queue, Sign, State, signs
from portal.metrics.facts import Seen
from portal.staff.quarantine_words import REASONS

_STATES = {State.OK: 0, State.LATE: 1, State.BROKEN: 2}
#: Reasons of the feed's contract; a new one is `other` until it is named here.
_EXCLUDED = frozenset({"system_order", "market_type", "terminated", DISCARDED})
KNOWN_REASONS = frozenset(REASONS) | _EXCLUDED
#: No queue, though health tells it as one.
_NO_QUEUE = "quarantine_share"

_ALL_WELL = "State of each sign of health: 0 ok, 1 late, 2 broken; what is late and broken says the portal."


def families(seen: Seen | None, *, now: datetime) -> Iterator[Metric]:
    """All of them. None: the database does not answer, and nothing but that is known."""
    yield GaugeMetricFamily(
        "portal_database_up", "Whether the database answers.", value=0 if seen is None else 1
    )
    said = signs(None if seen is None else seen.health, now=now)
    yield _labelled("portal_sign_state", _ALL_WELL, "sign", {each.name: _STATES[each.state] for each in said})
    if seen is not None and seen.health.is_migrated:
        yield from _health(seen, {each.name: each for each in said}, now)
        yield from _feed(seen, now)
        yield from _stages(seen)


def _health(seen: Seen, said: Mapping[str, Sign], now: datetime) -> Iterator[Metric]:
    queues = {name: queue for name, queue in seen.health.queues.items() if name != _NO_QUEUE}
    queues |= seen.queues
    yield _labelled(
        "portal_queue_waiting",
        "How much waits.",
        "queue",
        {name: queue.waiting for name, queue in queues.items()},
    )
    yield _labelled(
        "portal_queue_oldest_seconds",
        "How long the oldest thing that waits has done so; 0 where nothing waits.",
        "queue",
        {name: _age(queue, now) for name, queue in queues.items()},
    )
    yield from _ages(
        {
            "portal_worker_beat_age_seconds": (
                "Since a worker last did what beat had woken it for.",
                seen.health.canary_beat_at,
            ),
            "portal_books_checked_age_seconds": (
                "Since all invariants of the books were last checked.",
                seen.health.books_checked_at,
            ),
        },
        now,
    )
    yield GaugeMetricFamily(
        "portal_books_breaches",
        "Invariants of the books that did not hold at the last check.",
        value=seen.health.breaches,
    )
    yield GaugeMetricFamily(
        "portal_quarantine_jump_records",
        "Records that went to quarantine in the last hour, if that is suddenly much; else 0.",
        value=said[_NO_QUEUE].number or 0,
    )


def _feed(seen: Seen, now: datetime) -> Iterator[Metric]:
    places = GaugeMetricFamily(
        "portal_feed_records",
        "Where all records that ever came are now; they move when quarantine is worked off.",
        labels=["place", "reason"],
    )
    counted: dict[tuple[str, str], int] = dict.fromkeys(
        [(place, "") for place in ("accepted", "duplicate")]
        + [("quarantined", reason) for reason in REASONS]
        + [("excluded", reason) for reason in sorted(_EXCLUDED)],
        0,
    )
    for (place, reason), records in seen.tally.items():
        known = reason if not reason or reason in KNOWN_REASONS else "other"
        counted[place, known] = counted.get((place, known), 0) + records
    for (place, reason), records in counted.items():
        places.add_metric([place, reason], records)
    yield places
    yield CounterMetricFamily(
        "portal_feed_received", "Records that ever came.", value=sum(seen.tally.values())
    )
    yield from _ages(
        {
            "portal_feed_received_age_seconds": ("Since the last batch came.", seen.last_received_at),
            "portal_feed_executed_age_seconds": (
                "Since the latest accepted fill was executed.",
                seen.latest_executed_at,
            ),
        },
        now,
    )


def _stages(seen: Seen) -> Iterator[Metric]:
    yield _labelled("portal_letters", "States of the latest 10,000 letters.", "state", seen.letters)
    yield _labelled(
        "portal_run_brokers",
        "Brokers of the latest month by how far its calculation is.",
        "state",
        seen.run,
    )
    yield _labelled("portal_payouts", "Payouts of the latest month by state.", "state", seen.payouts)


def _labelled(name: str, says: str, label: str, values: Mapping[str, float]) -> Metric:
    found = GaugeMetricFamily(name, says, labels=[label])
    for said, value in values.items():
        found.add_metric([said], value)
    return found


def _ages(moments: Mapping[str, tuple[str, datetime | None]], now: datetime) -> Iterator[Metric]:
    """Seconds since each moment; nothing where it never was."""
    for name, (says, moment) in moments.items():
        found = GaugeMetricFamily(name, says, labels=[])
        if moment is not None:
            found.add_metric([], max((now - moment).total_seconds(), 0))
        yield found


def _age(queue: Queue, now: datetime) -> float:
    if not queue.waiting or queue.oldest is None:
        return 0
    return max((now - queue.oldest).total_seconds(), 0)
