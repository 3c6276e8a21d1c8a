"""Takes in a source of records, batch by batch, each all or nothing."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.db import OperationalError, connection, transaction

from payouts.feed import booking, outcomes, partitions, prepared, reading
from payouts.feed.files import BrokenOff, Offer, Source
from payouts.feed.lanes import open_lanes
from payouts.feed.outcomes import Received
from payouts.feed.prepared import Prepared
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

    def add(self, booked: Prepared) -> None:
        self.received += booked.received
        self.accepted += booked.accepted
        self.duplicate += booked.duplicate
        self.excluded += Counter(booked.excluded)
        self.quarantined += Counter(booked.quarantined)

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
    booker = Booker(source, terms)
    with open_lanes(lanes) as lane:
        try:
            for offer in source.offers(lanes=lanes):
                work = partial(booker.book, offer, now=clock())
                for booked in lane.send(work, follows=offer.follows):
                    tally.add(booked)
                progress(tally)
        except BrokenOff:
            tally.broken_off = True
        for booked in lane.finish():
            tally.add(booked)
        progress(tally)


def open_ahead(name: str, *, clock: Callable[[], datetime], lanes: int) -> Source:
    """Open a file to be read, checked and decided ahead by a process of its own. Raises `CannotOpen`."""
    enrolments = queries.enrolments()
    source = reading.open_ahead(name, judge=lambda: judge(enrolments, clock()), lanes=lanes)
    source.decided_with = enrolments
    return source


class Around:
    """What else belongs into the transaction of a batch; nothing, unless it is said."""

    def begin(self) -> None:
        """Before anything is looked up or written; again with each try."""

    def end(self, batch_id: int, booked: Prepared) -> None:
        """After all is written."""


class Booker:
    """Books the batches of one source."""

    def __init__(
        self, source: Source, terms: Callable[[Month], Terms] = terms_for, around: Around | None = None
    ) -> None:
        self._source = source
        self._terms = terms
        self._around = around or Around()
        # Nearly every batch is all new, and then looking each key up is work for nothing. The keys'
        # constraint says when it was not so; this batch and those after it are looked up first.
        self._expects_known = False

    def book(self, offer: Offer, *, now: datetime) -> Prepared:
        """Book a batch as it was prepared, or decide it again with all that is known."""
        again = self._expects_known or offer.prepared is None
        for attempt in range(_TRIES):
            try:
                alone = attempt >= _TRIES_AMONG_OTHERS
                return self._book_once(offer, now, again=again, alone=alone)
            except booking.Overtaken:
                again = True
            except _NoPartition as needed:
                partitions.make(needed.months)
            except OperationalError as problem:
                if not _is_deadlock(problem) or connection.in_atomic_block:
                    raise
        raise booking.Overtaken(f"{self._source.name}: other intakes kept claiming the same records")

    def _book_once(self, offer: Offer, now: datetime, *, again: bool, alone: bool) -> Prepared:
        source = self._source
        with transaction.atomic():
            booking.enter(alone=alone)
            self._around.begin()
            if again or offer.prepared is None:
                batch = self._decide(offer.whole(), now)
                is_new = False
            else:
                batch = offer.prepared
                self._must_be_new(batch)
                is_new = True
            if missing := partitions.missing(batch.months_of_fills()):
                raise _NoPartition(missing)
            batch_id = booking.write(
                batch,
                source=source.name,
                file_format=source.format,
                header=source.header,
                now=now,
                is_new=is_new,
            )
            self._around.end(batch_id, batch)
        return batch

    def _must_be_new(self, batch: Prepared) -> None:
        """Raise `Overtaken` if what the batch was prepared with is not what is known now."""
        if (
            self._terms is not terms_for
            or queries.enrolments() != self._source.decided_with
            or booking.known_keys(batch.waiting_keys)
            or booking.quarantined_digests(batch.marks, self._source.format)
        ):
            raise booking.Overtaken

    def _decide(self, batch: list[Received], now: datetime) -> Prepared:
        keys = {key for received in batch if (key := received.key) is not None}
        known_keys = booking.known_keys(keys)
        decided = outcomes.decide(
            batch,
            judge=judge(queries.enrolments(), now, self._terms),
            known_keys=known_keys,
            quarantined_digests=booking.quarantined_digests(prepared.marks(batch), self._source.format),
        )
        self._expects_known = bool(known_keys)
        return prepared.of(batch, decided, file_format=self._source.format, header=self._source.header)


def judge(
    enrolments: Iterable[queries.Enrolment], now: datetime, terms: Callable[[Month], Terms] = terms_for
) -> Judge:
    """Who decides what a record is by itself, with these brokers and this clock."""
    brokers = {
        broker.code: Enrolment(
            broker.enrolled_at.astimezone(UTC).replace(tzinfo=None),
            broker.terminated_at and broker.terminated_at.astimezone(UTC).replace(tzinfo=None),
        )
        for broker in enrolments
    }
    return Judge(brokers=brokers, terms_for=terms, now=now.astimezone(UTC).replace(tzinfo=None))


def _is_deadlock(problem: OperationalError) -> bool:
    return getattr(problem.__cause__, "sqlstate", "") in ("40P01", "40001")
