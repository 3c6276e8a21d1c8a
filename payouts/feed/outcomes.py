"""Decides a whole batch in its order: which records are new, known, in conflict or waiting. Pure."""

from collections import Counter, deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import msgspec

from payouts.feed import verdict
from payouts.feed.record import Record
from payouts.feed.verdict import Judge, Verdict

#: (symbol, trade id, order id): what makes a fill one fill for ever.
NaturalKey = tuple[str, int, str]


class Received(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One record as it came: its bytes (or the first 64 kB of them) and, if readable, the record."""

    raw: bytes
    length: int
    #: The digest where it is more than that of `raw`, or where `raw` is not all of it.
    given_digest: bytes
    record: Record | None
    problem: str = ""

    @property
    def digest(self) -> bytes:
        """SHA-256 of all the bytes; with the format it says "the same bytes in the same format"."""
        return self.given_digest or sha256(self.raw).digest()

    @property
    def key(self) -> NaturalKey | None:
        if self.record is None or self.record.trade_id is None:
            return None
        return (self.record.symbol, self.record.trade_id, self.record.order_id)


@dataclass(slots=True)
class Decided:
    """Where each record of a batch goes; `outcomes` follows the batch's order."""

    outcomes: list[Verdict] = field(default_factory=list)
    #: Keys that this batch claims, with their content.
    claims: dict[NaturalKey, bytes] = field(default_factory=dict)

    def count(self, outcome: verdict.Outcome) -> int:
        return sum(1 for each in self.outcomes if each.outcome == outcome)

    def reasons(self, outcome: verdict.Outcome) -> Counter[str]:
        return Counter(each.reason for each in self.outcomes if each.outcome == outcome)


def decide(
    batch: Sequence[Received],
    *,
    judge: Judge,
    known_keys: Mapping[NaturalKey, bytes],
    quarantined_digests: Collection[bytes],
) -> Decided:
    """Apply the contract's rules 0 to 10 to a batch, in the order of its records.

    `known_keys` holds the content of every key of the batch that is already accepted or excluded;
    `quarantined_digests` the batch's bytes that are or ever were in quarantine.
    """
    return settle(
        batch,
        standing_alone(batch, judge),
        known_keys=known_keys,
        quarantined_digests=quarantined_digests,
    )


def standing_alone(batch: Sequence[Received], judge: Judge) -> list[Verdict]:
    """What each record is by itself, by rules 1, 2 and 4 to 10."""
    return [_alone(received.record, judge) for received in batch]


def _alone(record: Record | None, judge: Judge) -> Verdict:
    if record is None:
        return verdict.MALFORMED
    if record.trade_id is None:
        return verdict.MISSING_TRADE_ID
    return judge.decide(record)


def settle(
    batch: Sequence[Received],
    alone: Sequence[Verdict],
    *,
    known_keys: Mapping[NaturalKey, bytes],
    quarantined_digests: Collection[bytes],
) -> Decided:
    """Apply rules 0 and 3, which look at other records, to what each record is by itself."""
    decided = Decided()
    outcomes, claims = decided.outcomes, decided.claims
    seen_here: set[bytes] = set()
    for received, found in zip(batch, alone, strict=True):
        record = received.record
        if quarantined_digests and received.digest in quarantined_digests:
            outcomes.append(verdict.DUPLICATE)
            continue
        if record is not None and record.trade_id is not None:
            key = (record.symbol, record.trade_id, record.order_id)
            content = claims.get(key)
            if content is None and known_keys:
                content = known_keys.get(key)
            if content is not None:
                found = verdict.DUPLICATE if content == record.content else verdict.CONFLICT
            elif found.outcome != "quarantined":
                claims[key] = record.content  # a quarantined record reserves no key
        # The same bytes are by themselves what they were before, or a conflict: only here can they be met.
        if found.outcome == "quarantined":
            digest = received.digest
            if digest in seen_here:
                found = verdict.DUPLICATE
            seen_here.add(digest)
        outcomes.append(found)
    return decided


def marks_of(batch: Sequence[Received]) -> set[object]:
    """By what a later record could be one of these: the keys, or the bytes where there is none."""
    return {received.key or received.digest for received in batch}


def marks_of_decided(batch: Sequence[Received], decided: Decided) -> set[object]:
    """The same, for less: nearly all keys are those that the batch claims."""
    marks: set[object] = set(decided.claims)
    marks.update(
        received.key or received.digest
        for received, found in zip(batch, decided.outcomes, strict=True)
        if found.outcome == "quarantined" or found.outcome == "duplicate"
    )
    return marks


class Recent:
    """The records of the last few batches, to see whether the next one depends on them."""

    def __init__(self, batches: int) -> None:
        self._marks: deque[set[object]] = deque(maxlen=batches)

    def shares_with(self, marks: set[object]) -> bool:
        """Whether a record of the batch has a key, or unkeyed bytes, of those before; then remember it."""
        shares = any(not marks.isdisjoint(others) for others in self._marks)
        self._marks.append(marks)
        return shares
