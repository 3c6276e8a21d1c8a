"""One chunk of a replay: records decided again by rules 2 to 10 and moved, all in one transaction."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError, connection, transaction

from payouts import crash
from payouts.feed import booking, intake, moving, outcomes, partitions, prepared, rereading, tally
from payouts.feed.outcomes import Decided, Received
from payouts.feed.prepared import Prepared
from payouts.feed.quarantine_models import QuarantineReplay
from payouts.feed.record import Malformed
from payouts.feed.verdict import Verdict
from payouts.month import Month
from payouts.program import queries
from payouts.program.terms import Terms

log = logging.getLogger(__name__)

RECORDS, BYTES = 1_000, 16 * 1024 * 1024
#: What waits for this is never replayed: its bytes will not become readable.
UNREADABLE = "malformed"
#: A chunk that lost a race is decided again; after a few times while nobody books anything.
_TRIES, _TRIES_AMONG_OTHERS = 20, 4

#: In order of receipt; so many, and no more bytes than are good for memory, but one in any case.
_CHUNK = """
    SELECT record.id, place.reason, record.format, record.header, record.raw, record.raw_length
    FROM (
        SELECT id, reason, sum(raw_length) OVER (ORDER BY id) AS bytes,
               row_number() OVER (ORDER BY id) AS position
        FROM (
            SELECT place.record_id AS id, place.reason, kept.raw_length
            FROM quarantine_place AS place JOIN quarantined_record AS kept ON kept.id = place.record_id
            WHERE place.state = 'waiting' AND place.reason <> %(unreadable)s
              AND place.record_id > %(after)s AND place.record_id <= %(last)s
              AND (%(record)s::bigint IS NULL OR place.record_id = %(record)s)
              AND (%(reason)s = '' OR place.reason = %(reason)s)
            ORDER BY place.record_id LIMIT %(records)s
        ) AS first
    ) AS place JOIN quarantined_record AS record ON record.id = place.id
    WHERE place.position = 1 OR place.bytes <= %(bytes)s
    ORDER BY record.id
"""

CRASH_POINTS = ("replay: claimed", "replay: written", "replay: before commit", "replay: committed")


class _NoPartition(Exception):
    """Months whose partitions must be made, outside this transaction, before the chunk is written."""

    def __init__(self, months: frozenset[Month]) -> None:
        self.months = months


@dataclass(frozen=True, slots=True)
class _Kept:
    """A record that waits, and what it is by its bytes; None for one that cannot be read again."""

    number: int
    reason: str
    received: Received | None


def do(number: int, *, clock: Callable[[], datetime], terms: Callable[[Month], Terms]) -> int | None:
    """Decide the next records of a replay; how many. None: it has ended, or somebody else is at work on it.

    A chunk in which somebody moved a record, claimed a key or quarantined it meanwhile is decided again.
    """
    for attempt in range(_TRIES):
        try:
            done = _once(number, clock(), terms, alone=attempt >= _TRIES_AMONG_OTHERS)
        except _NoPartition as needed:
            partitions.make(needed.months)
        except (booking.Overtaken, DatabaseError) as problem:
            if not moving.lost_a_race(problem) or attempt == _TRIES - 1:
                raise
            log.info("a chunk of replay %d is decided again: %s", number, problem or "overtaken")
        else:
            crash.point("replay: committed")
            return done
    raise booking.Overtaken(f"replay {number}: partitions are missing again and again")


@transaction.atomic
def _once(number: int, now: datetime, terms: Callable[[Month], Terms], *, alone: bool) -> int | None:
    booking.enter(alone=alone)
    replay = claimed(number)
    if replay is None:
        return None
    moving.enter()
    crash.point("replay: claimed")
    waiting = _waiting(replay)
    replay.tried_at, replay.problem = now, ""
    if waiting:
        _decide(replay, waiting, now, terms)
    else:
        replay.finished_at = now
    replay.save(
        update_fields=[
            "reached_record_id",
            "looked_at",
            "accepted",
            "duplicate",
            "excluded",
            "stayed",
            "finished_at",
            "problem",
            "tried_at",
        ]
    )
    crash.point("replay: before commit")
    return len(waiting)


def claimed(number: int) -> QuarantineReplay | None:
    """The replay, for this transaction alone; None if it has ended or another is at work on it."""
    free = QuarantineReplay.objects.select_for_update(skip_locked=True)
    return free.filter(pk=number, finished_at=None).first()


def _waiting(replay: QuarantineReplay) -> list[_Kept]:
    with connection.cursor() as cursor:
        cursor.execute(
            _CHUNK,
            {
                "unreadable": UNREADABLE,
                "after": replay.reached_record_id,
                "last": replay.last_record_id,
                "record": replay.record_id,
                "reason": replay.reason,
                "records": RECORDS,
                "bytes": BYTES,
            },
        )
        return [_kept(*row) for row in cursor]


def _kept(number: int, reason: str, file_format: str, header: bytes, raw: bytes, length: int) -> _Kept:
    # Not the digest of the bytes: that is in quarantine, of course, and rule 0 is not asked again.
    digest = number.to_bytes(8)
    try:
        record = rereading.read(file_format=file_format, header=bytes(header), raw=bytes(raw))
    except Malformed as problem:
        log.warning("record %d in quarantine cannot be read again: %s", number, problem)
        return _Kept(number, reason, None)
    return _Kept(number, reason, Received(bytes(raw), length, digest, record))


def _decide(
    replay: QuarantineReplay, waiting: Sequence[_Kept], now: datetime, terms: Callable[[Month], Terms]
) -> None:
    legible = [(each, each.received) for each in waiting if each.received is not None]
    batch = [received for _, received in legible]
    alone = outcomes.standing_alone(batch, intake.judge(queries.enrolments(), now, terms))
    keys = {key for received in batch if (key := received.key) is not None}
    decided = outcomes.settle(batch, alone, known_keys=booking.known_keys(keys), quarantined_digests=())
    leaving = [
        (kept, received, found)
        for (kept, received), found in zip(legible, decided.outcomes, strict=True)
        if found.outcome != "quarantined"
    ]
    staying = [
        (kept, found)
        for (kept, _), found in zip(legible, decided.outcomes, strict=True)
        if found.outcome == "quarantined"
    ]
    booked = prepared.of(
        [received for _, received, _ in leaving],
        Decided([found for _, _, found in leaving]),
        file_format="",
        header=b"",
    )
    if missing := partitions.missing(booked.months_of_fills()):
        raise _NoPartition(missing)
    batch_id = None
    if leaving:
        batch_id = booking.write(
            booked, source=f"replay {replay.pk}", file_format="", header=b"", now=now, is_replay=True
        )
    crash.point("replay: written")
    _move(
        [_left(kept, found, batch_id) for kept, _, found in leaving]
        + [_stayed(kept, found) for kept, found in staying if found.reason != kept.reason],
        by=replay.asked_by_id,
        now=now,
    )
    _count(replay, waiting, booked)


def _left(kept: _Kept, found: Verdict, batch_id: int | None) -> moving.Move:
    return moving.Move(kept.number, "replayed", kept.reason, found.outcome, found.reason, batch_id)


def _stayed(kept: _Kept, found: Verdict) -> moving.Move:
    return moving.Move(kept.number, "stayed", kept.reason, moving.WAITING, found.reason, None)


def _move(moves: Sequence[moving.Move], *, by: int | None, now: datetime) -> None:
    counted = [("quarantined", each.from_reason, -1) for each in moves]
    counted += [("quarantined", each.to_reason, 1) for each in moves if each.to_state == moving.WAITING]
    with connection.cursor() as cursor:
        moving.write(cursor, moves, by=by, now=now)
        tally.add(cursor, counted)


def _count(replay: QuarantineReplay, waiting: Sequence[_Kept], booked: Prepared) -> None:
    replay.reached_record_id = waiting[-1].number
    replay.looked_at += len(waiting)
    replay.accepted += booked.accepted
    replay.duplicate += booked.duplicate
    replay.excluded += sum(booked.excluded.values())
    replay.stayed += len(waiting) - booked.received
