"""Writes one decided batch: keys, fills, what was set aside, totals. Called inside a transaction."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db import IntegrityError, connection

from payouts.feed import tally
from payouts.feed.outcomes import NaturalKey
from payouts.feed.prepared import Prepared, Waiting, mark

_RECORD_COLUMNS = (
    "executed_at, broker_code, trader, symbol, market_type, trade_id, order_id, side,"
    " is_maker, price, quantity, fee, fee_symbol, fee_rate, affiliate_rate, client_id"
)
#: What the totals need of the claimed records of one batch, and their keys. An excluded one has no market.
_INCOMING = """
    CREATE TEMPORARY TABLE IF NOT EXISTS incoming (
        symbol text COLLATE "C", trade_id bigint, order_id text COLLATE "C", executed_at timestamptz,
        broker_code integer, trader bigint, market text, fee_rate numeric(38, 18),
        affiliate_rate numeric(38, 18), volume numeric, fee numeric
    );
    TRUNCATE incoming
"""
#: Each total with its key, as columns of the claimed records. Sorted, so that locks are taken in one order.
_TOTALS = {
    "total_by_rate": {
        "month": "date_trunc('month', executed_at AT TIME ZONE 'UTC')::date",
        "broker_code": "broker_code",
        "trader": "trader",
        "market": "market",
        "fee_rate": "fee_rate",
        "affiliate_rate": "affiliate_rate",
    },
    "total_by_hour": {
        "broker_code": "broker_code",
        "hour": "date_trunc('hour', executed_at, 'UTC')",
        "symbol": "symbol",
        "market": "market",
    },
    "total_by_day": {
        "broker_code": "broker_code",
        "day": "(executed_at AT TIME ZONE 'UTC')::date",
        "trader": "trader",
    },
}
#: The fourth, by month: in slots, because open pages need it and no intake may wait for another's.
_BY_MONTH = f"""
    INSERT INTO total_by_month (month, broker_code, market, slot, fills, volume, fees, latest_executed_at)
    SELECT date_trunc('month', executed_at AT TIME ZONE 'UTC')::date, broker_code, market,
           mod(pg_backend_pid(), {tally.SLOTS}), {{counted}}, max(executed_at)
    FROM {{source}} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (month, broker_code, market, slot) DO UPDATE SET
        fills = total_by_month.fills + excluded.fills, volume = total_by_month.volume + excluded.volume,
        fees = total_by_month.fees + excluded.fees,
        latest_executed_at = greatest(total_by_month.latest_executed_at, excluded.latest_executed_at)
"""

_COUNTED = "count(*), sum(volume), sum(fee)"

_QUARANTINE = """
    WITH numbered AS (
        SELECT nextval(pg_get_serial_sequence('quarantined_record', 'id')) AS id, waiting.*
        FROM unnest(%(reasons)s::text[], %(details)s::text[], %(raws)s::bytea[], %(lengths)s::bigint[],
                    %(digests)s::bytea[], %(marks)s::bigint[], %(symbols)s::text[], %(trade_ids)s::bigint[],
                    %(order_ids)s::text[], %(brokers)s::integer[], %(months)s::date[])
            AS waiting (reason, detail, raw, raw_length, digest, digest_mark, symbol, trade_id, order_id,
                        broker_code, month)
    ), kept AS (
        INSERT INTO quarantined_record
            (id, reason, detail, format, header, raw, raw_length, digest, digest_mark, batch_id)
        SELECT id, reason, detail, %(format)s, %(header)s, raw, raw_length, digest, digest_mark, %(batch)s
        FROM numbered ORDER BY digest
        ON CONFLICT DO NOTHING RETURNING id
    )
    INSERT INTO quarantine_place (record_id, state, reason, batch_id, received_at, symbol, trade_id, order_id,
                                  broker_code, month)
    SELECT id, 'waiting', reason, %(batch)s, %(now)s, symbol, trade_id, order_id, broker_code, month
    FROM numbered JOIN kept USING (id)
"""
#: A key that this batch claims was free, so nobody counted it before; a conflict waits for something else.
_CLOSE_CORRECTED = """
    WITH corrected AS (
        INSERT INTO quarantine_change
            (record_id, act, from_state, from_reason, to_state, to_reason, note, batch_id, at)
        SELECT record_id, 'corrected', 'waiting', place.reason, 'discarded', 'discarded', '',
               %(batch)s, %(now)s
        FROM quarantine_place AS place JOIN incoming USING (symbol, trade_id, order_id)
        WHERE place.state = 'waiting' AND place.reason <> 'conflict'
          AND (place.batch_id < %(batch)s OR place.record_id IN (
               SELECT id FROM quarantined_record AS kept WHERE kept.batch_id = %(batch)s
               AND kept.digest = ANY (%(corrected)s::bytea[])
               AND kept.digest_mark = ANY (%(marks)s::bigint[])))
        ORDER BY record_id
        RETURNING from_reason
    )
    SELECT from_reason, count(*) FROM corrected GROUP BY from_reason
"""
#: Why records waited that were corrected, and how many.
Corrected = list[tuple[str, int]]

#: Held by every intake until its transaction ends: shared, or alone.
_INTAKE_LOCK = 7_230_003


class Overtaken(Exception):
    """Another transaction claimed a key or quarantined the same bytes first: decide the batch again."""


def enter(*, alone: bool) -> None:
    """Begin to book a batch; alone means that all others have ended and wait until this one has."""
    lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {lock}(%s)", [_INTAKE_LOCK])


def known_keys(keys: Collection[NaturalKey]) -> dict[NaturalKey, bytes]:
    """The content of every one of the natural keys that is already accepted or excluded."""
    if not keys:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            # LATERAL: one step down the index for each key, however many keys the planner expects.
            "SELECT symbol, trade_id, order_id, known.content"
            " FROM unnest(%s::text[], %s::bigint[], %s::text[]) AS wanted (symbol, trade_id, order_id),"
            " LATERAL (SELECT content FROM fill_key WHERE fill_key.symbol = wanted.symbol"
            "  AND fill_key.trade_id = wanted.trade_id AND fill_key.order_id = wanted.order_id"
            "  LIMIT 1) AS known",
            _columns(keys, 3),
        )
        return {(row[0], row[1], row[2]): bytes(row[3]) for row in cursor}


def quarantined_digests(marks: str, file_format: str) -> frozenset[bytes]:
    """The digests with these marks that are or ever were in quarantine, in the same format."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT digest FROM quarantined_record WHERE format = %s AND digest_mark = ANY(%s::bigint[])",
            [file_format, marks],
        )
        return frozenset(bytes(row[0]) for row in cursor)


def write(
    batch: Prepared,
    *,
    source: str,
    file_format: str,
    header: bytes,
    now: datetime,
    is_new: bool = False,
    is_replay: bool = False,
) -> int:
    """Write a prepared batch and return its number. Raises `Overtaken` if a key or the same bytes are there.

    `is_new` says that it was decided as if nothing of it were known: then nothing may be.

    Every process takes its locks in one order — keys, quarantine, the totals, the tally, each sorted — so
    that two intakes of the same records wait for each other instead of dying together. A replay's records
    are in quarantine already: whoever replays moves them.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('feed_batch', 'id'))")
        batch_id: int = cursor.fetchone()[0]
        if batch.keys:
            _claim(cursor, batch.keys)
            _stage(cursor, batch.counted)
            if is_new and _ever_waited(cursor):
                raise Overtaken
        if batch.waiting:
            _quarantine(
                cursor, batch.waiting, file_format=file_format, header=header, batch_id=batch_id, now=now
            )
        corrected: Corrected = []
        if batch.keys:
            if not is_replay:
                corrected = _close_corrected(cursor, batch.corrected, batch_id, now)
            # The number of the batch is the columns' default: the one that this session has just taken.
            _copy(cursor, f"fill ({_RECORD_COLUMNS}, market)", batch.fills)
            _copy(
                cursor, f"excluded_record ({_RECORD_COLUMNS}, reason, system_order_type)", batch.excluded_rows
            )
            add_totals(cursor, counted=_COUNTED, source="incoming WHERE market IS NOT NULL")
        cursor.execute(
            "INSERT INTO feed_batch (id, source, received_at, received, accepted, duplicate, excluded,"
            " quarantined, latest_executed_at, is_replay) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                batch_id,
                source[-300:],
                now,
                batch.received,
                batch.accepted,
                batch.duplicate,
                sum(batch.excluded.values()),
                sum(batch.quarantined.values()),
                batch.latest and batch.latest.replace(tzinfo=UTC),
                is_replay,
            ],
        )
        tally.count(cursor, batch, corrected)
    return batch_id


def _claim(cursor: Any, keys: str) -> None:
    try:
        _copy(cursor, "fill_key (symbol, trade_id, order_id, content)", keys)
    except psycopg.errors.UniqueViolation:
        # The only constraint that these rows can break is the key itself.
        raise Overtaken from None


def _stage(cursor: Any, counted: str) -> None:
    cursor.execute(_INCOMING)
    _copy(cursor, "incoming", counted)


def _copy(cursor: Any, into: str, rows: str) -> None:
    if rows:
        with cursor.copy(f"COPY {into} FROM STDIN") as copy:
            copy.write(rows.encode())


def _ever_waited(cursor: Any) -> bool:
    """Whether a claimed key is one of quarantine. Only such records can be the same bytes as one there: what
    is readable was so then, and its key is kept beside it."""
    cursor.execute(
        "SELECT EXISTS (SELECT FROM incoming JOIN quarantine_place USING (symbol, trade_id, order_id))"
    )
    found: bool = cursor.fetchone()[0]
    return found


def add_totals(cursor: Any, *, counted: str, source: str) -> None:
    """Add fills, volume and fees, as `counted` makes them of the rows of `source`, to the totals.

    Whoever changes totals does it here, so that all take the rows' locks in one order.
    """
    for table, key in _TOTALS.items():
        names = ", ".join(key)
        numbers = ", ".join(str(number) for number in range(1, len(key) + 1))
        cursor.execute(
            f"INSERT INTO {table} ({names}, fills, volume, fees)"
            f" SELECT {', '.join(key.values())}, {counted} FROM {source}"
            f" GROUP BY {numbers} ORDER BY {numbers}"
            f" ON CONFLICT ({names}) DO UPDATE SET fills = {table}.fills + excluded.fills,"
            f" volume = {table}.volume + excluded.volume, fees = {table}.fees + excluded.fees"
        )
    cursor.execute(_BY_MONTH.format(counted=counted, source=source))


def _quarantine(
    cursor: Any,
    waiting: Sequence[Waiting],
    *,
    file_format: str,
    header: bytes,
    batch_id: int,
    now: datetime,
) -> None:
    keys = [each.key or (None, None, None) for each in waiting]
    # Locks in the order of the digests, ids in the order of receipt: replays follow the ids.
    cursor.execute(
        _QUARANTINE,
        {
            "format": file_format,
            "header": header,
            "batch": batch_id,
            "now": now,
            "reasons": _array([each.reason for each in waiting]),
            "details": _array([each.detail for each in waiting]),
            "raws": _array([each.raw for each in waiting]),
            "lengths": _array([each.length for each in waiting]),
            "digests": _array([each.digest for each in waiting]),
            "marks": _array([mark(each.digest) for each in waiting]),
            "symbols": [key[0] for key in keys],
            "trade_ids": [key[1] for key in keys],
            "order_ids": [key[2] for key in keys],
            "brokers": [each.broker for each in waiting],
            "months": [each.month and f"{each.month}-01" for each in waiting],
        },
    )
    if cursor.rowcount != len(waiting):
        raise Overtaken


def _close_corrected(cursor: Any, here: Sequence[bytes], batch_id: int, now: datetime) -> Corrected:
    """A record that waited, and whose key this batch claims, was corrected: say so, which closes it.

    It waited since an earlier batch, or came earlier in this one: how lines are cut is no matter.
    """
    cursor.execute("SELECT EXISTS (SELECT FROM quarantine_place WHERE state = 'waiting' AND symbol <> '')")
    if not cursor.fetchone()[0]:
        return []
    try:
        cursor.execute(
            _CLOSE_CORRECTED,
            {
                "batch": batch_id,
                "now": now,
                "corrected": _array(here),
                "marks": _array([mark(digest) for digest in here]),
            },
        )
    except IntegrityError:
        # Somebody discarded or replayed one of them at this moment.
        raise Overtaken from None
    reasons: Corrected = cursor.fetchall()
    return reasons


def _columns(rows: Iterable[tuple[Any, ...]], width: int) -> list[str]:
    """Rows as one array literal a column."""
    columns = list(zip(*rows, strict=True)) or [()] * width
    return [_array(column) for column in columns]


def _array(values: Sequence[Any]) -> str:
    """A PostgreSQL array literal. psycopg's own arrays cost ten times as much, a million times over."""
    if values and isinstance(values[0], str):
        return "{" + ",".join(map(_element, values)) + "}"
    if values and isinstance(values[0], bytes):
        return "{" + ",".join([f'"\\\\x{value.hex()}"' for value in values]) + "}"
    return "{" + ",".join(map(str, values)) + "}"


def _element(text: str) -> str:
    """Text inside an array literal: quoted, so that `NULL`, `{` and the empty text stay what they are."""
    if not text.isalnum():
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
