"""Rows and cells of RFC 4180 out of chunks of bytes."""

from collections.abc import Iterator
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts.feed import csv_rows, lines
from payouts.feed.csv_rows import UnusableColumns, cells, check_columns, split, wire
from payouts.feed.lines import LongLine
from payouts.feed.record import Malformed, read, read_json
from tests.payouts.feed.test_lines import BYTES, CUTS, LIMIT, cut, in_chunks, long
from tests.payouts.feed.written import line


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"\n\r\n\n", []),
        (b"a,b\nc,d", [b"a,b", b"c,d"]),
        (b"a,b\r\nc,d\r\n", [b"a,b", b"c,d"]),
        (b'a,"b\nc",d\ne', [b'a,"b\nc",d', b"e"]),
        (b'a,"b\r\n\r\nc"\r\ne', [b'a,"b\r\n\r\nc"', b"e"]),
        (b'"""\n"",\n",x\ny', [b'"""\n"",\n",x', b"y"]),
        (b'""\n""""\n', [b'""', b'""""']),
        (b'a"b\nc', [b'a"b', b"c"]),  # a stray quote opens nothing
        (b'a"b,"c\nd"\ne', [b'a"b,"c\nd"', b"e"]),
        (b'"a"b\nc', [b'"a"b', b"c"]),
        (b'"a" "b\nc', [b'"a" "b', b"c"]),
        (b' "a\nb', [b' "a', b"b"]),
        (b'"a\nb\nc\n', [b'"a\nb\nc\n']),  # never closed: the rest of the file
        (b'x\n,"a\r\nb\r\n', [b"x", b',"a\r\nb\r\n']),
        (b",\n,,\n", [b",", b",,"]),
        (b"a\rb\n", [b"a\rb"]),
    ],
)
def test_where_rows_end(content: bytes, expected: list[bytes]) -> None:
    for size in (1, 2, 3, 5, 100):
        assert list(split(in_chunks(content, size))) == expected


def naive(content: bytes) -> list[bytes]:
    """RFC 4180 a byte at a time: a quote opens a cell only at its start."""
    rows, row = [], bytearray()
    at_start, quoted, closing = True, False, False
    for byte in content:
        sign = bytes([byte])
        if sign == b"\n" and not quoted:
            rows.append(bytes(row).removesuffix(b"\r"))
            row, at_start, closing = bytearray(), True, False
            continue
        row += sign
        if quoted:
            if sign == b'"':
                quoted, closing = False, True
        elif sign == b'"' and (at_start or closing):
            quoted, closing = True, False  # opened, or the second of a doubled quote
        else:
            closing = False
        at_start = sign == b"," and not quoted
    rows.append(bytes(row).removesuffix(b"\r"))
    return [each for each in rows if each]


@given(BYTES, CUTS)
def test_splitting_chunks_is_splitting_the_whole(content: bytes, cuts: list[int]) -> None:
    assert list(split(cut(content, cuts))) == naive(content)


@given(BYTES, CUTS, st.integers(1, 6))
def test_with_a_limit_of_a_few_bytes_too(content: bytes, cuts: list[int], limit: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for module in (csv_rows, lines):
            patch.setattr(module, "LONGEST_LINE", limit)
        patch.setattr(lines, "KEPT_OF_A_LONG_LINE", 2)
        found = list(split(cut(content, cuts)))

    assert found == [
        each if len(each) <= limit else LongLine(each[:2], len(each), sha256(each).digest())
        for each in naive(content)
    ]


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_16_mib_are_a_row_and_one_byte_more_is_too_long(ending: bytes) -> None:
    for quote in (b"", b'"'):
        exactly = quote + b"x" * (LIMIT - 2 * len(quote)) + quote
        over = quote + b"x" * (LIMIT + 1 - 2 * len(quote)) + quote
        for size in (1024 * 1024 + 1, LIMIT + 2):
            assert list(split(in_chunks(exactly + ending, size))) == [exactly]
            assert list(split(in_chunks(over + ending, size))) == [long(over)]


def test_a_quote_never_closed_is_one_row_in_constant_memory() -> None:
    piece = b"a,b,c\n0123456789" * 65_536  # a mebibyte
    whole = sha256(b'x,"')

    def chunks() -> Iterator[bytes]:
        yield b'first\nx,"'
        for _ in range(18):
            whole.update(piece)
            yield piece

    first, rest = split(chunks())

    assert first == b"first"
    assert isinstance(rest, LongLine)
    assert (rest.length, rest.digest) == (3 + 18 * len(piece), whole.digest())
    assert rest.head == (b'x,"' + piece)[: 64 * 1024]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (b"a", ["a"]),
        (b",", ["", ""]),
        (b"a,,c,", ["a", "", "c", ""]),
        (b" a , b ", [" a ", " b "]),
        (b'"a","b"', ["a", "b"]),
        (b'""', [""]),
        (b'"",""', ["", ""]),
        (b'"a""b"', ['a"b']),
        (b'""""', ['"']),
        (b'"a,b",c', ["a,b", "c"]),
        (b'"a\r\nb\nc\rd",e', ["a\r\nb\nc\rd", "e"]),
        (b"\x00,\x01", ["\x00", "\x01"]),
        ("é😀\u2028,x".encode(), ["é😀\u2028", "x"]),
    ],
)
def test_the_cells_of_a_row(row: bytes, expected: list[str]) -> None:
    assert cells(row) == expected


@pytest.mark.parametrize(
    "row",
    [b'a"', b'a"b', b'"a"b', b'"a" ', b' "a"', b'"a', b'"', b'"a""', b'"a","b', b'a,"b"c,d', b"a\rb", b"\xff",
     b'"a"\r,b', b"\xed\xa0\x80", b'"\xc3"', b'"""'],
)  # fmt: skip
def test_a_row_that_is_not_utf_8_or_not_rfc_4180_is_malformed(row: bytes) -> None:
    with pytest.raises(Malformed, match=r"^not "):
        cells(row)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), min_size=1, max_size=5))
def test_what_is_quoted_comes_back(row: list[str]) -> None:
    written = ",".join('"' + cell.replace('"', '""') + '"' for cell in row).encode()

    assert cells(written) == row
    assert list(split([written[:3], written[3:], b"\n"])) == [written]


CELLS = {
    "symbol": "SOL_USDC",
    "marketType": "SPOT",
    "tradeId": "1",
    "orderId": "2",
    "clientId": "c",
    "userId": "7",
    "brokerId": "1400",
    "side": "Bid",
    "isMaker": "false",
    "price": "100",
    "quantity": "1",
    "fee": "0.1",
    "feeSymbol": "USDC",
    "feeRate": "0.001",
    "affiliateRate": "0.1",
    "systemOrderType": "",
    "timestamp": "2026-10-15T12:00:00Z",
}
COLUMNS = list(CELLS)
OR_NULL = ("tradeId", "clientId", "affiliateRate", "systemOrderType")


def read_cells(**changes: str) -> object:
    row = CELLS | changes
    return read(wire(list(row), list(row.values())))


def test_a_row_is_the_same_record_as_its_line() -> None:
    assert read_cells() == read_json(line())
    backwards = dict(reversed(CELLS.items()))
    assert read(wire(list(backwards), list(backwards.values()))) == read_json(line())


def test_an_empty_cell_is_null_but_for_two_columns() -> None:
    for name in OR_NULL:
        assert read_cells(**{name: ""}) == read_json(line(**{name: "null"}))
    for name in ("marketType", "feeSymbol"):
        assert read_cells(**{name: ""}) == read_json(line(**{name: '""'}))
    for name in {*COLUMNS} - {
        "tradeId",
        "clientId",
        "affiliateRate",
        "systemOrderType",
        "marketType",
        "feeSymbol",
    }:
        with pytest.raises(Malformed, match=f"^{name}: "):
            read_cells(**{name: ""})


def test_columns_that_may_be_null_may_be_missing() -> None:
    row = {name: cell for name, cell in CELLS.items() if name not in OR_NULL}

    found = read(wire(list(row), list(row.values())))

    assert found == read_json(line(tradeId="null", clientId="null", affiliateRate="null"))


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (
            "tradeId",
            ["-0", "-1", "+1", "01", "00", "1.0", "1e3", " 1", "1 ", "1_0", "١", "1" * 20, str(2**63)],
        ),
        ("userId", ["-0", "-1", "+1", "01", "1.0", "null", " 7", "7\n", "9" * 5000]),
        ("brokerId", ["-1", "65536", "00", "x", "٧"]),
        ("isMaker", ["True", "FALSE", "0", "1", " true", "null", "yes"]),
        ("side", ["bid", " Bid", "null"]),
        ("price", ["1e3", " 1", "1,0", "NaN", "+1", "-1", "0"]),
        ("timestamp", ["2026-10-15 12:00:00", "2026-10-15T24:00:00", "2026-10-15T12:00:00+00:00"]),
        ("symbol", ["SOL", "x" * 201, "A_\x00"]),
        ("clientId", ["x" * 201, "\x00"]),
        ("systemOrderType", ["x" * 201]),
    ],
)
def test_cells_that_the_contract_does_not_allow(column: str, texts: list[str]) -> None:
    for text in texts:
        with pytest.raises(Malformed):
            read_cells(**{column: text})


def test_what_other_tools_write_for_null_is_a_text() -> None:
    assert read_cells(clientId="null", systemOrderType="NULL", marketType="\\N") == read_json(
        line(clientId='"null"', systemOrderType='"NULL"', marketType='"\\\\N"')
    )


@pytest.mark.parametrize("width", [0, 1, 16, 18])
def test_a_row_with_more_or_fewer_cells_than_the_header_is_malformed(width: int) -> None:
    row = [*CELLS.values(), "more"][:width]

    with pytest.raises(Malformed, match=f"^{width} cells under a header of 17$"):
        wire(COLUMNS, row)


def test_a_header_must_name_what_may_not_be_null_and_nothing_of_the_table_twice() -> None:
    check_columns(COLUMNS)
    check_columns([*COLUMNS, "more", "more", "Symbol"])
    for name in COLUMNS:
        without = [each for each in COLUMNS if each != name]
        if name in OR_NULL:
            check_columns(without)
        else:
            with pytest.raises(UnusableColumns, match=f"^it has no column {name}$"):
                check_columns([*without, name.upper(), f" {name}"])
        with pytest.raises(UnusableColumns, match=f"^it names the column {name} twice$"):
            check_columns([*COLUMNS, name])
