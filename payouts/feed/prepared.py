"""A decided batch, made ready to be written: all that the database needs, and nothing else. Pure."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import msgspec

from payouts.feed.legible import legible
from payouts.feed.outcomes import Decided, NaturalKey, Received
from payouts.feed.verdict import CONFLICT
from payouts.month import Month

#: Of so many records that were not accepted the sender hears one by one.
MOST_TOLD = 1_000
_LONGEST_DETAIL = 200


class Waiting(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A record for quarantine: its bytes as they came, and why."""

    reason: str
    detail: str
    raw: bytes
    length: int
    digest: bytes
    #: What it says of itself, as far as it can be read.
    key: NaturalKey | None
    broker: int | None
    month: str | None


class SetAside(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A record that was not accepted, told to who sent it; `position` is its place in the batch, from 0."""

    position: int
    outcome: str
    reason: str
    #: What is wrong with one that cannot be read.
    detail: str


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
    #: Digests of waiting records whose key a later record of the batch takes: that one corrects them.
    corrected: list[bytes]
    #: The marks of all digests as a PostgreSQL array: if one is known, likewise.
    marks: str
    #: First days of the months of accepted fills, as (year, month).
    months: list[tuple[int, int]]
    #: When the latest accepted fill was executed; UTC without a zone.
    latest: datetime | None
    #: The first of those that were not accepted; `received - accepted` says how many there are.
    set_aside: list[SetAside]

    def months_of_fills(self) -> list[Month]:
        return [Month(year, number) for year, number in self.months]


def of(batch: Sequence[Received], decided: Decided, *, file_format: str, header: bytes) -> Prepared:
    """Make a decided batch ready."""
    rows: list[str] = []
    waiting: list[Waiting] = []
    waiting_keys: list[NaturalKey] = []
    waiting_by_key: dict[NaturalKey, list[bytes]] = {}
    corrected: list[bytes] = []
    days = set()
    latest: datetime | None = None
    set_aside: list[SetAside] = []
    accepted = duplicate = 0
    excluded: Counter[str] = Counter()
    quarantined: Counter[str] = Counter()
    for position, (received, found) in enumerate(zip(batch, decided.outcomes, strict=True)):
        record, outcome = received.record, found.outcome
        if outcome != "accepted" and len(set_aside) < MOST_TOLD:
            set_aside.append(SetAside(position, outcome, found.reason, received.problem[:_LONGEST_DETAIL]))
        if outcome == "duplicate":
            duplicate += 1
        elif outcome == "quarantined" or record is None:
            quarantined[found.reason] += 1
            kept = _waiting(received, found.reason, file_format, header)
            waiting.append(kept)
            if kept.key is not None and found != CONFLICT:
                waiting_by_key.setdefault(kept.key, []).append(kept.digest)
            if received.key is not None:
                waiting_keys.append(received.key)
        else:
            rows.append(f"{record.row}\t{found.market or ''}\t{found.reason}\n")
            if waiting_by_key and (key := received.key) is not None:
                corrected += waiting_by_key.pop(key, ())
            if outcome == "accepted":
                accepted += 1
                executed_at = record.executed_at
                days.add(executed_at.date())
                if latest is None or executed_at > latest:
                    latest = executed_at
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
        corrected=corrected,
        marks=marks(batch),
        months=sorted({(day.year, day.month) for day in days}),
        latest=latest,
        set_aside=set_aside,
    )


def _waiting(received: Received, reason: str, file_format: str, header: bytes) -> Waiting:
    detail = received.problem.replace("\0", "\\0")
    said = legible(file_format=file_format, header=header, raw=received.raw)
    key = received.key or said.key
    return Waiting(
        reason, detail, received.raw, received.length, received.digest, key, said.broker, said.month
    )


def marks(batch: Sequence[Received]) -> str:
    """The marks of a batch's digests as a PostgreSQL array."""
    return "{" + ",".join([str(mark(received.digest)) for received in batch]) + "}"


def mark(digest: bytes) -> int:
    """The first bytes of a digest as a number: to look for a million of them costs a third."""
    return int.from_bytes(digest[:8], "big", signed=True)
