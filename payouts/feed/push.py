"""Takes in what is pushed: one body of lines, all or nothing, durable when it is answered."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import islice

from django.db import IntegrityError, connection

from payouts.feed import booking, intake, lines, outcomes, prepared
from payouts.feed.files import Offer, Source, received_lines
from payouts.feed.models import FeedPush
from payouts.feed.outcomes import Received
from payouts.feed.prepared import Prepared
from payouts.program import queries
from payouts.refusal import Refusal

MOST_RECORDS = 50_000
MOST_BYTES = 32 * 1024 * 1024
LONGEST_KEY = 200
#: A body is cut into lines piece by piece: 32 MB of short lines at once would be gigabytes of them.
_PIECE = 1024 * 1024
#: Of the locks that last as long as a transaction: those of pushes with a key.
_LOCKS_OF_KEYS = 7_230_005
#: What is answered is on disk, also where an administrator lets this role commit without waiting for it.
_DURABLE = (
    "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"
)


class TooManyRecords(Refusal):
    """More records than one push may bring."""


class StillRunning(Refusal):
    """Another push with the same key has not ended: ask again in a moment."""


class OtherBody(Refusal):
    """The key was used with another body."""


class Crowded(Refusal):
    """Others claimed the same records again and again: nothing was stored, ask again in a moment."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who pushes, by the number of the token, and the Idempotency-Key that came along."""

    number: int
    name: str
    key: str | None = None


def push(body: bytes, *, sender: Sender, now: datetime) -> str:
    """Book a body of NDJSON as one batch; returns the answer, as JSON.

    With a key the answer is kept in the same transaction: the same key and body get it again, until it is
    forgotten (`payouts.feed.forgetting`). What was not accepted is listed by line, the first thousand of it.
    Refuses `TooManyRecords`, `StillRunning`, `OtherBody`, `Crowded`; then, and on any error, nothing of the
    body is booked.
    """
    around = _Answering(body, sender, now)
    try:
        around.look()  # also before the work: whoever was not answered sends the same again
        batch = list(islice(received_lines(lines.split(_pieces(body))), MOST_RECORDS + 1))
        if len(batch) > MOST_RECORDS:
            raise TooManyRecords(f"One push brings at most {MOST_RECORDS:,} records: send it in parts.")
        _book(batch, sender, around, now)
    except _Answered as before:
        return before.answer
    except booking.Overtaken:
        raise Crowded("Others send the same records at this moment: send it again in a second.") from None
    return around.answer


def _pieces(body: bytes) -> Iterator[bytes]:
    return (body[start : start + _PIECE] for start in range(0, len(body), _PIECE))


def _book(batch: list[Received], sender: Sender, around: "_Answering", now: datetime) -> None:
    source = _Pushed(f"push by {sender.name}", batch)
    source.decided_with = enrolments = queries.enrolments()
    # Decided before the transaction begins: nearly always nothing of it is known, and then nobody waits.
    decided = outcomes.decide(
        batch, judge=intake.judge(enrolments, now), known_keys={}, quarantined_digests=()
    )
    ready = prepared.of(batch, decided, file_format=source.format, header=source.header)
    offer = Offer(whole=lambda: batch, follows=False, prepared=ready)
    intake.Booker(source, around=around).book(offer, now=now)


class _Pushed(Source):
    """A source that is one batch; who pushes has read it already."""

    format = "ndjson"

    def __init__(self, name: str, batch: list[Received]) -> None:
        super().__init__(name)
        self._batch = batch

    def __iter__(self) -> Iterator[Received]:
        return iter(self._batch)


class _Answered(Exception):
    """The same key and body were answered before."""

    def __init__(self, answer: str) -> None:
        self.answer = answer


class _Answering(intake.Around):
    """Answers in the transaction of the batch, and keeps the answer under its key."""

    def __init__(self, body: bytes, sender: Sender, now: datetime) -> None:
        self._body = body
        self._sender = sender
        self._now = now
        self._digest = sha256(body).digest()
        self.answer = ""

    def begin(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_DURABLE)
            if self._sender.key is None:
                return
            cursor.execute(
                "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, %s))",
                [_lock_of(self._sender), _LOCKS_OF_KEYS],
            )
            if not cursor.fetchone()[0]:
                raise StillRunning("A push with this key is under way: ask again in a second.")
        self.look()

    def look(self) -> None:
        """Raise `_Answered` if the key was answered, `OtherBody` if it was for something else."""
        if self._sender.key is None:
            return
        kept = FeedPush.objects.filter(sender=self._sender.number, key=self._sender.key).first()
        if kept is None:
            return
        if bytes(kept.body_sha256) != self._digest:
            raise OtherBody("This key was used with another body: give each body a key of its own.")
        raise _Answered(kept.answer)

    def end(self, batch_id: int, booked: Prepared) -> None:
        self.answer = json.dumps(_told(batch_id, booked, self._body), separators=(",", ":"))
        if self._sender.key is None:
            return
        try:
            FeedPush.objects.create(
                sender=self._sender.number,
                key=self._sender.key,
                body_sha256=self._digest,
                answer=self.answer,
                answered_at=self._now,
            )
        except IntegrityError:  # the lock keeps them apart; without it the constraint does
            raise StillRunning("A push with this key has just ended: ask again.") from None


def _lock_of(sender: Sender) -> str:
    return f"{sender.number}:{sender.key}"


def _told(batch_id: int, booked: Prepared, body: bytes) -> dict[str, object]:
    numbers = lines.numbers(body, [each.position for each in booked.set_aside])
    return {
        "batch": batch_id,
        "received": booked.received,
        "accepted": booked.accepted,
        "duplicate": booked.duplicate,
        "excluded": dict(sorted(booked.excluded.items())),
        "quarantined": dict(sorted(booked.quarantined.items())),
        "not_accepted": {
            "total": booked.received - booked.accepted,
            "records": [
                {
                    "line": numbers[each.position],
                    "outcome": each.outcome,
                    "reason": each.reason or None,
                    "detail": each.detail or None,
                }
                for each in booked.set_aside
            ],
        },
    }
