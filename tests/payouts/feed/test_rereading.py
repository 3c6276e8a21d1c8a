"""What waits is read again from its kept bytes as it was read when it came, whatever else its row held."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts.feed import files, rereading
from payouts.feed.outcomes import Received
from payouts.feed.record import Malformed
from tests.payouts.feed.test_parquet import ROW
from tests.payouts.feed.written import line

NASTY = "'}, {\"tradeId': 7}, \\' \\\\ \n\r\t\u2028 é😀 \\x41 [("
NOON = datetime(2026, 10, 15, 12, 30, tzinfo=UTC)
#: Whatever else somebody may put beside the columns of the contract.
ODD = {
    "when": pa.array([NOON.replace(tzinfo=None)], pa.timestamp("us")),
    "when in a zone": pa.array([NOON], pa.timestamp("us", tz="Europe/Zurich")),
    "when in utc": pa.array([NOON], pa.timestamp("ns", tz="UTC")),
    "when ahead": pa.array([NOON], pa.timestamp("ms", tz="+05:30")),
    "beyond all years": pa.array([2**62], pa.timestamp("ms")),
    "zone without a name": pa.array([1], pa.timestamp("s", tz="Mars/Olympus")),
    "day": pa.array([date(2026, 10, 15)]),
    "time": pa.array([time(1, 2, 3, 4)]),
    "how long": pa.array([timedelta(days=1, microseconds=5)], pa.duration("us")),
    "decimal": pa.array([Decimal("-1.50")], pa.decimal128(38, 18)),
    "bytes": pa.array([b"'\x00\xff\"}"], pa.binary()),
    "nan": pa.array([float("nan")]),
    "infinite": pa.array([float("-inf")]),
    "list": pa.array([["'", None, "tradeId': 8"]]),
    "struct": pa.array([{"tradeId": 9, "it's": [{"deep": "}"}]}]),
    "map": pa.array([[("tradeId", 1), ("b", 2)]], pa.map_(pa.string(), pa.int64())),
    "dictionary": pa.array(["x"]).dictionary_encode(),
    "nothing": pa.nulls(1),
    "uuid": pa.array([UUID(int=7).bytes], pa.binary(16)),
    NASTY: pa.array([NASTY]),
    "": pa.array(["no name"]),
}


def of_parquet(path: Path, **columns: pa.Array) -> Received:
    table = pa.Table.from_pylist([ROW])
    for name, column in columns.items():
        at = table.schema.get_field_index(name)
        table = table.append_column(name, column) if at < 0 else table.set_column(at, name, column)
    pq.write_table(table, path / "fills.parquet")
    with files.open_source(str(path / "fills.parquet")) as source:
        [received] = source
    return received


def again(received: Received, file_format: str, header: bytes = b"") -> Any:
    return rereading.read(file_format=file_format, header=header, raw=received.raw)


@pytest.mark.parametrize("name", ODD)
def test_a_row_of_parquet_is_read_again_whatever_stands_beside_it(tmp_path: Path, name: str) -> None:
    received = of_parquet(tmp_path, **{name: ODD[name]})

    assert received.record is not None
    assert again(received, "parquet") == received.record


def test_a_row_of_parquet_with_every_odd_column_before_and_behind_is_read_again(tmp_path: Path) -> None:
    table = pa.table(dict(list(ODD.items())[:11]) | {key: pa.array([value]) for key, value in ROW.items()})
    for name, column in list(ODD.items())[11:]:
        table = table.append_column(name, column)
    pq.write_table(table, tmp_path / "fills.parquet")
    with files.open_source(str(tmp_path / "fills.parquet")) as source:
        [received] = source

    assert received.record is not None
    assert again(received, "parquet") == received.record


def test_the_columns_of_the_contract_are_read_again_in_every_type_that_they_may_have(tmp_path: Path) -> None:
    received = of_parquet(
        tmp_path,
        price=pa.array([Decimal("1.50")], pa.decimal128(38, 18)),
        timestamp=pa.array([NOON], pa.timestamp("ns", tz="Europe/Zurich")),
        fee=pa.array(["0.0015"], pa.large_string()),
        userId=pa.array([2**63 - 1], pa.uint64()),
        affiliateRate=pa.nulls(1),
        clientId=pa.array([NASTY]).dictionary_encode(),
        orderId=pa.array([NASTY[:40]]),
    )

    assert received.record is not None
    assert received.record.price == "1.5"
    assert again(received, "parquet") == received.record


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=200))
def test_any_text_is_read_again_from_parquet(text: str) -> None:
    row = ROW | {"clientId": text, "orderId": text} | {f"{text} beside": text}
    raw = repr(row).encode("utf-8", "backslashreplace")

    found = rereading.read(file_format="parquet", header=b"", raw=raw)

    assert (found.client_id, found.order_id, found.trade_id) == (text, text, 1)


def test_a_line_is_read_again() -> None:
    written = line(after='"extra": {"a": [1]}', clientId='"\\u0041\\n"')
    [received] = files.received_lines([written])

    assert received.record is not None
    assert again(received, "ndjson") == received.record


def test_a_row_of_csv_is_read_again_with_its_header(tmp_path: Path) -> None:
    names = [*reversed(ROW), "more"]
    cells = {name: "" if value is None else str(value) for name, value in ROW.items()}
    cells |= {"isMaker": "false", "clientId": '"a ""quoted"", one\r\nin two lines"', "more": "'; DROP"}
    path = tmp_path / "fills.csv"
    path.write_bytes(f"{','.join(names)}\r\n{','.join(cells[name] for name in names)}\r\n".encode())
    with files.open_source(str(path)) as source:
        [received] = source
        header = source.header

    assert received.record is not None
    assert received.record.client_id == 'a "quoted", one\r\nin two lines'
    assert again(received, "csv", header) == received.record


@pytest.mark.parametrize("raw", [b"", b"{", b"{}", b"[1, 2]", b"{'symbol': 'a'", b"{'symbol'}", b"\xff"])
@pytest.mark.parametrize("file_format", ["ndjson", "csv", "parquet"])
def test_what_cannot_be_read_is_said_to_be_malformed(file_format: str, raw: bytes) -> None:
    with pytest.raises(Malformed):
        rereading.read(file_format=file_format, header=b"symbol", raw=raw)


def test_the_fields_of_a_record_are_shown_as_they_are_written() -> None:
    def fields(file_format: str, raw: bytes, header: bytes = b"") -> list[tuple[str, str]]:
        return rereading.fields(file_format=file_format, header=header, raw=raw)

    assert fields("ndjson", b'{"fee": 0.1, "side": null, "x": {"a": [true]}, "\\ud800": "\\ud83d"}') == [
        ("fee", "0.1"), ("side", ""), ("x", '{"a": [true]}'), ("\\ud800", "\\ud83d"),
    ]  # fmt: skip
    assert fields("csv", b'1,"a ""b""",3', b"fee,side") == [("fee", "1"), ("side", 'a "b"')]
    assert fields("parquet", b"{'fee': 0.1, 'at': datetime.date(2026, 1, 2), 'b': None, 'c': 'x'}") == [
        ("fee", "0.1"), ("at", "datetime.date(2026, 1, 2)"), ("b", ""), ("c", "x"),
    ]  # fmt: skip
    assert fields("ndjson", b'{"a": "' + b"x" * 501 + b'"}') == [("a", "x" * 500)]
    assert len(fields("ndjson", b"{" + b",".join(b'"%d": 1' % each for each in range(200)) + b"}")) == 100


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"7", b"\xff\x00", b"[" * 60_000, b"1" * 5_000, b'{"a": 1}' + b" " * 65_536]
)
@pytest.mark.parametrize("file_format", ["ndjson", "csv", "parquet"])
def test_junk_shows_no_fields(file_format: str, raw: bytes) -> None:
    assert rereading.fields(file_format=file_format, header=b"\xff", raw=raw) == []
