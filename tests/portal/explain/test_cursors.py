"""Where a page begins and what an address names: written and read again, and nothing else is read."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from portal.explain import cursors
from portal.explain.cursors import FillInAddress, FillKey, FillName, LineInAddress, LineName

LINE = LineName("T-4QX7ABCDEFGH", "futures", Decimal("-0.0005"), Decimal("0.25"))
texts = some.text(
    some.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=200
)


def written(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode()


def test_a_line_is_read_as_it_was_written() -> None:
    assert cursors.line_at(cursors.of_line(LINE)) == LINE
    assert LineInAddress().to_url(LINE) == "T-4QX7ABCDEFGH~futures~-0.0005~0.25"
    assert LineInAddress().to_python("T-4QX7ABCDEFGH~futures~-0.0005~0.25") == LINE


@given(texts, some.integers(0, 2**63 - 1), texts, some.datetimes(timezones=some.just(UTC)))
def test_a_fill_of_whatever_name_is_read_as_it_was_written(
    symbol: str, trade_id: int, order_id: str, at: datetime
) -> None:
    name, key = FillName(at, symbol, trade_id, order_id), FillKey(symbol, trade_id, order_id)
    address = FillInAddress().to_url(key)

    assert cursors.fill_at(cursors.of_fill(name)) == name
    assert FillInAddress().to_python(address) == key
    assert "/" not in address
    assert address.isascii()


@pytest.mark.parametrize("address", ["SOL~9223372036854775808~A", "SOL~1~%00"])
def test_what_no_fill_is_called_is_no_address(address: str) -> None:
    with pytest.raises(ValueError, match="no fill has this name"):
        FillInAddress().to_python(address)


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "💥",
        "x" * 4_001,
        written("[" * 3_000),
        written("{}"),
        written('["a","b","c"]'),
        written('["a","b","c",4]'),
        written('["a","b","NaN","0"]'),
        written('["a","b","-","0"]'),
        written('["a","b\\u0000","1","0"]'),
        written('["a","\\ud800","1","0"]'),
        written('["yesterday","b","1","c"]'),
        written('["2026-10-03T00:00:00","b","1","c"]'),
        written('["2026-10-03T00:00:00+00:00","b","x","c"]'),
        written('["2026-10-03T00:00:00+00:00","b","-1","c"]'),
    ],
)
def test_what_is_no_cursor_is_none(cursor: str) -> None:
    assert cursors.line_at(cursor) is None
    assert cursors.fill_at(cursor) is None


@given(some.text())
def test_whatever_is_read_is_a_cursor_or_none(cursor: str) -> None:
    assert cursors.line_at(cursor) is None
    assert cursors.fill_at(cursor) is None
