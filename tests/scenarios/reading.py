"""Reads a month's data file: what was traded and what must come out. See README.md for its parts."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from payouts.money import EXACT, plain
from payouts.month import Month
from tests import make

MONTHS = Path(__file__).parent / "months"
#: Column of a file → field of a record.
FIELDS = {
    "broker": "brokerId",
    "trader": "userId",
    "market type": "marketType",
    "symbol": "symbol",
    "price": "price",
    "quantity": "quantity",
    "fee rate": "feeRate",
    "fee": "fee",
    "fee asset": "feeSymbol",
    "affiliate rate": "affiliateRate",
    "time": "timestamp",
    "trade": "tradeId",
    "order": "orderId",
    "side": "side",
    "maker": "isMaker",
    "system order": "systemOrderType",
}
LINE_COLUMNS = (
    "trader",
    "market",
    "fee rate",
    "affiliate rate",
    "fills",
    "volume",
    "fees",
    "applied rate",
    "bound by",
    "amount",
)
_INTEGERS = ("broker", "trader", "trade")


@dataclass(frozen=True)
class Act:
    """What staff did to a broker's standing: what, from when, and when they did it."""

    kind: Literal["suspend", "lift", "terminate"]
    effective_at: datetime
    recorded_at: datetime


@dataclass(frozen=True)
class Enrolled:
    """A broker of the month and what happened to its standing, in the order of doing."""

    code: int
    enrolled_at: datetime = datetime(2020, 1, 1, tzinfo=UTC)
    standing: tuple[Act, ...] = ()


@dataclass(frozen=True)
class Expected:
    """One broker's payout as the contract prints it, with its lines, and what bound each line."""

    month: Month
    broker: int
    payout: dict[str, Any]
    bound_by: list[str]
    #: Fills while the broker was suspended, and their volume.
    suspended: tuple[int, str]


@dataclass(frozen=True)
class Scenario:
    name: str
    tags: frozenset[str]
    month: Month
    tier_basis: str
    now: datetime
    brokers: tuple[Enrolled, ...]
    records: tuple[dict[str, Any], ...]
    intake: dict[str, Any]
    expected: tuple[Expected, ...]

    @property
    def months(self) -> list[Month]:
        return sorted({each.month for each in self.expected})

    def payouts_of(self, month: Month) -> list[dict[str, Any]]:
        return [each.payout for each in self.expected if each.month == month]


def names() -> list[str]:
    return sorted(file.stem for file in MONTHS.glob("*.toml"))


def read(name: str) -> Scenario:
    return understand(name, tomllib.loads((MONTHS / f"{name}.toml").read_text(encoding="utf-8")))


def understand(name: str, said: dict[str, Any]) -> Scenario:
    """Every part of a file is used; one that is misspelt or missing fails."""
    assert said.pop("title")
    assert said.pop("why").strip()
    month = Month.parse(said.pop("month"))
    scenario = Scenario(
        name=name,
        tags=frozenset(said.pop("tags")),
        month=month,
        tier_basis=said.pop("tier_basis"),
        now=said.pop("now", make.NOW),
        brokers=tuple(_broker(each) for each in said.pop("broker")),
        records=tuple(_records(said["fills"].pop("given"), month)),
        intake=said.pop("intake"),
        expected=tuple(_expected(each, month) for each in said.pop("expected")),
    )
    assert said == {"fills": {}}, f"{name}: nobody reads {said}"
    return scenario


def rows_of(table: str) -> Iterator[dict[str, str]]:
    """Rows of a table whose cells stand between bars, under a header."""
    header, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.strip("\n").splitlines()
    ]
    for row in rows:
        yield dict(zip(header, row, strict=True))


def _records(table: str, month: Month) -> Iterator[dict[str, Any]]:
    number = 0
    for row in rows_of(table):
        for _ in range(int(row.pop("times", "1"))):
            number += 1
            yield _record(dict(row), number, month)


def _record(row: dict[str, str], number: int, month: Month) -> dict[str, Any]:
    given: dict[str, Any] = {FIELDS[column]: _value(column, cell) for column, cell in row.items()}
    if given.get("symbol") is None:
        given["symbol"] = "SOL_USDC" if given["marketType"] == "SPOT" else "SOL_USDC_PERP"
    if given.get("fee") is None:
        volume = EXACT.multiply(Decimal(given["price"]), Decimal(given["quantity"]))
        given["fee"] = plain(EXACT.multiply(volume, Decimal(given["feeRate"])))
    unless_said = {"tradeId": number, "orderId": str(number), "timestamp": f"{month}-15T12:00:00Z"}
    return make.record(**unless_said | given)


def _value(column: str, cell: str) -> object:
    if column == "maker":
        return cell == "yes"
    if cell == "–" or (column == "fee" and not cell):
        return None
    if column in _INTEGERS:
        return int(cell)
    return "" if cell == '""' else cell


def _broker(said: dict[str, Any]) -> Enrolled:
    acts = [
        Act(each.pop("act"), each.pop("from"), each.pop("recorded"), **each)
        for each in said.pop("standing", [])
    ]
    assert acts == sorted(acts, key=lambda act: act.recorded_at)
    return Enrolled(**said, standing=tuple(acts))


def _expected(said: dict[str, Any], month: Month) -> Expected:
    suspended = said.pop("suspended", {"fills": 0, "volume": "0"})
    lines = list(rows_of(said.pop("lines")))
    payout = {
        key: said.pop(key) for key in ("broker", "volume", "tier", "rebate", "fees", "amount", "payout")
    }
    of = Month.parse(said.pop("month", str(month)))
    assert not said, f"nobody reads {said}"
    payout["lines"] = [_line(row) for row in lines]
    return Expected(
        month=of,
        broker=payout["broker"],
        payout=payout,
        bound_by=[row["bound by"] for row in lines],
        suspended=(suspended.pop("fills"), suspended.pop("volume")),
    )


def _line(row: dict[str, str]) -> dict[str, Any]:
    assert tuple(row) == LINE_COLUMNS
    return {
        "trader": int(row["trader"]),
        "market": row["market"],
        "fee_rate": row["fee rate"],
        "affiliate_rate": row["affiliate rate"],
        "fills": int(row["fills"]),
        "volume": row["volume"],
        "fees": row["fees"],
        "applied_rate": row["applied rate"],
        "amount": row["amount"],
    }
