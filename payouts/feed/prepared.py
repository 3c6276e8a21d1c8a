"""A decided batch, made ready to be written: all that the database needs, and nothing else. Pure."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from payouts.feed.outcomes import Decided, NaturalKey, Received
from payouts.month import Month


class Waiting(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A record for quarantine: its bytes as they came, and why."""

    reason: str
    detail: str
    raw: bytes
    length: int
    digest: bytes


class Prepared(msgspec.Struct, frozen=True, array_like=True):
    """What becomes of a batch, if nothing of it was known before or all that was known is considered."""

    received: int
    accepted: int
    duplicate: int
    excluded: dict[str, int]
    quarantined: dict[str, int]
    #: The claimed records as COPY text, each with its market and its reason.
    rows: str
    waiting: list[Waiting]
    #: Keys of waiting records: if one is known, the batch has to be decided again.
    waiting_keys: list[NaturalKey]
    #: The marks of all digests as a PostgreSQL array: if one is known, likewise.
    marks: str
    #: First days of the months of accepted fills, as (year, month).
    months: list[tuple[int, int]]

    def months_of_fills(self) -> list[Month]:
        return [Month(year, number) for year, number in self.months]


def of(batch: Sequence[Received], decided: Decided) -> Prepared:
    """Make a decided batch ready."""
    rows: list[str] = []
    waiting: list[Waiting] = []
    waiting_keys: list[NaturalKey] = []
    days = set()
    accepted = duplicate = 0
    excluded: Counter[str] = Counter()
    quarantined: Counter[str] = Counter()
    for received, found in zip(batch, decided.outcomes, strict=True):
        record, outcome = received.record, found.outcome
        if outcome == "duplicate":
            duplicate += 1
        elif outcome == "quarantined" or record is None:
            quarantined[found.reason] += 1
            detail = received.problem.replace("\0", "\\0")
            waiting.append(Waiting(found.reason, detail, received.raw, received.length, received.digest))
            if received.key is not None:
                waiting_keys.append(received.key)
        else:
            rows.append(f"{record.row}\t{found.market or ''}\t{found.reason}\n")
            if outcome == "accepted":
                accepted += 1
                days.add(record.executed_at.date())
            else:
                excluded[found.reason] += 1
    return Prepared(
        received=len(batch),
        accepted=accepted,
        duplicate=duplicate,
        excluded=dict(excluded),
        quarantined=dict(quarantined),
        rows="".join(rows),
        waiting=waiting,
        waiting_keys=waiting_keys,
        marks=marks(batch),
        months=sorted({(day.year, day.month) for day in days}),
    )


def marks(batch: Sequence[Received]) -> str:
    """The marks of a batch's digests as a PostgreSQL array."""
    return "{" + ",".join([str(mark(received.digest)) for received in batch]) + "}"


def mark(digest: bytes) -> int:
    """The first bytes of a digest as a number: to look for a million of them costs a third."""
    return int.from_bytes(digest[:8], "big", signed=True)
