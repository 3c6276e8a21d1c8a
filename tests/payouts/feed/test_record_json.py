"""The line around the fields: JSON, UTF-8, nesting, repeated keys, tokens that only look like JSON."""

import pytest

from payouts.feed.record import Malformed, read_json
from tests.payouts.feed import reference
from tests.payouts.feed.written import line


def is_malformed(written: bytes) -> bool:
    """What the reader says, after the slow reference has agreed."""
    try:
        reference.read(written)
        reference_says = False
    except reference.Unreadable:
        reference_says = True
    try:
        read_json(written)
        says = False
    except Malformed:
        says = True
    assert says == reference_says, written[:200]
    return says


def nested(opening: str, inside: str, closing: str, times: int) -> str:
    return opening * times + inside + closing * times


def test_a_valid_line_is_read() -> None:
    assert not is_malformed(line())


def test_of_a_repeated_key_the_last_counts() -> None:
    found = read_json(line(before='"symbol": "A_B"', after='"userId": 8, "userId": 9, "tradeId": null'))

    assert (found.symbol, found.trader, found.trade_id) == ("SOL_USDC", 9, None)


def test_an_earlier_value_of_a_repeated_key_may_be_out_of_range_but_not_of_another_type() -> None:
    harmless = [
        '"userId": -1', f'"tradeId": {2**70}', '"brokerId": 65536', '"price": "x"', '"symbol": ""',
        '"side": "no"', f'"orderId": "{"x" * 300}"', '"timestamp": "now"', '"tradeId": null',
        '"clientId": null', '"affiliateRate": null', '"systemOrderType": null', '"marketType": "\\u0000"',
    ]  # fmt: skip
    harmful = [
        '"userId": "7"', '"userId": 7.0', '"userId": null', '"tradeId": true', '"brokerId": 1e3',
        '"price": 100', '"symbol": null', '"side": []', '"isMaker": 0', '"isMaker": null',
        '"timestamp": 1', '"clientId": 5', '"affiliateRate": 0', '"systemOrderType": {}', '"feeSymbol": null',
    ]  # fmt: skip

    assert [each for each in harmless if is_malformed(line(before=each))] == []
    assert [each for each in harmful if not is_malformed(line(before=each))] == []


def test_a_last_value_of_null_is_null() -> None:
    assert is_malformed(line(after='"userId": null'))
    assert not is_malformed(line(after='"tradeId": null'))


def test_unknown_fields_are_ignored_whatever_they_hold() -> None:
    held = [
        "null", "1e400", "-0.0", "123456789012345678901234567890", '"\\u0000"', f'"{"x" * 1000}"', "[]", "{}",
        '{"a": 1, "a": [2]}', '[[1], {"b": "\\ud83d\\ude00"}]', '"\\/"', '"NaN"', '"Infinity"',
    ]  # fmt: skip

    assert [each for each in held if is_malformed(line(after=f'"extra": {each}'))] == []
    assert not is_malformed(line(after='"": 1, "Symbol": 5, "trade_id": "x"'))
    assert read_json(line(after='"extra": {"symbol": "A_B", "userId": 8}')) == read_json(line())


def test_what_is_not_json_is_malformed_in_ignored_fields_too() -> None:
    held = [
        "NaN", "Infinity", "-Infinity", "nan", "[NaN]", '{"a": Infinity}', "01", "-01", "1.", ".5", "+1",
        "1e", "--1", "-", "tru", "True", "'a'", '"\t"', '"\x01"', '"\\x41"', '"\\u12g4"', '"\\u12"', "[1,]",
        '{"a": 1,}', '{"a"}', "{1: 2}", "[1 2]", "1_000", "0x10", "/* */ 1", "\u00a01", "\x0b1", "",
    ]  # fmt: skip

    assert [each for each in held if not is_malformed(line(after=f'"extra": {each}'))] == []


def test_a_lone_surrogate_is_malformed_wherever_it_is() -> None:
    for lone in ("\\ud800", "\\udfff", "\\udc00\\ud800", "\\ud83d\\u0041", "\\uD83D", "x\\udead"):
        assert is_malformed(line(clientId=f'"{lone}"'))
        assert is_malformed(line(after=f'"extra": "{lone}"'))
        assert is_malformed(line(after=f'"extra": [{{"a": "{lone}"}}]'))
        assert is_malformed(line(after=f'"{lone}": 1'))
        assert is_malformed(line(after=f'"extra": {{"{lone}": 1}}'))
    assert not is_malformed(line(after='"extra": "\\ud83d\\ude00", "\\ud83d\\ude00": 1'))


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), (' [ {"b": ', "} ] ")])
def test_nesting_of_64_is_read_and_of_65_is_not(opening: str, closing: str) -> None:
    """The record itself is the first of them."""
    each = opening.count("[") + opening.count("{")
    deepest = nested(opening, "1", closing, 63 // each)
    if 63 % each:
        deepest = f"[{deepest}]"

    assert not is_malformed(line(after=f'"extra": {deepest}'))
    assert is_malformed(line(after=f'"extra": [{deepest}]'))
    assert is_malformed(line(before=f'"extra": [{deepest}]'))


def test_an_empty_container_counts_as_deep_as_it_lies() -> None:
    assert not is_malformed(line(after=f'"extra": {nested("[", "", "]", 63)}'))
    assert is_malformed(line(after=f'"extra": {nested("[", "", "]", 64)}'))
    assert is_malformed(line(after=f'"extra": {nested("[", "{}", "]", 63)}'))


def test_many_containers_side_by_side_are_not_deep() -> None:
    assert not is_malformed(line(after=f'"extra": [{", ".join(["[{}]"] * 500)}]'))


def test_brackets_inside_strings_are_not_nesting() -> None:
    held = ['"' + "[" * 500 + '"', '"' + '\\"[' * 500 + '"', '"\\\\", "more": "' + "{[" * 100 + '"']
    deepest = nested("[", '"]]]]"', "]", 63)

    assert [each for each in held if is_malformed(line(after=f'"extra": {each}'))] == []
    assert not is_malformed(line(after=f'"{"[" * 100}": 1'))
    assert not is_malformed(line(clientId='"' + "[" * 200 + '"'))
    assert is_malformed(line(after=f'"extra": [{deepest}]'))  # closed in a string is not closed


@pytest.mark.parametrize("depth", [10_000, 1_000_000])
def test_nesting_without_end_is_malformed_and_crashes_nothing(depth: int) -> None:
    for written in (b"[" * depth, b'{"a":' * depth, line(after=f'"extra": {nested("[", "", "]", depth)}')):
        with pytest.raises(Malformed, match="nested deeper than 64"):
            read_json(written)


def test_a_line_that_is_no_object_is_malformed() -> None:
    lines = [
        b"null", b"true", b"1", b'"x"', b"[]", b"[" + line() + b"]", b"{}", b"{", b"}", b" ", b"\t", b"x",
        b"\x00", b"\xff", b"\xef\xbb\xbf" + line(), line() + b",", line() + line(), line()[:-1],
        line() + b"\x00", b"\x00" + line(), b"\x1f\x8b\x08",
    ]  # fmt: skip

    assert [each for each in lines if not is_malformed(each)] == []


def test_spaces_of_json_around_a_record_do_no_harm() -> None:
    assert not is_malformed(b" \t\r" + line() + b"\r \t")
    assert is_malformed(b"\x0b" + line())
    assert is_malformed("\u00a0".encode() + line())


def test_bytes_that_are_not_utf_8_are_malformed_wherever_they_are() -> None:
    for broken in (
        b"\xff",
        b"\xc3",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe2\x28\xa1",
        b"\x80",
    ):
        for before, after in ((b'"clientId": "', b'"'), (b'"extra": "', b'"'), (b'"', b'": 1'), (b"", b"")):
            assert is_malformed(line()[:-1] + b", " + before + broken + after + b"}")
    with pytest.raises(Malformed, match=r"^not UTF-8$"):
        read_json(b"\xff")
