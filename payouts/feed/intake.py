"""Takes in a source of records, batch by batch, each all or nothing."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.db import OperationalError, connection, transaction

from payouts.feed import booking, outcomes, partitions
from payouts.feed.files import BrokenOff, Source
from payouts.feed.lanes import open_lanes
from payouts.feed.outcomes import Decided, Received
from payouts.feed.verdict import Enrolment, Judge
from payouts.month import Month
from payouts.program import queries
from payouts.program.terms import Terms, terms_for

#: A batch that lost a race is decided again; more often than this is not a race any more.
_TRIES = 20
#: After these the batch is booked while no other is: small batches could overtake a large one for ever.
_TRIES_AMONG_OTHERS = 4


class _NoPartition(Exception):
    """Months whose partitions must be made, outside this transaction, before the batch is written."""

    def __init__(self, months: frozenset[Month]) -> None:
        self.months = months


@dataclass(slots=True)
class Tally:
    """Where the records of one or more sources went: the four places always add up."""

    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    excluded: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    broken_off: bool = False

    def add(self, decided: Decided) -> None:
        self.received += len(decided.outcomes)
        self.accepted += decided.count("accepted")
        self.duplicate += decided.count("duplicate")
        self.excluded += decided.reasons("excluded")
        self.quarantined += decided.reasons("quarantined")

    def as_json(self) -> dict[str, Any]:
        """As the feed contract prints it: reasons in alphabetical order, none with 0."""
        shown: dict[str, Any] = {
            "received": self.received,
            "accepted": self.accepted,
            "duplicate": self.duplicate,
            "excluded": dict(sorted(self.excluded.items())),
            "quarantined": dict(sorted(self.quarantined.items())),
        }
        return shown | ({"broken_off": True} if self.broken_off else {})


def take_in(
    source: Source,
    *,
    clock: Callable[[], datetime],
    tally: Tally,
    terms: Callable[[Month], Terms] = terms_for,
    progress: Callable[[Tally], None] = lambda _: None,
    lanes: int = 1,
) -> None:
    """Book every record of a source and add to the tally as batches are committed.

    A source that breaks off leaves what was read booked and says so in the tally. With more lanes than
    one, batches that share no key are written side by side, each on a connection of its own.
    """
    booker = _Booker(source, terms)
    with open_lanes(lanes) as lane:
        try:
            for batch in source.batches():
                for decided in lane.send(batch, partial(booker.book, batch, now=clock())):
                    tally.add(decided)
                progress(tally)
        except BrokenOff:
            tally.broken_off = True
        for decided in lane.finish():
            tally.add(decided)
        progress(tally)


class _Booker:
    """Books the batches of one source."""

    def __init__(self, source: Source, terms: Callable[[Month], Terms]) -> None:
        self._source = source
        self._terms = terms
        # Nearly every batch is all new, and then looking each key up is work for nothing: the keys'
        # constraint says when it was not so, and this batch and the next are decided with a look-up.
        self._looks_all_up = False

    def book(self, batch: list[Received], *, now: datetime) -> Decided:
        for attempt in range(_TRIES):
            try:
                return self._book_once(batch, now, alone=attempt >= _TRIES_AMONG_OTHERS)
            except booking.Overtaken:
                self._looks_all_up = True
            except _NoPartition as needed:
                partitions.make(needed.months)
            except OperationalError as problem:
                if not _is_deadlock(problem) or connection.in_atomic_block:
                    raise
        raise booking.Overtaken(f"{self._source.name}: other intakes kept claiming the same records")

    def _book_once(self, batch: list[Received], now: datetime, *, alone: bool) -> Decided:
        source = self._source
        judge = _judge(now, self._terms)
        by_themselves = outcomes.standing_alone(batch, judge)
        asked_of = batch if self._looks_all_up else outcomes.not_claiming(batch, by_themselves)
        with transaction.atomic():
            booking.enter(alone=alone)
            known_keys = booking.known_keys(asked_of)
            decided = outcomes.settle(
                batch,
                by_themselves,
                known_keys=known_keys,
                quarantined_digests=booking.quarantined_digests(batch, source.format),
            )
            if missing := partitions.missing(outcomes.months_of_accepted(batch, decided)):
                raise _NoPartition(missing)
            booking.write(
                batch,
                decided,
                source=source.name,
                file_format=source.format,
                header=source.header,
                now=now,
            )
        self._looks_all_up = bool(known_keys)
        return decided


def _judge(now: datetime, terms: Callable[[Month], Terms]) -> Judge:
    brokers = {
        broker.code: Enrolment(
            broker.enrolled_at.astimezone(UTC).replace(tzinfo=None),
            broker.terminated_at and broker.terminated_at.astimezone(UTC).replace(tzinfo=None),
        )
        for broker in queries.enrolments()
    }
    return Judge(brokers=brokers, terms_for=terms, now=now.astimezone(UTC).replace(tzinfo=None))


def _is_deadlock(problem: OperationalError) -> bool:
    return getattr(problem.__cause__, "sqlstate", "") in ("40P01", "40001")
