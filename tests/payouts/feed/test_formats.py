"""The same records as NDJSON, CSV and Parquet: one set of books, and what "the same bytes" means in each."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from payouts.feed import files, intake
from payouts.feed.intake import Tally
from payouts.models import Fill, QuarantinedRecord
from tests import make
from tests.payouts.feed.test_intake import places

pytestmark = pytest.mark.django_db


def book(path: Path, content: bytes | None = None) -> Any:
    if content is not None:
        path.write_bytes(content)
    tally = Tally()
    with files.open_source(str(path)) as source:
        intake.take_in(source, clock=lambda: make.NOW, tally=tally)
    return places(tally)


def as_csv(records: list[dict[str, Any]], columns: list[str] | None = None, end: str = "\n") -> bytes:
    written = io.StringIO()
    writer = csv.DictWriter(written, columns or list(records[0]), lineterminator=end)
    writer.writeheader()
    for record in records:
        writer.writerow(record | {"isMaker": "true" if record["isMaker"] else "false"})
    return written.getvalue().encode()


def as_parquet(path: Path, records: list[dict[str, Any]], columns: list[str] | None = None) -> Path:
    pq.write_table(pa.Table.from_pylist(records).select(columns or list(records[0])), path)
    return path


def test_a_fill_known_from_one_format_is_a_duplicate_in_the_others(tmp_path: Path) -> None:
    make.broker()
    records = [make.record(price="1.50", quantity="2", fee="0.003", clientId="x") for _ in range(3)]

    assert book(tmp_path / "a.csv", as_csv(records[:1])) == (1, 0, {}, {})
    assert book(as_parquet(tmp_path / "a.parquet", records[:2])) == (1, 1, {}, {})
    assert book(tmp_path / "a.ndjson", make.ndjson(records)) == (1, 2, {}, {})
    assert book(tmp_path / "a.csv", as_csv(records)) == (0, 3, {}, {})
    assert book(as_parquet(tmp_path / "a.parquet", records)) == (0, 3, {}, {})
    assert Fill.objects.count() == 3


def test_quarantined_bytes_are_known_again_in_the_same_format_only(tmp_path: Path) -> None:
    """What the record is in another format is decided by the other rules, once for each format."""
    records = [make.record(brokerId=9), make.record(isMaker=False, brokerId=8)]
    waiting, known = (0, 0, {}, {"unknown_broker": 2}), (0, 2, {}, {})

    for name, content in (("a.ndjson", make.ndjson(records)), ("a.csv", as_csv(records))):
        assert book(tmp_path / name, content) == waiting
        assert book(tmp_path / name, content) == known
        zipped = tmp_path / f"{name}.gz"
        assert book(zipped, gzip.compress(content)) == known  # gzip is no format of records
    assert book(as_parquet(tmp_path / "a.parquet", records)) == waiting
    assert book(as_parquet(tmp_path / "b.parquet", records)) == known
    make.broker(code=8)
    make.broker(code=9)
    assert book(tmp_path / "a.ndjson") == known
    assert book(tmp_path / "a.csv") == known
    assert book(tmp_path / "b.parquet") == known
    assert sorted(QuarantinedRecord.objects.values_list("format", flat=True)) == [
        "csv", "csv", "ndjson", "ndjson", "parquet", "parquet",
    ]  # fmt: skip


def test_the_same_row_under_another_header_is_not_the_same_bytes(tmp_path: Path) -> None:
    record = make.record(brokerId=9, userId=9)
    columns = list(record)
    swapped = [{"userId": "brokerId", "brokerId": "userId"}.get(name, name) for name in columns]
    content = as_csv([record], columns)
    row = content.split(b"\n", 1)[1]

    assert book(tmp_path / "a.csv", content) == (0, 0, {}, {"unknown_broker": 1})
    assert book(tmp_path / "a.csv", ",".join(swapped).encode() + b"\n" + row) == (
        0,
        0,
        {},
        {"unknown_broker": 1},
    )
    assert book(tmp_path / "a.csv", ",".join(swapped).encode() + b"\r\n\r\n" + row) == (0, 1, {}, {})
    assert book(tmp_path / "a.csv", b"\xef\xbb\xbf" + content) == (0, 1, {}, {})
    assert [bytes(kept.header) for kept in QuarantinedRecord.objects.order_by("id")] == [
        ",".join(columns).encode(),
        ",".join(swapped).encode(),
    ]


def test_the_same_values_in_other_columns_of_parquet_are_not_the_same_bytes(tmp_path: Path) -> None:
    record = make.record(brokerId=9)
    fewer = [name for name in record if name != "clientId"]

    assert book(as_parquet(tmp_path / "a.parquet", [record])) == (0, 0, {}, {"unknown_broker": 1})
    assert book(as_parquet(tmp_path / "a.parquet", [record], fewer)) == (0, 0, {}, {"unknown_broker": 1})
    assert book(as_parquet(tmp_path / "a.parquet", [record], fewer)) == (0, 1, {}, {})
    assert book(as_parquet(tmp_path / "a.parquet", [record, record])) == (0, 2, {}, {})


def test_a_csv_with_columns_in_any_order_line_ends_in_cells_and_more_columns(tmp_path: Path) -> None:
    make.broker()
    first = make.record(orderId='a"b,\r\nc\n', clientId=" x ", marketType="PERP")
    records = [first | {"more": "x,\ny"}, make.record() | {"more": ""}]

    assert book(tmp_path / "a.csv", as_csv(records, sorted(records[0]), "\r\n")) == (2, 0, {}, {})
    assert book(tmp_path / "a.ndjson", make.ndjson(records)) == (0, 2, {}, {})
    fill = Fill.objects.order_by("id")[0]
    assert (fill.order_id, fill.client_id) == ('a"b,\r\nc\n', " x ")


def test_a_bad_row_spoils_no_other(tmp_path: Path) -> None:
    make.broker()
    header, one = as_csv([make.record(clientId="x")]).splitlines()
    two = as_csv([make.record(clientId="y")]).splitlines()[1]
    bad = [
        b"", b"a", one + b",", one[: one.rindex(b",")], one.replace(b"x", b'x"y'), one.replace(b"x", b"\xff"),
        one.replace(b"x", b'"x" '), one.replace(b"x", b"x\ry"), b'""', b",", b"\x00" * 5,
    ]  # fmt: skip

    content = b"\r\n".join([header, *bad, one, *bad, two])

    assert book(tmp_path / "a.csv", content) == (2, 10, {}, {"malformed": 10})
    assert [bytes(kept.raw) for kept in QuarantinedRecord.objects.order_by("id")] == bad[1:]


def test_a_quote_never_closed_is_one_malformed_row_to_the_end(tmp_path: Path) -> None:
    make.broker()
    header, *rows = as_csv([make.record() for _ in range(3)]).splitlines(keepends=True)
    rest = b'"' + rows[1] + rows[2]

    assert book(tmp_path / "a.csv", header + rows[0] + rest) == (1, 0, {}, {"malformed": 1})
    kept = QuarantinedRecord.objects.get()
    assert (bytes(kept.raw), kept.raw_length) == (rest, len(rest))


def test_a_float_column_makes_every_row_malformed_and_other_files_nothing(tmp_path: Path) -> None:
    make.broker()
    records = [make.record() | {"price": float(number)} for number in (1, 2, 3)]
    path = as_parquet(tmp_path / "a.parquet", records)

    assert book(path) == (0, 0, {}, {"malformed": 3})
    assert book(path) == (0, 3, {}, {})
    assert (
        json.loads(bytes(QuarantinedRecord.objects.first().raw).decode().split("'price': ")[1].split(",")[0])
        == 1.0
    )
