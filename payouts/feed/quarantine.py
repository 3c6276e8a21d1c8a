"""What waits in quarantine and what became of it: for the pages, the health and the letters of staff."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from payouts.feed import beside as besides
from payouts.feed import quarantine_file, quarantine_share, rereading
from payouts.feed.beside import Beside
from payouts.feed.quarantine_models import QuarantineChange
from payouts.feed.quarantine_share import Counted, percent
from payouts.feed.record import Malformed

#: So many bytes of a record are shown.
SHOWN_BYTES = rereading.LONGEST_READ

_BY_REASON = """
    SELECT reason, count(*), min(received_at), count(*) FILTER (WHERE received_at >= %(today)s),
           count(asked_at)
    FROM quarantine_place WHERE state = 'waiting' GROUP BY reason ORDER BY 2 DESC, 1
"""
_RECORD = f"""
    SELECT record.id, place.state, place.reason, record.reason, record.detail, place.batch_id,
           place.received_at, place.changed_at, place.asked_at, place.symbol, place.trade_id, place.order_id,
           place.broker_code, record.format, substring(record.header FOR {SHOWN_BYTES}),
           substring(record.raw FOR {SHOWN_BYTES}), record.raw_length, length(record.raw),
           {quarantine_file.SHA256}, place.month
    FROM quarantined_record AS record JOIN quarantine_place AS place ON place.record_id = record.id
    WHERE record.id = %s
"""
#: The last hour and the 7 days before it; nothing of a replay was received anew. What came is asked for only
#: where enough of it went to quarantine, if that is all that is wanted.
SHARES = """
    WITH lately AS (
        SELECT count(*) FILTER (WHERE received_at > %(hour)s) AS quarantined,
               count(*) FILTER (WHERE received_at <= %(hour)s) AS quarantined_before,
               min(received_at) FILTER (WHERE received_at > %(hour)s) AS first_at
        FROM quarantine_place WHERE received_at > %(week)s AND received_at <= %(now)s
    )
    SELECT CASE WHEN quarantined >= %(fewest)s THEN
               (SELECT coalesce(sum(received), 0) FROM feed_batch
                WHERE NOT is_replay AND received_at > %(hour)s AND received_at <= %(now)s) ELSE 0 END,
           quarantined,
           CASE WHEN quarantined >= %(fewest)s THEN
               (SELECT coalesce(sum(received), 0) FROM feed_batch
                WHERE NOT is_replay AND received_at > %(week)s AND received_at <= %(hour)s) ELSE 0 END,
           quarantined_before, first_at
    FROM lately
"""


@dataclass(frozen=True, slots=True)
class Reason:
    """The records that wait with one reason."""

    reason: str
    waiting: int
    #: When the oldest of them was received.
    oldest: datetime
    #: How many of them were received since 00:00 UTC.
    came_today: int
    #: About how many of them the exchange was asked.
    asked: int


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a record once."""

    #: replayed, stayed, discarded, reopened, corrected or asked.
    act: str
    from_state: str
    from_reason: str
    to_state: str
    to_reason: str
    note: str
    #: Which batch booked it, or brought the corrected record.
    batch_id: int | None
    #: The login, by its number; None: no person did it.
    by: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """A record that is or was in quarantine, as a page shows it."""

    number: int
    #: waiting, accepted, excluded, duplicate or discarded.
    state: str
    #: Why it waits or does not count; "" of accepted ones and duplicates.
    reason: str
    #: Why it came into quarantine.
    first_reason: str
    #: What is wrong with one that cannot be read.
    detail: str
    batch_id: int
    received_at: datetime
    changed_at: datetime | None
    asked_at: datetime | None
    symbol: str | None
    trade_id: int | None
    order_id: str | None
    broker_code: int | None
    #: ndjson, csv or parquet.
    format: str
    #: Of a CSV the row of names; its first bytes.
    header: bytes
    #: Its first `SHOWN_BYTES`; not to be trusted in any way.
    raw: bytes
    #: How long it was when it came, and how much of it was kept; bytes.
    raw_length: int
    kept_length: int
    #: Of all its bytes, in hexadecimal; of a CSV's row that was too long to keep, of what was kept.
    sha256: str
    #: Its fields as far as they are legible, as they were written, texts of at most 500 characters.
    fields: tuple[tuple[str, str], ...]
    #: Oldest first.
    changes: tuple[Change, ...]
    #: The record that holds its key: of one that was corrected, the corrected one.
    corrected: Beside | None


@dataclass(frozen=True, slots=True)
class Share:
    """How much of what was received went to quarantine: in the last hour and in the 7 days before it."""

    received: int
    quarantined: int
    received_before: int
    quarantined_before: int
    has_jumped: bool
    #: The last hour in words.
    says: str


def by_reason(*, now: datetime) -> list[Reason]:
    """What waits, by reason; the reason with the most records first."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(_BY_REASON, {"today": today})
        return [Reason(*row) for row in cursor]


def waiting_count() -> int:
    """How many records wait. As the tally has it: nothing is counted anew."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(records), 0) FROM feed_tally WHERE place = 'quarantined'")
        return int(cursor.fetchone()[0])


def record(number: int) -> Record | None:
    """A record by its number; None if none with it was ever in quarantine."""
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, [number])
        row = cursor.fetchone()
    if row is None:
        return None
    *_about, file_format, header, raw, raw_length, kept_length, _sha256, month = row
    kept = {"file_format": file_format, "header": bytes(header), "raw": bytes(raw)}
    fields = rereading.fields(**kept) if raw_length == kept_length else []
    shown = Record(*[*row[:-1], tuple(fields), tuple(_changes(number)), None])
    return replace(shown, header=kept["header"], raw=kept["raw"], corrected=_holder(shown, month, kept))


def export(*, reason: str, numbers: Collection[int] | None) -> Iterator[bytes]:
    """A CSV for the exchange: these records that wait, or with None all that wait with the reason ("" = any).

    UTF-8, piece by piece in constant memory, in order of receipt. A record stands in it as text where that is
    harmless in a sheet, else in base64; the column `encoding` says which.
    """
    return quarantine_file.pieces(reason=reason, numbers=numbers)


def shares(*, now: datetime) -> Share:
    """The share of quarantined records in the last hour, beside that of the 7 days before."""
    with connection.cursor() as cursor:
        cursor.execute(SHARES, share_values(now=now, fewest=0))
        *numbers, _first_at = cursor.fetchone()
    counted = Counted(*map(int, numbers))
    says = _(
        "%(quarantined)s of %(received)s records in the last hour: %(share)s (7 days before: %(before)s)"
    ) % {
        "quarantined": f"{counted.quarantined:,}",
        "received": f"{counted.received:,}",
        "share": percent(counted.quarantined, counted.received),
        "before": percent(counted.quarantined_before, counted.received_before),
    }
    return Share(
        counted.received,
        counted.quarantined,
        counted.received_before,
        counted.quarantined_before,
        quarantine_share.has_jumped(counted),
        says,
    )


def share_values(*, now: datetime, fewest: int = quarantine_share.FEWEST) -> dict[str, Any]:
    """What `SHARES` asks with; what came is counted from so many quarantined records in the hour on."""
    hour = now - timedelta(hours=1)
    return {"now": now, "hour": hour, "week": hour - timedelta(days=7), "fewest": fewest}


def _changes(number: int) -> Iterator[Change]:
    for each in QuarantineChange.objects.filter(record=number).order_by("pk"):
        yield Change(
            each.act,
            each.from_state,
            each.from_reason,
            each.to_state,
            each.to_reason,
            each.note,
            each.batch_id,
            each.by_id,
            each.at,
        )


def _holder(shown: Record, month: date | None, kept: dict[str, Any]) -> Beside | None:
    """Who holds the key of a record that did not get it itself."""
    if shown.symbol is None or shown.trade_id is None or shown.order_id is None:
        return None
    if shown.state in ("accepted", "excluded"):
        return None
    try:
        executed_at = rereading.read(**kept).executed_at.replace(tzinfo=UTC)
    except Malformed:
        executed_at = None
    corrections = [each.batch_id for each in shown.changes if each.act == "corrected"]
    return besides.beside(
        (shown.symbol, shown.trade_id, shown.order_id),
        executed_at=executed_at,
        month=month,
        batch_id=corrections[-1] if corrections else None,
    )
