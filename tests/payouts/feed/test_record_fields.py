"""The edges of every field of the contract's table: the last value that is valid, the first that is not."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, localcontext

import pytest

from payouts.feed.record import Malformed, read_json
from tests.payouts.feed import reference
from tests.payouts.feed.written import line


def reads(reader: Callable[[bytes], object], written: bytes) -> bool:
    try:
        reader(written)
    except (Malformed, reference.Unreadable):
        return False
    return True


NOT_DECIMALS = [
    "1", "-1", "0.5", "1e3", "null", "true", "[]", "{}",  # JSON, but not strings
    '""', '"-"', '"."', '"1."', '".5"', '"-.5"', '"+1"', '"--1"', '"1e3"', '"1E3"', '" 1"', '"1 "', '"1\\n"',
    '"1_000"', '"1,000"', '"1.2.3"', '"0x10"', '"NaN"', '"nan"', '"Infinity"', '"-Infinity"', '"inf"',
    '"\u0661"', '"\uff11"', '"1.\u0662"', '"\u22121"', '"1\u0000"', '"1|2"', '"1\\u00a0"', '"½"',
    f'"{"1" * 21}"', f'"0.{"1" * 19}"', f'"{"0" * 21}"',
]  # fmt: skip
NOT_INTEGERS = [
    '"1"', '""', "1.0", "1e3", "1E0", "-1", "-0.0", "0.5", "true", "false", "[]", "{}", "01", "-01", "+1",
    "0x10", "1_000", "9" * 30, "-" + "9" * 30,
]  # fmt: skip
NOT_STRINGS = ["1", "1.5", "true", "[]", "{}", '["a"]']
TOO_LONG = [f'"{"x" * 201}"', f'"{"😀" * 201}"', f'"{chr(92)}u0041{"x" * 200}"']
HOLDS_NUL = ['"\\u0000"', '"a\\u0000b"']

INVALID: dict[str, list[str]] = {
    "symbol": [
        "null", '""', '"A"', '"_"', '"A_"', '"_A"', '"A__B"', '"A_B_"', '"_A_B"', '"A_B_C_D"', '"SOL-USDC"',
        f'"A_{"x" * 199}"', '"A_\\u0000"', *NOT_STRINGS,
    ],
    "marketType": ["null", *NOT_STRINGS, *TOO_LONG, *HOLDS_NUL],
    "tradeId": [*NOT_INTEGERS, str(2**63), str(2**64)],
    "orderId": ["null", '""', *NOT_STRINGS, *TOO_LONG, *HOLDS_NUL],
    "clientId": [*NOT_STRINGS, *TOO_LONG, *HOLDS_NUL],
    "userId": ["null", *NOT_INTEGERS, str(2**63), str(2**64)],
    "brokerId": ["null", *NOT_INTEGERS, "65536", str(2**63)],
    "side": ["null", '""', '"bid"', '"BID"', '"Buy"', '" Bid"', '"Bid "', '"Bid\\u0000"', *NOT_STRINGS],
    "isMaker": ["null", "0", "1", '"true"', '"false"', '""', "True", "[]", "{}", "0.0"],
    "price": [*NOT_DECIMALS, '"0"', '"-0"', '"0.000000000000000000"', '"-1"'],
    "quantity": [*NOT_DECIMALS, '"0"', '"-0.0"', '"-0.000000000000000001"'],
    "fee": NOT_DECIMALS,
    "feeSymbol": ["null", *NOT_STRINGS, *TOO_LONG, *HOLDS_NUL],
    "feeRate": [*NOT_DECIMALS, '"1.000000000000000001"', '"-1.000000000000000001"', '"2"', '"-2"'],
    "affiliateRate": [
        *(text for text in NOT_DECIMALS if text != "null"),
        '"1.000000000000000001"', '"-0.000000000000000001"',
        '"-1"', '"2"',
    ],
    "systemOrderType": [*NOT_STRINGS, *TOO_LONG, *HOLDS_NUL],
    "timestamp": [
        "null", '""', "1760529600", '"2026-10-15"', '"2026-10-15T12:00"', '"2026-10-15 12:00:00"',
        '"2026-10-15t12:00:00"', '"2026-10-15T12:00:00z"', '"2026-10-15T12:00:00+00:00"',
        '"2026-10-15T12:00:00-00:00"', '"2026-10-15T12:00:00+02:00"', '"2026-10-15T12:00:00ZZ"',
        '"2026-10-15T12:00:00 Z"', '" 2026-10-15T12:00:00"', '"2026-10-15T12:00:00\\n"',
        '"2026-10-15T12:00:00Z\\n"', '"2026-10-15T12:00:00."', '"2026-10-15T12:00:00.Z"',
        '"2026-10-15T12:00:00.1234567"', '"2026-10-15T12:00:00,123"', '"2026-10-15T24:00:00"',
        '"2026-10-15T24:00:00.000000Z"', '"2026-10-15T25:00:00"', '"2026-10-15T12:60:00"',
        '"2026-10-15T12:00:60"', '"2026-06-30T23:59:60Z"', '"2026-02-29T00:00:00"', '"2100-02-29T00:00:00"',
        '"2026-02-30T00:00:00"', '"2026-04-31T00:00:00"', '"2026-00-15T00:00:00"', '"2026-13-15T00:00:00"',
        '"2026-10-00T00:00:00"', '"2026-10-32T00:00:00"', '"0000-10-15T12:00:00"', '"10000-10-15T12:00:00"',
        '"-2026-10-15T12:00:00"', '"+2026-10-15T12:00:00"', '"26-10-15T12:00:00"', '"2026-1-15T12:00:00"',
        '"20261015T120000"', '"2026-W42-4T12:00:00"', '"2026-288T12:00:00"', '"\u0662026-10-15T12:00:00"',
        '"2026-10-15T12:00:00\\u0000"', '"1760529600"', *NOT_STRINGS,
    ],
}  # fmt: skip


@pytest.mark.parametrize("field", INVALID)
def test_what_a_field_may_not_hold_is_malformed(field: str) -> None:
    for text in INVALID[field]:
        written = line(**{field: text})
        assert not reads(read_json, written), text
        assert not reads(reference.read, written), text


#: JSON text → what the record then holds.
DECIMALS = {
    '"0"': "0", '"-0"': "0", '"-0.000"': "0", '"00"': "0", '"0.0"': "0",
    '"1"': "1", '"007"': "7", '"1.50"': "1.5", '"-1.50"': "-1.5",
    '"0.000000000000000001"': "0." + "0" * 17 + "1",
    '"-0.000000000000000001"': "-0." + "0" * 17 + "1", '"100"': "100", '"10.0"': "10", '"000.10"': "0.1",
    f'"{"9" * 20}.{"9" * 18}"': "9" * 20 + "." + "9" * 18, f'"-{"9" * 20}"': "-" + "9" * 20,
    f'"{"0" * 20}"': "0", f'"{"0" * 19}1"': "1", f'"1{"0" * 19}"': "1" + "0" * 19,
}  # fmt: skip
INTEGERS = {"0": 0, "-0": 0, "1": 1, " 65535\t": 65_535}
LARGE_INTEGERS = INTEGERS | {str(2**63 - 1): 2**63 - 1}
STRINGS = {
    '"x"': "x",
    '" x "': " x ",
    '"X"': "X",
    f'"{"x" * 200}"': "x" * 200,
    f'"{"😀" * 200}"': "😀" * 200,
    f'"{chr(92)}ud83d{chr(92)}ude00"': "😀",
    '"\\\\N"': "\\N",
    '"\\t\\n\\r\\""': '\t\n\r"',
    '"\\u0001\u2028\ufeff"': "\x01\u2028\ufeff",
}
MAY_BE_EMPTY = STRINGS | {'""': ""}
VALID: dict[str, tuple[str, dict[str, object]]] = {
    "symbol": ("symbol", {'"A_B"': "A_B", '"A_B_C"': "A_B_C", '"a b_é_😀"': "a b_é_😀",
                          f'"A_{"x" * 198}"': "A_" + "x" * 198}),
    "marketType": ("market_type", MAY_BE_EMPTY),
    "tradeId": ("trade_id", LARGE_INTEGERS | {"null": None}),
    "orderId": ("order_id", STRINGS),
    "clientId": ("client_id", MAY_BE_EMPTY | {"null": None}),
    "userId": ("trader", LARGE_INTEGERS),
    "brokerId": ("broker", INTEGERS),
    "side": ("side", {'"Bid"': "Bid", '"Ask"': "Ask", '"\\u0041sk"': "Ask"}),
    "isMaker": ("is_maker", {"true": True, "false": False}),
    "price": ("price", {text: value for text, value in DECIMALS.items() if Decimal(value) > 0}),
    "quantity": ("quantity", {text: value for text, value in DECIMALS.items() if Decimal(value) > 0}),
    "fee": ("fee", DECIMALS),
    "feeSymbol": ("fee_symbol", MAY_BE_EMPTY),
    "feeRate": ("fee_rate", {'"1"': "1", '"-1"': "-1", '"1.000"': "1", '"-0"': "0", '"0.0005"': "0.0005",
                             '"-0.999999999999999999"': "-0." + "9" * 18, f'"{"0" * 19}1"': "1"}),
    "affiliateRate": ("affiliate_rate", {'"0"': "0", '"-0"': "0", '"-0.0"': "0", '"1"': "1", '"1.0"': "1",
                                         '"0.10"': "0.1", "null": "0"}),
    "systemOrderType": ("system_order_type", MAY_BE_EMPTY | {"null": None}),
    "timestamp": ("executed_at", {
        '"2026-10-15T12:00:00"': datetime(2026, 10, 15, 12),
        '"2026-10-15T12:00:00Z"': datetime(2026, 10, 15, 12),
        '"2026-10-15T12:00:00.1"': datetime(2026, 10, 15, 12, 0, 0, 100_000),
        '"2026-10-15T12:00:00.12Z"': datetime(2026, 10, 15, 12, 0, 0, 120_000),
        '"2026-10-15T12:00:00.0001"': datetime(2026, 10, 15, 12, 0, 0, 100),
        '"2026-10-15T12:00:00.00001Z"': datetime(2026, 10, 15, 12, 0, 0, 10),
        '"2026-10-15T12:00:00.123456"': datetime(2026, 10, 15, 12, 0, 0, 123_456),
        '"2028-02-29T23:59:59.999999Z"': datetime(2028, 2, 29, 23, 59, 59, 999_999),
        '"2000-02-29T00:00:00"': datetime(2000, 2, 29), '"0001-01-01T00:00:00Z"': datetime(1, 1, 1),
        '"9999-12-31T23:59:59.999999"': datetime(9999, 12, 31, 23, 59, 59, 999_999),
    }),
}  # fmt: skip


@pytest.mark.parametrize("field", VALID)
def test_what_a_field_may_hold_is_read_as_its_value(field: str) -> None:
    name, examples = VALID[field]
    for text, value in examples.items():
        written = line(**{field: text})
        reference.read(written)
        assert (text, getattr(read_json(written), name)) == (text, value)


def test_every_field_of_the_table_has_its_edges_here() -> None:
    assert list(INVALID) == list(VALID) == list(reference.FIELDS)


@pytest.mark.parametrize("field", reference.FIELDS)
def test_an_absent_field_is_null(field: str) -> None:
    if None in reference.FIELDS[field]:
        assert read_json(line(without=field)) == read_json(line(**{field: "null"}))
    else:
        with pytest.raises(Malformed):
            read_json(line(without=field))


def test_case_matters_in_the_names_of_fields() -> None:
    with pytest.raises(Malformed):
        read_json(line(without="symbol", after='"Symbol": "SOL_USDC"'))


def test_a_name_may_be_written_with_escapes() -> None:
    assert read_json(line(without="symbol", after='"s\\u0079mbol": "A_B"')).symbol == "A_B"


def test_a_record_knows_its_quote_its_volume_its_fee_and_how_far_the_fee_is_off() -> None:
    found = read_json(
        line(symbol='"BTC_USDC_PERP"', price='"3.50"', quantity='"2"', fee='"0.71"', feeRate='"0.1"')
    )

    assert (found.quote, found.volume, found.fee_paid, found.fee_gap) == (
        "USDC",
        Decimal("7"),
        Decimal("0.71"),
        Decimal("0.01"),
    )


def test_a_rebate_is_no_fee_that_was_paid() -> None:
    found = read_json(line(fee='"-0.02"', feeRate='"-0.0002"'))

    assert (found.fee, found.fee_paid, found.fee_gap) == ("-0.02", Decimal(0), Decimal(0))


def test_the_largest_numbers_multiply_exactly() -> None:
    largest = "9" * 20 + "." + "9" * 18
    found = read_json(
        line(price=f'"{largest}"', quantity=f'"{largest}"', fee='"0"', feeRate='"-0.999999999999999999"')
    )

    volume = "9" * 37 + "800." + "0" * 35 + "1"  # 40 and 36 digits
    assert str(found.volume) == volume
    with localcontext(prec=200):
        assert found.fee_gap == Decimal(volume) * Decimal("0.999999999999999999")


def test_the_problem_names_the_field() -> None:
    told = {
        "price": '"1e3"',
        "quantity": '"x"',
        "fee": '""',
        "feeRate": '"2"',
        "affiliateRate": '"-1"',
        "timestamp": '"2026-02-30T00:00:00"',
        "symbol": '"A"',
        "side": '"bid"',
        "orderId": '""',
        "tradeId": "-1",
        "userId": "-1",
        "brokerId": "65536",
    }
    for field, text in told.items():
        with pytest.raises(Malformed, match=f"^{field}: "):
            read_json(line(**{field: text}))
