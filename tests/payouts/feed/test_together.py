"""Many lines decoded at once are what each of them is by itself, whatever stands beside it."""

from datetime import datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts.feed import files, outcomes
from payouts.feed.outcomes import Received
from payouts.feed.record import Malformed, decode_together, read_json
from payouts.feed.verdict import Enrolment, Judge
from payouts.program.terms import terms_for
from tests import make
from tests.payouts.feed.test_formats import as_csv, as_parquet
from tests.payouts.feed.written import line

GOOD = line()
#: Lines that would make sense only together, or look like one that they are not.
CUNNING = [
    GOOD + b"," + GOOD,
    GOOD[:-1] + b', "more": {"a": 1',
    b"}}",
    GOOD[:-1],
    b"}",
    GOOD[:-1] + b', "text": "begins here',
    b'and ends here"}',
    GOOD + b",",
    b"," + GOOD,
    b"[" + GOOD + b"]",
    b" " + GOOD + b" ",
    GOOD.replace(b"SOL_USDC", b"SOL_US{C"),
    GOOD.replace(b"SOL_USDC", b"SOL_USDC\xff"),
    GOOD.replace(b"SOL_USDC", "SOL_USDC_é".encode()),
    b"{}",
    b"{",
    b"null",
    b"7",
]


def one_by_one(lines: list[bytes]) -> list[tuple[bytes, object, str]]:
    found: list[tuple[bytes, object, str]] = []
    for each in lines:
        try:
            found.append((sha256(each).digest(), read_json(each), ""))
        except Malformed as problem:
            found.append((sha256(each).digest(), None, str(problem)))
    return found


def at_once(lines: list[bytes]) -> list[tuple[bytes, object, str]]:
    return [(each.digest, each.record, each.problem) for each in files.received_lines(lines)]


def test_lines_as_an_exchange_writes_them_are_decoded_together() -> None:
    wires = decode_together([line(tradeId="1"), line(tradeId="2")])

    assert wires is not None
    assert [wire.trade_id for wire in wires] == [1, 2]


@pytest.mark.parametrize("number", range(len(CUNNING)))
def test_a_cunning_line_changes_nothing_for_its_neighbours(number: int) -> None:
    lines = [GOOD, CUNNING[number], GOOD]

    assert at_once(lines) == one_by_one(lines)


def test_three_lines_that_would_be_three_records_together_are_what_they_are_alone() -> None:
    lines = [GOOD + b"," + GOOD, GOOD[:-1] + b', "a": [1', b"2]}"]

    assert decode_together(lines) is None
    assert at_once(lines) == one_by_one(lines)


@given(st.lists(st.sampled_from([GOOD, line(price='"0"'), *CUNNING]), max_size=8))
def test_any_lines_beside_each_other_are_what_they_are_alone(lines: list[bytes]) -> None:
    assert at_once(lines) == one_by_one(lines)


@pytest.mark.parametrize("ending", ["ndjson", "csv", "parquet"])
def test_a_batch_handed_over_in_short_is_the_same_at_length(ending: str, tmp_path: Path) -> None:
    records = [make.record(tradeId=1), make.record(tradeId=2, brokerId=9), make.record(price="-1", fee="0")]
    file = tmp_path / f"records.{ending}"
    match ending:
        case "ndjson":
            file.write_bytes(make.ndjson(records))
        case "csv":
            file.write_bytes(as_csv(records))
        case _:
            as_parquet(file, records)
    with files.open_source(str(file)) as source:
        (batch,) = source.batches()
        short = files.in_short(batch, source.format)

        assert files.at_length(short, source.format, source.header) == batch


def test_a_line_too_long_to_be_kept_is_handed_over_as_what_was_found_of_it() -> None:
    long = Received(b"{", 20_000_000, b"d" * 32, None, "longer than 16 MiB")
    batch = [*files.received_lines([GOOD]), long]

    assert files.at_length(files.in_short(batch, "ndjson"), "ndjson", b"") == batch


def decided(*lines: bytes) -> tuple[list[Received], outcomes.Decided]:
    batch = list(files.received_lines(lines))
    judge = Judge(
        brokers={1400: Enrolment(datetime(2026, 1, 1))},
        terms_for=terms_for,
        now=make.NOW.replace(tzinfo=None),
    )
    return batch, outcomes.decide(batch, judge=judge, known_keys={}, quarantined_digests=())


def test_the_marks_of_a_decided_batch_are_those_of_the_batch() -> None:
    batch, found = decided(
        line(tradeId="1"),
        line(tradeId="1"),
        line(tradeId="2", brokerId="9"),
        line(tradeId="null"),
        b"{",
        b"{",
    )

    assert outcomes.marks_of_decided(batch, found) == outcomes.marks_of(batch)


def test_a_batch_follows_one_of_the_last_few_that_has_a_record_of_it() -> None:
    recent = outcomes.Recent(2)

    assert [recent.shares_with(marks) for marks in ({1}, {2}, {1, 3}, {4}, {5}, {1})] == [
        False, False, True, False, False, False,
    ]  # fmt: skip
