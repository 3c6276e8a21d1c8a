"""The Parquet file of a month's fills: in one order, the same bytes each time, read back row by row."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from hashlib import file_digest
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from payouts.money import EXACT, ZERO

#: Fills in one row group: what is held in memory, and what is passed over where another broker is meant.
ROWS_IN_A_GROUP = 50_000
_DIGITS = pa.decimal128(38, 18)
SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("executed_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("broker_code", pa.int32(), nullable=False),
        pa.field("trader", pa.int64(), nullable=False),
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("market_type", pa.string(), nullable=False),
        pa.field("market", pa.string(), nullable=False),
        pa.field("trade_id", pa.int64(), nullable=False),
        pa.field("order_id", pa.string(), nullable=False),
        pa.field("client_id", pa.string()),
        pa.field("side", pa.string(), nullable=False),
        pa.field("is_maker", pa.bool_(), nullable=False),
        pa.field("price", _DIGITS, nullable=False),
        pa.field("quantity", _DIGITS, nullable=False),
        pa.field("fee", _DIGITS, nullable=False),
        pa.field("fee_symbol", pa.string(), nullable=False),
        pa.field("fee_rate", _DIGITS, nullable=False),
        pa.field("affiliate_rate", _DIGITS, nullable=False),
        pa.field("batch_id", pa.int64(), nullable=False),
    ]
)
COLUMNS: tuple[str, ...] = tuple(SCHEMA.names)
_SUMMED = ["broker_code", "market", "price", "quantity", "fee"]


@dataclass(slots=True)
class Sum:
    """Fills, their volume and the fees that traders paid; dollars, exact."""

    fills: int = 0
    volume: Decimal = ZERO
    fees: Decimal = ZERO

    def add(self, fills: int, volume: Decimal, fees: Decimal) -> None:
        self.fills += fills
        self.volume = EXACT.add(self.volume, volume)
        self.fees = EXACT.add(self.fees, fees)


#: By broker and market.
Sums = dict[tuple[int, str], Sum]


def write(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows of `COLUMNS`, in their order, and see them on the disk."""
    with path.open("wb") as file:
        # No statistics but of what is searched by: those of texts would make the bytes depend on much.
        with pq.ParquetWriter(
            file, SCHEMA, compression="zstd", write_statistics=["broker_code", "executed_at", "trader", "id"]
        ) as writer:
            group: list[Sequence[Any]] = []
            for row in rows:
                group.append(row)
                if len(group) == ROWS_IN_A_GROUP:
                    writer.write_batch(_batch(group))
                    group = []
            if group:
                writer.write_batch(_batch(group))
        file.flush()
        os.fsync(file.fileno())


def _batch(rows: list[Sequence[Any]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    return pa.record_batch(
        [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )


def sums(path: Path) -> Sums:
    """What the file holds, added up again from its rows."""
    found: Sums = defaultdict(Sum)
    with closing(pq.ParquetFile(path)) as file:
        for batch in file.iter_batches(batch_size=10_000, columns=_SUMMED, use_threads=False):
            for broker, market, price, quantity, fee in zip(*map(pa.Array.to_pylist, batch), strict=True):
                found[broker, market].add(1, EXACT.multiply(price, quantity), max(ZERO, fee))
    return dict(found)


def total(of: Sums) -> Sum:
    found = Sum()
    for each in of.values():
        found.add(each.fills, each.volume, each.fees)
    return found


def rows(path: Path, *, broker_code: int | None = None) -> Iterator[dict[str, Any]]:
    """The fills of the file, or of one broker: groups that hold none of them are not read."""
    with closing(pq.ParquetFile(path)) as file:
        at = COLUMNS.index("broker_code")
        for group in range(file.num_row_groups):
            found = file.metadata.row_group(group).column(at).statistics
            if broker_code is not None and found is not None and not found.min <= broker_code <= found.max:
                continue
            for batch in file.iter_batches(batch_size=5_000, row_groups=[group], use_threads=False):
                for row in batch.to_pylist():
                    if broker_code is None or row["broker_code"] == broker_code:
                        yield row


def sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return file_digest(file, "sha256").digest()
