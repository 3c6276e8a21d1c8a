"""Whose a quarantined record says it is, however broken the rest of it may be."""

import pytest

from payouts.feed.legible import Legible, legible

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
        (b'{"brokerId": 65536, "timestamp": "0000-10-15"}', (None, None)),
        (b"\xff\xfe", (None, None)),
    ],
)
def test_a_line_of_json_need_not_be_whole(raw: bytes, said: tuple[int | None, str | None]) -> None:
    found = legible(file_format="ndjson", header=b"", raw=raw)
    assert (found.broker, found.month) == said


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
    found = legible(file_format="csv", header=HEADER, raw=raw)
    assert (found.broker, found.month) == said


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (b'{"symbol": "SOL_USDC", "tradeId": 7, "orderId": "a", "price": 0.1}', ("SOL_USDC", 7, "a")),
        (b'{"symbol": "SOL_USDC", "tradeId": 7, "orderId": "a", "price": NaN}', ("SOL_USDC", 7, "a")),
        (b'{"symbol": "SOL_USDC", "tradeId": "7", "orderId": "a"}', None),
        (b'{"symbol": "SOL_USDC", "tradeId": true, "orderId": "a"}', None),
        (b'{"symbol": "SOL_USDC", "tradeId": 9223372036854775808, "orderId": "a"}', None),
        (b'{"symbol": "SOL_USDC", "tradeId": null, "orderId": "a"}', None),
        (b'{"symbol": "", "tradeId": 7, "orderId": "a"}', None),
        (b'{"symbol": 7, "tradeId": 7, "orderId": "a"}', None),
        (b'{"symbol": "SOL\\u0000", "tradeId": 7, "orderId": "a"}', None),
        (b'{"symbol": "\\ud800", "tradeId": 7, "orderId": "a"}', None),
        (b'{"symbol": "SOL_USDC", "tradeId": 7, "orderId": "a"', None),  # broken off
        (b"[" * 60_000, None),
        (b'{"orderId": "a", "symbol": "S", "tradeId": 7, "x": "' + b"x" * 70_000 + b'"}', None),
        (b"7", None),
    ],
    ids=range(14),
)
def test_the_key_of_a_malformed_line_is_read_where_it_is_json(
    raw: bytes, key: tuple[str, int, str] | None
) -> None:
    assert legible(file_format="ndjson", header=b"", raw=raw).key == key


def test_the_key_of_a_row_stands_in_its_columns() -> None:
    header = b"orderId,tradeId,symbol"
    assert legible(file_format="csv", header=header, raw=b"a,7,SOL_USDC") == Legible(("SOL_USDC", 7, "a"))
    assert legible(file_format="csv", header=header, raw=b"a,07,SOL_USDC") == Legible()


def test_a_row_of_parquet_is_kept_as_text_and_its_key_is_not_read_from_it() -> None:
    raw = b"{'symbol': 'SOL_USDC', 'tradeId': 7, 'orderId': 'a'}"
    assert legible(file_format="parquet", header=b"", raw=raw) == Legible()
