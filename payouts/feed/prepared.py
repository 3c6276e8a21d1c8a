"""A decided batch, made ready to be written: all that the database needs, and nothing else. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from payouts.feed.legible import legible
from payouts.feed.outcomes import Decided, NaturalKey, Received
from payouts.feed.record import NULL, cell
from payouts.feed.verdict import CONFLICT
from payouts.month import Month

#: Of so many records that were not accepted the sender hears one by one.
MOST_TOLD = 1_000
_LONGEST_DETAIL = 200
#: Trade id and order id, both as cells of COPY text, the digest of the content.
_Key = tuple[int | None, str, str, bytes]
_NOT_COUNTED = f"\t{NULL}" * 8 + "\n"


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
    #: As COPY text: the natural keys that are claimed, in the order in which their locks are taken,
    keys: str
    #: the accepted fills,
    fills: str
    #: the excluded records,
    excluded_rows: str
    #: and what the totals need of a fill, with its key; of an excluded record the key alone.
    counted: str
    waiting: list[Waiting]
    #: Keys of waiting records: if one is known, the batch has to be decided again.
    waiting_keys: list[NaturalKey]
    #: Digests of waiting records whose key a later record of the batch takes: that one corrects them.
    corrected: list[bytes]
    #: The marks of the digests of waiting records as a PostgreSQL array: if one is known, likewise.
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
    fills: list[str] = []
    excluded_rows: list[str] = []
    counted: list[str] = []
    keys: dict[str, list[_Key]] = {}
    waiting: list[Waiting] = []
    waiting_keys: list[NaturalKey] = []
    waiting_by_key: dict[NaturalKey, list[bytes]] = {}
    corrected: list[bytes] = []
    executed: list[datetime] = []
    set_aside: list[SetAside] = []
    duplicate = 0
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
            if waiting_by_key and (key := received.key) is not None:
                corrected += waiting_by_key.pop(key, ())
            symbol, order_id = record.symbol, record.order_id
            # What no cell has to be escaped for, as nearly all ids are.
            named = f"{record.trade_id}\t{order_id if order_id.isalnum() else cell(order_id)}"
            keys.setdefault(symbol, []).append((record.trade_id, order_id, named, record.content))
            named = f"{cell(symbol)}\t{named}"
            if outcome == "accepted":
                fills.append(f"{record.row}\t{found.market}\n")
                executed.append(record.executed_at)
                fee = record.fee if record.fee[0] != "-" else "0"
                # The row begins with these three.
                moment, broker, trader, _ = record.row.split("\t", 3)
                counted.append(
                    f"{named}\t{moment}\t{broker}\t{trader}\t{found.market}\t{record.fee_rate}"
                    f"\t{record.affiliate_rate}\t{record.volume}\t{fee}\n"
                )
            else:
                system = NULL if record.system_order_type is None else cell(record.system_order_type)
                excluded_rows.append(f"{record.row}\t{found.reason}\t{system}\n")
                counted.append(f"{named}{_NOT_COUNTED}")
                excluded[found.reason] += 1
    return Prepared(
        received=len(batch),
        accepted=len(executed),
        duplicate=duplicate,
        excluded=dict(excluded),
        quarantined=dict(quarantined),
        keys=_sorted(keys),
        fills="".join(fills),
        excluded_rows="".join(excluded_rows),
        counted="".join(counted),
        waiting=waiting,
        waiting_keys=waiting_keys,
        corrected=corrected,
        marks=_marks(kept.digest for kept in waiting),
        months=sorted({(moment.year, moment.month) for moment in executed}),
        latest=max(executed, default=None),
        set_aside=set_aside,
    )


def _sorted(keys: dict[str, list[_Key]]) -> str:
    """Keys with their contents, sorted as PostgreSQL sorts them by bytes. They come in order, nearly."""
    rows: list[str] = []
    for symbol in sorted(keys):
        shown = cell(symbol)
        rows += [f"{shown}\t{named}\t\\\\x{content.hex()}\n" for _, _, named, content in sorted(keys[symbol])]
    return "".join(rows)


def _waiting(received: Received, reason: str, file_format: str, header: bytes) -> Waiting:
    detail = received.problem.replace("\0", "\\0")
    said = legible(file_format=file_format, header=header, raw=received.raw)
    key = received.key or said.key
    return Waiting(
        reason, detail, received.raw, received.length, received.digest, key, said.broker, said.month
    )


def marks(batch: Sequence[Received]) -> str:
    """The marks of a batch's digests as a PostgreSQL array."""
    return _marks(received.digest for received in batch)


def _marks(digests: Iterable[bytes]) -> str:
    return "{" + ",".join([str(mark(digest)) for digest in digests]) + "}"


def mark(digest: bytes) -> int:
    """The first bytes of a digest as a number: to look for a million of them costs a third."""
    return int.from_bytes(digest[:8], "big", signed=True)
