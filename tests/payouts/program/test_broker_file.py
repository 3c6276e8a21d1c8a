"""The file of brokers: which rows can be used, and which line is named when one cannot."""

from datetime import UTC, datetime

import pytest

from payouts.program.broker_file import BrokerRow, InvalidRow, read

HEADER = b"code,name,account_id,enrolled_at\n"
ENROLLED = datetime(2026, 8, 22, tzinfo=UTC)


def test_rows_are_read_with_their_lines() -> None:
    content = (
        b'\xef\xbb\xbfcode,name,account_id,enrolled_at\r\n0,"A, ""B""\nC",x,2026-08-22T00:00:00Z\r\n\r\n'
    )
    content += "65535, Ü ,😀,2026-08-22T00:00:00.000001".encode()

    assert read(content) == [
        BrokerRow(0, 'A, "B"\nC', "x", ENROLLED, 3),
        BrokerRow(65_535, " Ü ", "😀", ENROLLED.replace(microsecond=1), 5),
    ]


def test_a_file_of_a_header_alone_has_no_rows() -> None:
    assert read(HEADER) == []
    assert read(HEADER.strip()) == []


@pytest.mark.parametrize(
    "row",
    [
        b"", b",,,", b"1,A,x", b"1,A,x,2026-08-22T00:00:00Z,", b" ", b"1;A;x;2026-08-22T00:00:00Z",
        *(code + b",A,x,2026-08-22T00:00:00Z" for code in
          [b"", b"-1", b"65536", b"99999", b"100000", b"01", b"00", b"+1", b"1.0", b" 1", b"1 ", b"1e3", b"x",
           "١".encode()]),
        b"1,,x,2026-08-22T00:00:00Z", b"1,A,,2026-08-22T00:00:00Z",
        b"1," + b"x" * 201 + b",x,2026-08-22T00:00:00Z",
        b"1,A," + "😀".encode() * 201 + b",2026-08-22T00:00:00Z",
        b"1,A\x00,x,2026-08-22T00:00:00Z",
        *(b"1,A,x," + time for time in
          [b"", b"2026-08-22", b"2026-08-22T00:00", b"2026-08-22T00:00:00+00:00", b"2026-08-22T00:00:00z",
           b"2026-02-29T00:00:00Z", b"2026-08-22T24:00:00Z", b"2026-08-22T00:00:00.1234567Z", b"now"]),
    ][1:],
)  # fmt: skip
def test_an_invalid_row_is_named_by_its_line(row: bytes) -> None:
    valid = b"1400,A,x,2026-08-22T00:00:00Z\n"

    with pytest.raises(InvalidRow, match=r"^line 3: .*; nothing was imported$"):
        read(HEADER + valid + row + b"\n" + valid)


def test_200_characters_are_allowed() -> None:
    [row] = read(HEADER + b"1," + "😀".encode() * 200 + b"," + b"x" * 200 + b",2026-08-22T00:00:00Z")

    assert (len(row.name), len(row.account_id)) == (200, 200)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"1,A,x,2026-08-22T00:00:00Z\n",
     b"name,code,account_id,enrolled_at\n", b"code,name,account_id\n",
     b"Code,name,account_id,enrolled_at\n", b"code,name,account_id,enrolled_at,more\n", b"\x00"],
)  # fmt: skip
def test_another_header_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidRow, match=r"^line 1: the header must be code,name,account_id,enrolled_at$"):
        read(content)


@pytest.mark.parametrize("row", [b'1,"A,x,2026-08-22T00:00:00Z\n', b'1,"A"B,x,2026-08-22T00:00:00Z\n'])
def test_quotes_that_do_not_fit_are_refused(row: bytes) -> None:
    with pytest.raises(InvalidRow, match=r"^line 2: .*; nothing was imported$"):
        read(HEADER + row)


def test_a_cell_larger_than_any_name_is_refused_and_not_a_crash() -> None:
    with pytest.raises(InvalidRow, match=r"^line 2: "):
        read(HEADER + b"1," + b"x" * 200_000 + b",x,2026-08-22T00:00:00Z\n")


def test_what_is_not_utf_8_is_refused() -> None:
    with pytest.raises(InvalidRow, match=r"^the file is not UTF-8; nothing was imported$"):
        read(HEADER + b"1,\xff,x,2026-08-22T00:00:00Z\n")
