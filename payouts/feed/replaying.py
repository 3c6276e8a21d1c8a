"""Replays: records in quarantine are decided again, chunk by chunk, after the cause is gone."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import Max

from payouts.feed import replay_chunk
from payouts.feed.quarantine_models import QuarantinePlace, QuarantineReplay
from payouts.feed.replay_chunk import UNREADABLE
from payouts.month import Month
from payouts.program.terms import Terms, terms_for
from payouts.refusal import Refusal

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

#: How long a sweep goes on; what is left the next one does.
TURN = timedelta(seconds=20)
#: After a problem the next sweep that tries again.
AGAIN = timedelta(minutes=1)
_LONGEST_PROBLEM = 500
_MEMBERS = """
    SELECT count(*) FROM quarantine_place
    WHERE state = 'waiting' AND reason <> %(unreadable)s AND record_id > %(after)s AND record_id <= %(last)s
      AND (%(record)s::bigint IS NULL OR record_id = %(record)s) AND (%(reason)s = '' OR reason = %(reason)s)
"""


class ReplayUnderWay(Refusal):
    """One replay at a time: another has not ended."""


class NothingToReplay(Refusal):
    """No record that could be replayed waits."""


class NoReplayUnderWay(Refusal):
    """The replay has ended already, or there is none with this number."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay is."""

    number: int
    #: "" and None: all that wait.
    reason: str
    record: int | None
    #: The login, by its number.
    asked_by: int | None
    asked_at: datetime
    #: How many it has still to look at.
    left: int
    looked_at: int
    accepted: int
    duplicate: int
    excluded: int
    stayed: int
    finished_at: datetime | None
    #: What stopped it last, in words; unless it has ended it is tried again.
    problem: str


def ask(*, reason: str = "", record: int | None = None, by: int | None, now: datetime) -> int:
    """Ask for a replay of one record, of all that wait with a reason, or of all; returns its number.

    What cannot be read is not replayed: the exchange has to send it again. Refuses `ReplayUnderWay`,
    `NothingToReplay`.
    """
    waiting = QuarantinePlace.objects.filter(state=QuarantinePlace.State.WAITING).exclude(reason=UNREADABLE)
    if reason:
        waiting = waiting.filter(reason=reason)
    if record is not None:
        waiting = waiting.filter(record=record)
    last = waiting.aggregate(last=Max("record"))["last"]
    if last is None:
        raise NothingToReplay(
            "Nothing of this can be replayed: it waits no more, or it cannot be read and the exchange has to"
            " send it again."
        )
    try:
        with transaction.atomic():
            asked = QuarantineReplay.objects.create(
                asked_by_id=by, asked_at=now, record_id=record, reason=reason, last_record_id=last
            )
    except IntegrityError as problem:
        if "one_replay_at_a_time" not in str(problem):
            raise
        raise ReplayUnderWay("Another replay is under way: wait until it has ended.") from None
    return int(asked.pk)


def work(*, clock: Clock, turn: timedelta = TURN, terms: Callable[[Month], Terms] = terms_for) -> int:
    """Go on with the replay that was asked for, for at most `turn`; how many records were looked at.

    A chunk a transaction, so whoever is killed leaves a replay that goes on where it was. What cannot go on
    for another reason says so in its row, and is tried again after a minute.
    """
    looked_at, ends = 0, clock() + turn
    while (number := _open(clock())) is not None:
        try:
            chunk = replay_chunk.do(number, clock=clock, terms=terms)
        except Exception as problem:
            _note(number, problem, now=clock())
            raise
        if chunk is None:
            break
        looked_at += chunk
        if clock() >= ends:
            break
    return looked_at


def stop(*, number: int, by: int, now: datetime) -> None:
    """End a replay where it is: what it has decided stays decided. Refuses `NoReplayUnderWay`."""
    with transaction.atomic():
        replay = QuarantineReplay.objects.select_for_update().filter(pk=number, finished_at=None).first()
        if replay is None:
            raise NoReplayUnderWay("This replay has ended already: open the page anew.")
        replay.finished_at = now
        replay.problem = f"Stopped by login {by}."
        replay.save(update_fields=["finished_at", "problem"])


def progress(number: int) -> Progress | None:
    """How far a replay is; None if there is none with this number."""
    replay = QuarantineReplay.objects.filter(pk=number).first()
    return None if replay is None else _progress(replay)


def latest(most: int = 10) -> list[Progress]:
    """The latest replays, newest first; one that is under way is the first."""
    return [_progress(each) for each in QuarantineReplay.objects.order_by("-pk")[:most]]


def _open(now: datetime) -> int | None:
    """The replay to go on with, unless it has just failed."""
    replay = QuarantineReplay.objects.filter(finished_at=None).first()
    if replay is None or (replay.problem and replay.tried_at and now < replay.tried_at + AGAIN):
        return None
    return int(replay.pk)


def _note(number: int, problem: Exception, *, now: datetime) -> None:
    log.exception("replay %d could not go on", number)
    if connection.in_atomic_block or not connection.is_usable():
        return
    said = " ".join(f"{type(problem).__name__}: {problem}".split())[:_LONGEST_PROBLEM]
    QuarantineReplay.objects.filter(pk=number, finished_at=None).update(problem=said, tried_at=now)


def _progress(replay: QuarantineReplay) -> Progress:
    return Progress(
        number=replay.pk,
        reason=replay.reason,
        record=replay.record_id,
        asked_by=replay.asked_by_id,
        asked_at=replay.asked_at,
        left=0 if replay.finished_at else _left(replay),
        looked_at=replay.looked_at,
        accepted=replay.accepted,
        duplicate=replay.duplicate,
        excluded=replay.excluded,
        stayed=replay.stayed,
        finished_at=replay.finished_at,
        problem=replay.problem,
    )


def _left(replay: QuarantineReplay) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            _MEMBERS,
            {
                "unreadable": UNREADABLE,
                "after": replay.reached_record_id,
                "last": replay.last_record_id,
                "record": replay.record_id,
                "reason": replay.reason,
            },
        )
        return int(cursor.fetchone()[0])
