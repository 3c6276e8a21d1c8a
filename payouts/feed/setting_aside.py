"""What people decide about records in quarantine: discard, reopen, ask the exchange. All or nothing."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection, transaction

from payouts.feed import moving, tally
from payouts.feed.quarantine_models import QuarantinePlace
from payouts.refusal import Refusal

#: The longest note, in characters.
LONGEST_NOTE = 2_000
#: Records that one statement moves; all statements of an act are one transaction.
_AT_ONCE = 5_000
#: An act that lost a race is decided again.
_TRIES = 5

_MOVED = """
    WITH moved AS (
        INSERT INTO quarantine_change (record_id, act, from_state, from_reason, to_state, to_reason, note,
                                       by_id, at)
        {chosen}
        RETURNING from_reason, to_reason
    )
    SELECT from_reason, to_reason, count(*) FROM moved GROUP BY 1, 2
"""
_DISCARD = _MOVED.format(
    chosen="""
        SELECT record_id, 'discarded', state, reason, 'discarded', 'discarded', %(note)s, %(by)s, %(at)s
        FROM quarantine_place WHERE record_id = ANY (%(records)s) AND state = 'waiting' ORDER BY record_id"""
)
#: Each for the reason that it had before it was discarded, or closed by a corrected record.
_REOPEN = _MOVED.format(
    chosen="""
        SELECT record_id, 'reopened', state, reason, 'waiting', latest.from_reason, %(note)s, %(by)s, %(at)s
        FROM quarantine_place AS place JOIN (
            SELECT DISTINCT ON (record_id) record_id, from_reason FROM quarantine_change
            WHERE record_id = ANY (%(records)s) AND to_state = 'discarded' ORDER BY record_id, id DESC
        ) AS latest USING (record_id)
        WHERE record_id = ANY (%(records)s) AND state = 'discarded' ORDER BY record_id"""
)
_ASK = _MOVED.format(
    chosen="""
        SELECT record_id, 'asked', state, reason, state, reason, %(note)s, %(by)s, %(at)s
        FROM quarantine_place WHERE record_id = ANY (%(records)s) AND state = 'waiting' ORDER BY record_id"""
)

#: From which reason to which, and how many.
_Moved = list[tuple[str, str, int]]


class NotWaiting(Refusal):
    """The records do not wait, or not any more."""


class NotDiscarded(Refusal):
    """Only what was discarded is reopened."""


class NothingSaid(Refusal):
    """A discard and a reopening are for a reason that somebody writes down."""


def discard(*, records: Collection[int] | None, reason: str, note: str, by: int, now: datetime) -> int:
    """Discard these records, or with None all that wait with the reason; how many.

    From then on they count as excluded. Refuses `NotWaiting`, also if one alone of those given does not wait,
    and `NothingSaid`.
    """
    said = _said(note)

    def act(cursor: Any) -> int:
        moved = _move(cursor, _DISCARD, _waiting(records, reason), note=said, by=by, at=now)
        tally.add(cursor, list(tally.moved((before, number) for before, _, number in moved)))
        return _all_that_wait(moved, records)

    return _at_once(act)


def reopen(*, records: Collection[int], note: str, by: int, now: datetime) -> int:
    """Let discarded records wait again, each for the reason that it waited for before; how many.

    Refuses `NotDiscarded` and `NothingSaid`.
    """
    said = _said(note)

    def act(cursor: Any) -> int:
        moved = _move(cursor, _REOPEN, sorted(set(records)), note=said, by=by, at=now)
        tally.add(cursor, list(tally.moved((after, -number) for _, after, number in moved)))
        reopened = sum(number for _, _, number in moved)
        if not reopened or reopened < len(set(records)):
            raise NotDiscarded(
                "Some of these records are not discarded: open the page anew and choose again."
            )
        return reopened

    return _at_once(act)


def ask_exchange(*, records: Collection[int] | None, reason: str, by: int, now: datetime) -> int:
    """Note that the exchange is asked about these records, or all that wait with the reason; how many.

    Refuses `NotWaiting`.
    """

    def act(cursor: Any) -> int:
        moved = _move(cursor, _ASK, _waiting(records, reason), note="", by=by, at=now)
        return _all_that_wait(moved, records)

    return _at_once(act)


def _said(note: str) -> str:
    said = note.strip()
    if not said or len(said) > LONGEST_NOTE:
        raise NothingSaid(f"Write down why, in at most {LONGEST_NOTE:,} characters.")
    return said


def _at_once(act: Callable[[Any], int]) -> int:
    """In one transaction, again from its beginning if an intake closed one of the records meanwhile."""
    for attempt in range(_TRIES):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                moving.enter()
                return act(cursor)
        except DatabaseError as problem:
            if not moving.lost_a_race(problem) or attempt == _TRIES - 1:
                raise
    raise AssertionError("the last try either returns or raises")


def _waiting(records: Collection[int] | None, reason: str) -> Sequence[int]:
    if records is not None:
        return sorted(set(records))
    waiting = QuarantinePlace.objects.filter(state=QuarantinePlace.State.WAITING, reason=reason)
    return list(waiting.order_by("record").values_list("record", flat=True))


def _move(cursor: Any, statement: str, records: Sequence[int], **values: Any) -> _Moved:
    """In the order of their numbers, as all do that lock places."""
    moved: _Moved = []
    for chunk in _chunks(records):
        cursor.execute(statement, {"records": chunk} | values)
        moved += cursor.fetchall()
    return moved


def _chunks(records: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(records), _AT_ONCE):
        yield list(records[start : start + _AT_ONCE])


def _all_that_wait(moved: _Moved, records: Collection[int] | None) -> int:
    """How many were moved; what an intake closed since they were chosen by their reason is none of them."""
    number = sum(each for _, _, each in moved)
    if number and (records is None or number == len(set(records))):
        return number
    raise NotWaiting("Some of these records wait no more: open the page anew and choose again.")
