"""Whose a quarantined record says it is, however broken the rest of it may be."""

import pytest

from payouts.monthend.waiting_records import broker_and_month

HEADER = b"symbol,brokerId,timestamp"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{"brokerId": 1400, "timestamp": "2026-10-15T12:00:00Z"}', (1400, "2026-10")),
        (b'{"brokerId":"1400","timestamp":"2026-10-15', (1400, "2026-10")),  # broken off
        (b'{"brokerId": 1400.5}', (None, None)),
        (b'{"brokerId": 123456}', (None, None)),
        (b'{"brokerId": 14e2}', (None, None)),
        (b'{"brokerId": null, "timestamp": "2026-13-01"}', (None, None)),
        (b"\xff\xfe", (None, None)),
    ],
)
def test_a_line_of_json_need_not_be_whole(raw: bytes, said: tuple[int | None, str | None]) -> None:
    assert broker_and_month(file_format="ndjson", header=b"", raw=raw) == said


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"SOL_USDC,1400,2026-10-15T12:00:00Z", (1400, "2026-10")),
        (b"SOL_USDC,1400", (1400, None)),
        (b"SOL_USDC,,2026-10-15", (None, "2026-10")),
        (b"SOL_USDC,x,yesterday", (None, None)),
        (b'SOL"USDC,1400', (None, None)),
    ],
)
def test_a_row_is_read_by_its_header(raw: bytes, said: tuple[int | None, str | None]) -> None:
    assert broker_and_month(file_format="csv", header=HEADER, raw=raw) == said
