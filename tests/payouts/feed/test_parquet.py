"""Rows of Parquet files: which types the contract takes for which field, and what only spoils its own row."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from payouts.feed import files
from payouts.feed.files import BrokenOff, CannotOpen, Source
from payouts.feed.outcomes import Received
from payouts.feed.record import Record, read_json
from tests.payouts.feed.written import line

ROW: dict[str, Any] = {
    "symbol": "SOL_USDC",
    "marketType": "SPOT",
    "tradeId": 1,
    "orderId": "2",
    "clientId": "c",
    "userId": 7,
    "brokerId": 1400,
    "side": "Bid",
    "isMaker": False,
    "price": "100",
    "quantity": "1",
    "fee": "0.1",
    "feeSymbol": "USDC",
    "feeRate": "0.001",
    "affiliateRate": "0.1",
    "systemOrderType": None,
    "timestamp": "2026-10-15T12:00:00Z",
}
RECORD = read_json(line())


@pytest.fixture
def parquet(tmp_path: Path) -> Any:
    """Write columns over those of two valid rows, read the file."""

    def written(without: tuple[str, ...] = (), rows: int = 2, **columns: pa.Array) -> list[Received]:
        table = pa.Table.from_pylist([ROW] * rows)
        for name, column in columns.items():
            at = table.schema.get_field_index(name)
            table = table.append_column(name, column) if at < 0 else table.set_column(at, name, column)
        path = tmp_path / "fills.parquet"
        pq.write_table(table.drop_columns(list(without)), path)
        with files.open_source(str(path)) as source:
            return list(source)

    return written


def records(found: list[Received]) -> list[Record | str]:
    return [each.record or each.problem for each in found]


def test_a_row_is_the_same_record_as_its_line(parquet: Any) -> None:
    assert records(parquet()) == [RECORD, RECORD]


def test_the_same_row_has_the_same_digest_and_another_has_another(parquet: Any) -> None:
    first, second = parquet()
    [other, _] = parquet(fee=pa.array(["0.2", "0.1"]))

    assert first.digest == second.digest == parquet()[0].digest != other.digest


@pytest.mark.parametrize(
    "kind", [pa.decimal128(38, 18), pa.decimal128(5, 2), pa.decimal256(76, 36), pa.decimal128(20, 3)]
)
def test_decimals_may_be_of_type_decimal(parquet: Any, kind: pa.DataType) -> None:
    column = pa.array([Decimal("1.50"), Decimal("100")], kind)

    found = records(parquet(price=column, fee=pa.array(["0.0015", "0.1"]), affiliateRate=column))

    assert found == ["affiliateRate: not from 0 to 1"] * 2
    assert [each.price for each in records(parquet(price=column))] == ["1.5", "100"]


def test_a_decimal_with_more_digits_than_the_contract_s_is_malformed(parquet: Any) -> None:
    fine = pa.array([Decimal("1." + "0" * 19), Decimal("1." + "0" * 18 + "1")], pa.decimal256(60, 19))
    large = pa.array([Decimal(10**20), Decimal(10**19)], pa.decimal128(38, 0))

    assert [type(each) for each in records(parquet(price=fine))] == [Record, str]
    assert [type(each) for each in records(parquet(price=large))] == [str, Record]


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.int64()])
def test_a_decimal_as_another_number_makes_its_rows_malformed_and_known_again(
    parquet: Any, kind: pa.DataType
) -> None:
    column = pa.array([1, 2], kind)

    first, again = parquet(quantity=column), parquet(quantity=column)

    assert records(first) == [f"quantity: a {kind}"] * 2
    assert [each.digest for each in first] == [each.digest for each in again]
    assert first[0].digest != first[1].digest
    assert b"'quantity': 2" in first[1].raw  # the value is kept


def test_a_float_makes_all_its_rows_malformed_nulls_too(parquet: Any) -> None:
    column = pa.array([None, 0.1], pa.float64())

    assert records(parquet(affiliateRate=column)) == ["affiliateRate: a double"] * 2


NOON = datetime(2026, 10, 15, 12)
TICKS = int(NOON.replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Zurich", "+05:00"])
@pytest.mark.parametrize(("unit", "in_a_second"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
def test_times_may_be_timestamps_and_without_a_zone_are_utc(
    parquet: Any, unit: str, in_a_second: int, zone: str | None
) -> None:
    column = pa.array([TICKS * in_a_second] * 2, pa.timestamp(unit, zone))

    assert records(parquet(timestamp=column)) == [RECORD, RECORD]


def test_a_time_finer_than_a_microsecond_is_malformed_unless_zero(parquet: Any) -> None:
    column = pa.array([TICKS * 10**9 + 1_000, TICKS * 10**9 + 1], pa.timestamp("ns"))

    first, second = parquet(timestamp=column)

    assert first.record.executed_at == NOON.replace(microsecond=1)
    assert second.problem == "timestamp: finer than a microsecond"
    assert second.digest == parquet(timestamp=column)[1].digest


def test_a_time_outside_the_years_1_to_9999_is_malformed(parquet: Any) -> None:
    first, last = -62_135_596_800, 253_402_300_799
    inside = pa.array([first * 1_000, last * 1_000 + 999], pa.timestamp("ms"))
    outside = pa.array([first * 1_000 - 1, (last + 1) * 1_000], pa.timestamp("ms"))

    assert [each.executed_at for each in records(parquet(timestamp=inside))] == [
        datetime(1, 1, 1),
        datetime(9999, 12, 31, 23, 59, 59, 999_000),
    ]
    assert records(parquet(timestamp=outside)) == ["timestamp: not in the years 0001 to 9999"] * 2


def test_a_time_as_a_date_or_a_number_is_malformed(parquet: Any) -> None:
    for column in (pa.array([20_000] * 2, pa.date32()), pa.array([TICKS] * 2)):
        assert records(parquet(timestamp=column)) == [f"timestamp: a {column.type}"] * 2


@pytest.mark.parametrize("kind", [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint64()])
def test_integers_may_be_of_any_width(parquet: Any, kind: pa.DataType) -> None:
    found = records(parquet(userId=pa.array([7, 0], kind)))

    assert [each.trader for each in found] == [7, 0]


def test_integers_out_of_range_are_malformed(parquet: Any) -> None:
    unsigned = pa.array([2**63 - 1, 2**63], pa.uint64())
    negative = pa.array([-1, 0], pa.int64())

    for name in ("tradeId", "userId"):
        assert [type(each) for each in records(parquet(**{name: unsigned}))] == [Record, str]
        assert [type(each) for each in records(parquet(**{name: negative}))] == [str, Record]
    assert records(parquet(brokerId=pa.array([65_535, 65_536])))[1] == "brokerId: not from 0 to 65535"


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("tradeId", pa.array([1.0, None])),
        ("userId", pa.array(["7", "7"])),
        ("brokerId", pa.array([True, False])),
        ("isMaker", pa.array([0, 1])),
        ("isMaker", pa.array(["true", "false"])),
        ("symbol", pa.array([b"SOL_USDC"] * 2)),
        ("orderId", pa.array([2, 2])),
        ("side", pa.array([["Bid"], ["Bid"]])),
        ("clientId", pa.array([1, 2])),
    ],
)
def test_a_column_of_another_type_makes_its_rows_malformed(parquet: Any, name: str, column: pa.Array) -> None:
    for problem in records(parquet(**{name: column})):
        assert str(problem).startswith(f"{name}: a {column.type}".split("<")[0])


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_texts_may_be_of_every_kind_of_string(parquet: Any, kind: pa.DataType) -> None:
    columns = {
        name: pa.array([value] * 2, pa.string()).cast(kind)
        for name, value in ROW.items()
        if isinstance(value, str)
    }

    assert records(parquet(**columns)) == [RECORD, RECORD]


def test_a_text_that_is_not_utf_8_spoils_its_own_row_only(parquet: Any) -> None:
    for kind in (pa.string(), pa.large_string()):
        column = pa.array([b"\xff", b"c"], pa.binary()).cast(pa.large_binary())
        broken = pa.Array.from_buffers(
            kind, 2, (column if kind == pa.large_string() else column.cast(pa.binary())).buffers()
        )
        first, second = parquet(clientId=broken)
        assert (first.problem, second.record) == ("clientId: not UTF-8", RECORD)
        assert first.digest == parquet(clientId=broken)[0].digest


def test_null_is_null_and_an_empty_text_is_empty(parquet: Any) -> None:
    nulls = pa.array([None, None], pa.string())
    for name in ("tradeId", "clientId", "affiliateRate", "systemOrderType"):
        column = pa.array([None, None], pa.int64()) if name == "tradeId" else nulls
        assert records(parquet(**{name: column})) == [read_json(line(**{name: "null"}))] * 2
        assert records(parquet(**{name: pa.nulls(2)})) == [read_json(line(**{name: "null"}))] * 2
    for name in ("marketType", "feeSymbol"):
        assert records(parquet(**{name: pa.array(["", None])})) == [
            read_json(line(**{name: '""'})),
            f"{name}: null",
        ]
    assert records(parquet(systemOrderType=pa.array(["", None])))[0].system_order_type == ""
    assert records(parquet(userId=pa.nulls(2), isMaker=pa.nulls(2))) == ["userId: null"] * 2


def test_columns_that_may_be_null_may_be_missing_and_no_others(parquet: Any) -> None:
    optional = ("tradeId", "clientId", "affiliateRate", "systemOrderType")

    found = records(parquet(without=optional))

    assert found == [read_json(line(**dict.fromkeys(optional[:3], "null")))] * 2
    for name in set(ROW) - set(optional):
        with pytest.raises(CannotOpen, match=f"it has no column {name}$"):
            parquet(without=(name,))


def test_a_column_named_twice_cannot_be_opened(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([ROW])
    path = tmp_path / "fills.parquet"
    pq.write_table(table.append_column("price", pa.array(["1"])), path)

    with pytest.raises(CannotOpen, match=r"it names the column price twice$"):
        files.open_source(str(path))


def test_other_columns_are_ignored_whatever_they_hold(parquet: Any) -> None:
    held = [
        pa.array([1.5, float("nan")]),
        pa.array([b"\xff", None]),
        pa.array([1, 2], pa.timestamp("ns")),
        pa.array([1, 2], pa.timestamp("us", "No/Such_Zone")),
        pa.array([2**52, 0], pa.timestamp("ms")),
        pa.array([2**30, 0], pa.date32()),
        pa.array([1, 2], pa.duration("ns")),
        pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())),
        pa.array([{"a": [1]}, None]),
        pa.array([Decimal(1), None], pa.decimal256(76, 0)),
        pa.Array.from_buffers(pa.string(), 2, pa.array([b"\xff", b"\xfe"]).buffers()),
    ]
    for column in held:
        first, second = parquet(extra=column)
        assert (first.record, second.record) == (RECORD, RECORD)
        again = parquet(extra=column)
        assert (first.digest, second.digest) == (again[0].digest, again[1].digest)
        assert first.digest != second.digest


def test_many_row_groups_come_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "fills.parquet"
    table = pa.Table.from_pylist([ROW | {"tradeId": number} for number in range(6_001)])
    pq.write_table(table, path, row_group_size=7)

    with files.open_source(str(path)) as source:
        assert [each.record.trade_id for each in source if each.record] == list(range(6_001))


def test_a_row_over_16_mib_is_malformed_and_its_first_64_kb_are_kept(parquet: Any) -> None:
    long = "x" * (16 * 1024 * 1024)

    first, second = parquet(extra=pa.array([long, "x"]))

    assert (first.problem, second.record) == ("longer than 16 MiB", RECORD)
    assert (len(first.raw), first.length > len(long)) == (65_536, True)


def test_a_file_whose_pages_are_corrupt_breaks_off(tmp_path: Path) -> None:
    path = tmp_path / "fills.parquet"
    pq.write_table(
        pa.Table.from_pylist([ROW | {"clientId": str(n)} for n in range(20_000)]), path, row_group_size=10_000
    )
    start = pq.ParquetFile(path).metadata.row_group(1).column(4).data_page_offset
    content = bytearray(path.read_bytes())
    content[start : start + 4_000] = b"\xff" * 4_000
    path.write_bytes(content)

    found: list[Received] = []
    with files.open_source(str(path)) as source, pytest.raises(BrokenOff):
        found.extend(_until_it_breaks(source, found))

    assert len(found) == 10_000
    assert all(each.record for each in found)


def _until_it_breaks(source: Source, found: list[Received]) -> list[Received]:
    for each in source:
        found.append(each)
    return []
