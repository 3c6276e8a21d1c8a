"""A record beside the one that holds its key: what is content is compared by value, as the contract says."""

import pytest

from portal.staff.quarantine_beside import FIELDS, Row, rows

_RECORD = {
    "symbol": "SOL_USDC", "marketType": "SPOT", "tradeId": "1", "orderId": "10001", "clientId": "a",
    "userId": "7", "brokerId": "1400", "side": "Bid", "isMaker": "false", "price": "100", "quantity": "1",
    "fee": "0.1", "feeSymbol": "USDC", "feeRate": "0.001", "affiliateRate": "", "systemOrderType": "",
    "timestamp": "2026-10-15T12:00:00Z",
}  # fmt: skip


def differ(name: str, value: str, other: str) -> list[str]:
    """The fields that differ where this one is written so, and so."""
    found = rows((_RECORD | {name: value}).items(), (_RECORD | {name: other}).items())
    return [row.name for row in found if row.differs]


@pytest.mark.parametrize(
    ("name", "value", "other"),
    [
        ("price", "1.50", "1.5"),
        ("fee", "-0", "0"),
        ("affiliateRate", "", "0"),
        ("affiliateRate", "0.0", ""),
        ("timestamp", "2026-10-15T12:00:00Z", "2026-10-15T12:00:00.000"),
        ("timestamp", "2026-10-15T12:00:00.120000", "2026-10-15T12:00:00.12Z"),
        ("clientId", "a", "b"),
        ("side", "Bid", "Bid"),
    ],
)
def test_the_same_value_written_otherwise_does_not_differ(name: str, value: str, other: str) -> None:
    assert differ(name, value, other) == []


@pytest.mark.parametrize(
    ("name", "value", "other"),
    [
        ("price", "1.51", "1.5"),
        ("price", "1e2", "100"),
        ("price", "", "0"),
        ("affiliateRate", "0.1", ""),
        ("timestamp", "2026-10-15T12:00:00Z", "2026-10-15T12:00:01Z"),
        ("timestamp", "2026-10-15 12:00:00", "2026-10-15T12:00:00"),
        ("orderId", "1", "01"),
        ("side", "Bid", "bid"),
    ],
)
def test_another_value_differs(name: str, value: str, other: str) -> None:
    assert differ(name, value, other) == [name]


def test_the_fields_stand_in_the_contracts_order_and_others_behind_them() -> None:
    found = rows([("note", "x"), ("price", "1"), ("symbol", "SOL_USDC")], None)

    assert found == [
        Row("symbol", "SOL_USDC", None, False, False),
        Row("price", "1", None, False, False),
        Row("note", "x", None, False, True),
    ]
    assert [row.name for row in rows(_RECORD.items(), None)] == list(FIELDS)


def test_a_field_that_one_of_the_two_lacks_is_shown_and_differs() -> None:
    assert rows([("symbol", "A_USDC")], [("symbol", "A_USDC"), ("side", "Bid")]) == [
        Row("symbol", "A_USDC", "A_USDC", False, False),
        Row("side", None, "Bid", True, False),
    ]
