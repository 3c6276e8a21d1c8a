"""The contract's sample month through the real commands: the exact figures, whichever way it comes."""

import csv
import gzip
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.payouts.commands.conftest import Booked, Sample, as_text
from tests.payouts.commands.process import SAMPLE, answer, ended, run, started, tally

DECIMALS = ("price", "quantity", "fee", "feeRate", "affiliateRate")


def month_end(url: str) -> Any:
    return answer(run("month_end", "2026-10", "--json", "--lines", url=url))


def import_brokers(url: str) -> None:
    assert answer(run("import_brokers", SAMPLE / "brokers.csv", url=url)) == {"imported": 13, "unchanged": 0}


def test_the_sample_s_brokers_are_imported(booked: Booked) -> None:
    assert answer(booked.imported) == {"imported": 13, "unchanged": 0}


def test_the_sample_is_counted_exactly_as_the_contract_expects(booked: Booked, sample: Sample) -> None:
    assert sample.intake["received"] == 22_339
    assert answer(booked.ingested) == sample.intake


def test_the_sample_s_payouts_and_lines_are_exactly_those_expected(booked: Booked, sample: Sample) -> None:
    assert len(sample.month_end["payouts"]) == 13
    assert answer(booked.month_end) == sample.month_end


def test_the_whole_sample_a_second_time_is_only_duplicates(booked: Booked) -> None:
    assert answer(booked.ingested_again) == tally(received=22_339, duplicate=22_339)


def test_the_sample_shuffled_and_sent_in_four_parts_at_once_pays_the_same(
    booked: Booked, sample: Sample, committed_db: str, tmp_path: Path
) -> None:
    """But for the conflicting twins: which of two contents is first is the only thing that order decides."""
    left_out = {b"", *booked.conflicting}
    lines = [line for line in sample.lines if _bare(line) not in left_out]
    lines[0] = lines[0].removeprefix(b"\xef\xbb\xbf")
    random.Random(5).shuffle(lines)  # the same order every time
    import_brokers(committed_db)
    parts = [tmp_path / f"part{number}.ndjson" for number in range(4)]
    for number, part in enumerate(parts):
        part.write_bytes(b"".join(lines[number::4]))

    together = [started("ingest_fills", part, url=committed_db) for part in parts]
    said = [answer(ended(process)) for process in together]

    assert len(booked.conflicting) == 228
    assert sum(each["received"] for each in said) == len(lines)
    assert sum(each["accepted"] for each in said) == 20_460
    for each in said:
        places = each["accepted"] + each["duplicate"]
        places += sum(each["excluded"].values()) + sum(each["quarantined"].values())
        assert each["received"] == places
    assert month_end(committed_db) == sample.month_end


def _bare(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")


def test_the_sample_s_accepted_fills_as_csv_pay_the_same(
    booked: Booked, sample: Sample, committed_db: str, tmp_path: Path
) -> None:
    path = tmp_path / "fills.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8", newline="", compresslevel=1) as file:
        writer = csv.DictWriter(file, booked.accepted[0])
        writer.writeheader()
        for record in booked.accepted:
            writer.writerow(as_text(record) | {"isMaker": "true" if record["isMaker"] else "false"})
    import_brokers(committed_db)

    said = answer(run("ingest_fills", path, url=committed_db))

    assert said == tally(received=20_460, accepted=20_460)
    assert month_end(committed_db) == sample.month_end


@pytest.mark.parametrize("form", ["strings", "typed"])
def test_the_sample_s_accepted_fills_as_parquet_pay_the_same(
    booked: Booked, sample: Sample, committed_db: str, tmp_path: Path, form: str
) -> None:
    path = tmp_path / "fills.parquet"
    if form == "strings":
        table = pa.Table.from_pylist([as_text(record) for record in booked.accepted])
    else:
        table = _typed(booked.accepted)
    pq.write_table(table, path, row_group_size=3_000)
    import_brokers(committed_db)

    said = answer(run("ingest_fills", path, url=committed_db))

    assert said == tally(received=20_460, accepted=20_460)
    assert month_end(committed_db) == sample.month_end


def _typed(records: list[dict[str, Any]]) -> pa.Table:
    """Decimals as DECIMAL(38, 18), the time as a TIMESTAMP, symbols as a dictionary."""
    columns = {name: pa.array([record[name] for record in records]) for name in records[0]}
    for name in DECIMALS:
        values = [Decimal(record[name]) for record in records]
        columns[name] = pa.array(values, pa.decimal128(38, 18))
    columns["symbol"] = columns["symbol"].dictionary_encode()
    columns["brokerId"] = columns["brokerId"].cast(pa.uint16())
    columns["timestamp"] = columns["timestamp"].cast(pa.timestamp("us", "UTC"))
    return pa.table(columns)
