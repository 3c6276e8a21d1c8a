"""What makes two records with one natural key the same or a conflict: every field by value, but clientId."""

import pytest

from payouts.feed.record import read_json
from tests.payouts.feed import reference
from tests.payouts.feed.written import line

#: Another value for every field that is content and no part of the key.
OTHER = {
    "marketType": '"spot"',
    "userId": "8",
    "brokerId": "1401",
    "side": '"Ask"',
    "isMaker": "true",
    "price": '"100.000000000000000001"',
    "quantity": '"1.1"',
    "fee": '"0.100000000000000001"',
    "feeSymbol": '"USD"',
    "feeRate": '"0.0010001"',
    "affiliateRate": '"0.100000000000000001"',
    "systemOrderType": '""',
    "timestamp": '"2026-10-15T12:00:00.000001Z"',
}
#: The same values, written differently.
SAME = {
    "symbol": ['"SOL\\u005fUSDC"'],
    "marketType": ['"\\u0053POT"'],
    "tradeId": [" 1 "],
    "orderId": ['"\\u0032"'],
    "clientId": ["null", '""', '"d"', '"1"'],
    "userId": ["7 "],
    "brokerId": ["\t1400"],
    "side": ['"\\u0042id"'],
    "isMaker": [" false"],
    "price": ['"100.0"', '"0100"', '"100.000000000000000000"'],
    "quantity": ['"1.0"', '"01"', '"001.00"'],
    "fee": ['"0.10"', '"00.1"', '"0.100000000000000000"'],
    "feeSymbol": ['"USD\\u0043"'],
    "feeRate": ['"0.0010"', '"00.001"'],
    "affiliateRate": ['"0.10"', '"00.1"'],
    "systemOrderType": ["null "],
    "timestamp": [
        '"2026-10-15T12:00:00"', '"2026-10-15T12:00:00.0"', '"2026-10-15T12:00:00.000Z"',
        '"2026-10-15T12:00:00.000000"',
    ],
}  # fmt: skip


def content(**values: str) -> bytes:
    return read_json(line(**values)).content


@pytest.mark.parametrize("field", OTHER)
def test_another_value_is_another_content(field: str) -> None:
    assert content(**{field: OTHER[field]}) != content()


@pytest.mark.parametrize("field", SAME)
def test_the_same_value_written_differently_is_the_same_content(field: str) -> None:
    for text in SAME[field]:
        assert (text, content(**{field: text})) == (text, content())


def test_every_field_is_compared_or_is_the_key_or_is_clientid() -> None:
    assert {*OTHER, "symbol", "tradeId", "orderId", "clientId"} == set(SAME) == set(reference.FIELDS)


def test_the_key_belongs_to_the_content_too() -> None:
    assert len({content(), content(symbol='"A_B"'), content(tradeId="3"), content(orderId='"3"')}) == 4


def test_absent_is_null_and_no_affiliate_rate_is_0() -> None:
    none = read_json(line(without="affiliateRate")).content

    assert {content(affiliateRate=text) for text in ("null", '"0"', '"0.0"', '"-0"', '"-0.000"', '"00"')} == {
        none
    }
    assert read_json(line(without="systemOrderType")).content == content()
    assert read_json(line(without="clientId")).content == content()


def test_an_empty_system_order_type_is_not_none_of_it() -> None:
    kinds = [content(systemOrderType=text) for text in ("null", '""', '"None"', '"+"', '"null"')]

    assert len(set(kinds)) == 5


def test_zero_has_one_content_however_it_is_signed() -> None:
    free = {
        content(fee=text, feeRate=rate)
        for text, rate in (('"0"', '"0"'), ('"-0"', '"0.0"'), ('"0.00"', '"-0"'))
    }

    assert len(free) == 1


def test_what_stands_in_one_field_cannot_pass_for_the_next() -> None:
    assert content(marketType='"a"', orderId='"b"') != content(marketType='"ab"', orderId='"-"')
    assert content(marketType='"SPOT1"', orderId='"2"') != content(marketType='"SPOT"', orderId='"12"')
    assert content(feeSymbol='""', systemOrderType='"USDC"') != content(
        feeSymbol='"USDC"', systemOrderType='""'
    )
    assert content(tradeId="null") != content(tradeId="0")
