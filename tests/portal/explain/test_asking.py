"""What is typed into the box and what an address asks for: read strictly, and written to be read again."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from payouts.month import Month
from portal.explain import asking
from portal.explain.asking import Asked, NotAsked, Typed


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        (" t-4qx7abcdefgh ", Typed("trader", "T-4QX7ABCDEFGH")),
        ("2026-10-03", Typed("day", "2026-10-03", date(2026, 10, 3))),
        ("2026-02-30", None),
        ("4711", Typed("text", "4711")),
        ("SOL_USDC", Typed("text", "SOL_USDC")),
        ("T-short", Typed("text", "T-short")),
        ("'; DROP TABLE fill; --", Typed("text", "'; DROP TABLE fill; --")),
        ("%", Typed("text", "%")),
        ("", None),
        ("   ", None),
        ("x" * 201, None),
        ("a\x00b", None),
        ("\ud800", None),
    ],
)
def test_what_is_typed_is_a_trader_a_day_or_a_text(text: str, typed: Typed | None) -> None:
    assert asking.typed(text) == typed


def test_an_address_asks_for_everything_at_once() -> None:
    given_by_address = {
        "trader": "T-4QX7ABCDEFGH",
        "market": "spot",
        "fee_rate": "-0.0001",
        "affiliate_rate": "0",
        "symbol": "SOL_USDC",
        "day": "2026-10-03",
        "trade": "7",
        "order": "A 1",
        "part": "late",
        "by": "2026-11",
    }
    found = asking.asked(given_by_address)

    assert found == Asked(
        trader="T-4QX7ABCDEFGH",
        market="spot",
        fee_rate=Decimal("-0.0001"),
        affiliate_rate=Decimal(0),
        symbol="SOL_USDC",
        day=date(2026, 10, 3),
        trade_id=7,
        order_id="A 1",
        part="late",
        by=Month(2026, 11),
    )
    assert found.names_fills
    assert asking.query(found) == given_by_address


def test_an_address_that_asks_for_nothing_asks_for_all() -> None:
    empty = dict.fromkeys(("trader", "market", "fee_rate", "day", "trade", "order", "part", "by"), "")

    assert asking.asked({}) == asking.asked(empty) == Asked()
    assert not Asked(symbol="SOL_USDC").names_fills
    assert asking.query(Asked()) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"market": "bonds"},
        {"fee_rate": "NaN"},
        {"fee_rate": "1e9"},
        {"affiliate_rate": "1" * 60},
        {"day": "2026-13-01"},
        {"day": "T-4QX7ABCDEFGH"},
        {"trade": "-1"},
        {"trade": "9223372036854775808"},
        {"part": "all"},
        {"by": "2026-13"},
        {"order": "a\x00"},
        {"symbol": "x" * 201},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(NotAsked):
        asking.asked(wrong)


@given(some.dictionaries(some.sampled_from([*"abc", "trader", "day", "trade", "order", "by"]), some.text()))
def test_whatever_an_address_says_is_read_or_refused(given_by_address: dict[str, str]) -> None:
    try:
        found = asking.asked(given_by_address)
    except NotAsked:
        return
    assert asking.asked(asking.query(found)) == found
