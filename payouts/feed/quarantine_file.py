"""Records in quarantine as a CSV for the exchange: exact bytes, and nothing that a sheet would compute."""

import csv
import io
import re
from base64 import b64encode
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

_RECORDS, _BYTES = 500, 8 * 1024 * 1024
NAMES = (
    "record",
    "received_at",
    "reason",
    "detail",
    "format",
    "bytes",
    "kept",
    "encoding",
    "header",
    "raw",
    "sha256",
)
#: What a sheet takes for the beginning of a formula.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")

_PIECE = """
    SELECT record.id, place.received_at, place.reason, record.detail, record.format, record.raw_length,
           record.header, record.raw, {sha256}
    FROM (
        SELECT id, received_at, reason, sum(bytes) OVER (ORDER BY id) AS bytes,
               row_number() OVER (ORDER BY id) AS position
        FROM (
            SELECT place.record_id AS id, place.received_at, place.reason, kept.raw_length AS bytes
            FROM quarantine_place AS place JOIN quarantined_record AS kept ON kept.id = place.record_id
            WHERE place.state = 'waiting' AND place.record_id > %(after)s
              AND (%(numbers)s::bigint[] IS NULL OR place.record_id = ANY (%(numbers)s))
              AND (%(reason)s = '' OR place.reason = %(reason)s)
            ORDER BY place.record_id LIMIT %(records)s
        ) AS first
    ) AS place JOIN quarantined_record AS record ON record.id = place.id
    WHERE place.position = 1 OR place.bytes <= %(bytes)s
    ORDER BY record.id
"""
#: The digest is that of all bytes but for a row of CSV, whose header is in it too.
SHA256 = (
    "encode(CASE WHEN format <> 'csv' AND raw_length > length(raw) THEN digest ELSE sha256(raw) END, 'hex')"
)


def pieces(*, reason: str, numbers: Collection[int] | None) -> Iterator[bytes]:
    """The file, piece by piece: those that wait with the reason, "" for any, and of them these."""
    yield _rows([NAMES])
    after = 0
    while found := _piece(after, reason, numbers):
        yield _rows([_row(*each) for each in found])
        after = found[-1][0]


def _piece(after: int, reason: str, numbers: Collection[int] | None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            _PIECE.format(sha256=SHA256),
            {
                "after": after,
                "reason": reason,
                "numbers": None if numbers is None else list(numbers),
                "records": _RECORDS,
                "bytes": _BYTES,
            },
        )
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def _row(
    number: int,
    received_at: datetime,
    reason: str,
    detail: str,
    file_format: str,
    length: int,
    header: bytes,
    raw: bytes,
    sha256: str,
) -> tuple[object, ...]:
    header, raw = bytes(header), bytes(raw)
    as_text = _is_harmless(header) and _is_harmless(raw)
    written = [each.decode() if as_text else b64encode(each).decode() for each in (header, raw)]
    moment = received_at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    encoding = "text" if as_text else "base64"
    return (number, moment, reason, detail, file_format, length, len(raw), encoding, *written, sha256)


def _is_harmless(raw: bytes) -> bool:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return False
    if not all(part.isprintable() for part in text.splitlines()):
        return False
    # Where the comma is the decimal sign, sheets begin a new cell after each semicolon, quoted or not.
    cells = [text, *re.split(r"[;\r\n]", text)]
    return not any(cell.lstrip(' "').startswith(_FORMULAS) for cell in cells)


def _rows(rows: Iterable[Sequence[object]]) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue().encode()
