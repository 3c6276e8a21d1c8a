"""Lines of NDJSON out of chunks of bytes: where they end, what is no record, and the very long ones."""

from collections.abc import Iterator
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts.feed import lines
from payouts.feed.files import received_lines
from payouts.feed.lines import LongLine, split
from tests.payouts.feed.written import line

LIMIT = 16 * 1024 * 1024
KEPT = 64 * 1024


def in_chunks(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"\n", []),
        (b"\r\n\n\r\n", []),
        (b"a", [b"a"]),
        (b"a\n", [b"a"]),
        (b"a\nb", [b"a", b"b"]),
        (b"a\r\nb\r\n", [b"a", b"b"]),
        (b"a\r", [b"a"]),
        (b"\r", []),
        (b"a\r\r\n", [b"a\r"]),
        (b"\r\r\n", [b"\r"]),
        (b"a\rb\n", [b"a\rb"]),
        (b" \n", [b" "]),
        (b"\x00\n\xff\xfe\n", [b"\x00", b"\xff\xfe"]),
        ("a\u2028b\u0085c\x0bd\x0ce".encode(), ["a\u2028b\u0085c\x0bd\x0ce".encode()]),
        (b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", [b"a", b"\xef\xbb\xbfb"]),
        (b"\xef\xbb\xbf", []),
        (b"\xef\xbb\xbf\xef\xbb\xbfa", [b"\xef\xbb\xbfa"]),
        (b"\n\xef\xbb\xbfa", [b"\xef\xbb\xbfa"]),
        (b"\xef\xbb", [b"\xef\xbb"]),
        (b"\xef\xbb\n\xbf", [b"\xef\xbb", b"\xbf"]),
    ],
)
def test_where_lines_end_and_what_is_no_record(content: bytes, expected: list[bytes]) -> None:
    for size in (1, 2, 3, 100):
        assert list(split(in_chunks(content, size))) == expected


def naive(content: bytes) -> list[bytes]:
    """The contract, on a whole buffer."""
    found = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    return [each for each in (line.removesuffix(b"\r") for line in found) if each]


#: Bytes that matter to the splitters come often.
BYTES = st.lists(
    st.sampled_from(
        [b"\n", b"\r", b"\r\n", b'"', b'""', b",", b"a", b"\xef", b"\xbb", b"\xbf", b"\xef\xbb\xbf"]
    )
    | st.binary(max_size=3),
    max_size=25,
).map(b"".join)
CUTS = st.lists(st.integers(0, 40), max_size=12)


def cut(content: bytes, cuts: list[int]) -> Iterator[bytes]:
    at = 0
    for length in cuts:
        yield content[at : at + length]
        at += length
    yield content[at:]


@given(BYTES, CUTS)
def test_splitting_chunks_is_splitting_the_whole(content: bytes, cuts: list[int]) -> None:
    assert list(split(cut(content, cuts))) == naive(content)


@given(BYTES, CUTS, st.integers(1, 6))
def test_with_a_limit_of_a_few_bytes_too(content: bytes, cuts: list[int], limit: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "LONGEST_LINE", limit)
        patch.setattr(lines, "KEPT_OF_A_LONG_LINE", 2)
        found = list(split(cut(content, cuts)))

    expected = [
        each if len(each) <= limit else LongLine(each[:2], len(each), sha256(each).digest())
        for each in naive(content)
    ]
    assert found == expected


def long(line: bytes) -> LongLine:
    return LongLine(line[:KEPT], len(line), sha256(line).digest())


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [1024 * 1024, LIMIT + 2, 2 * LIMIT])
def test_16_mib_are_a_line_and_one_byte_more_is_too_long(ending: bytes, size: int) -> None:
    exactly, over = b"x" * LIMIT, b"y" * LIMIT + b"z"
    before, after = (b"a\n", b"b") if ending.endswith(b"\n") else (b"a\n", b"")

    assert list(split(in_chunks(before + exactly + ending + after, size))) == [
        b"a", exactly, *([b"b"] if after else []),
    ]  # fmt: skip
    assert list(split(in_chunks(before + over + ending + after, size))) == [
        b"a", long(over), *([b"b"] if after else []),
    ]  # fmt: skip


def test_a_return_in_the_middle_of_a_long_line_belongs_to_it() -> None:
    content = b"x" * LIMIT + b"\r\ry\r" + b"z" * 10 + b"\r"

    for size in (LIMIT, LIMIT + 1, LIMIT + 2, LIMIT + 3, LIMIT + 4, 4 * LIMIT):
        [found] = split(in_chunks(content + b"\n", size))
        assert found == long(content[:-1])


def test_a_line_without_end_is_hashed_and_forgotten_as_it_comes() -> None:
    piece = b"0123456789abcdef" * 65_536  # a mebibyte
    whole = sha256()

    def gibibytes() -> Iterator[bytes]:
        for _ in range(200):
            whole.update(piece)
            yield piece

    [found] = split(gibibytes())

    assert found == LongLine(piece[:KEPT], 200 * len(piece), whole.digest())


def test_a_long_line_is_malformed_even_if_it_would_be_a_record() -> None:
    padded = line() + b" " * (LIMIT - len(line()))

    [readable] = received_lines(split([padded]))
    [too_long] = received_lines(split([padded + b" "]))

    assert readable.record is not None
    assert (readable.length, readable.digest) == (LIMIT, sha256(padded).digest())
    assert (too_long.record, too_long.problem) == (None, "longer than 16 MiB")
    assert (too_long.raw, too_long.length) == (padded[:KEPT], LIMIT + 1)
    assert too_long.digest == sha256(padded + b" ").digest()


def test_if_reading_breaks_off_the_unfinished_line_is_not_a_record() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"a\nb\nhalf"
        raise EOFError

    found = split(chunks())

    assert [next(found), next(found)] == [b"a", b"b"]
    with pytest.raises(EOFError):
        next(found)


@pytest.mark.parametrize(
    ("body", "numbers"),
    [
        (b"", []),
        (b"\n\r\n\n", []),
        (b"a", [1]),
        (b"a\nb\n", [1, 2]),
        (b"\n\na\n\r\nb", [3, 5]),
        (b"\xef\xbb\xbfa\nb", [1, 2]),
        (b"\xef\xbb\xbf\na", [2]),
        (b"\r\r\n\ra\n\r", [1, 2]),
    ],
)
def test_each_record_is_known_by_its_line(body: bytes, numbers: list[int]) -> None:
    assert len(list(split([body]))) == len(numbers)
    assert lines.numbers(body, range(len(numbers))) == dict(enumerate(numbers))
    assert lines.numbers(body, []) == {}


def test_only_the_lines_that_are_asked_for_are_told() -> None:
    assert lines.numbers(b"a\n\nb\nc\n", [1]) == {1: 3}


@given(st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\n", b"\xef\xbb\xbf"]), max_size=12), st.data())
def test_of_any_body_those_lines_are_numbered_that_are_records(
    pieces: list[bytes], data: st.DataObject
) -> None:
    body = b"".join(pieces)
    found = list(split([body]))
    cut = body.removeprefix(b"\xef\xbb\xbf").split(b"\n")

    numbers = lines.numbers(body, range(len(found)))

    assert [cut[number - 1].removesuffix(b"\r") for number in numbers.values()] == found
    wanted = data.draw(st.sets(st.sampled_from(range(len(found))))) if found else set()
    assert lines.numbers(body, wanted) == {each: numbers[each] for each in wanted}
