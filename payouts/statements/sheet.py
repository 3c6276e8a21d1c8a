"""A statement as CSV that opens right in spreadsheets and machines: lines, then a total that ties. Pure."""

import csv
import io
from collections.abc import Iterator

from payouts.month import Month
from payouts.statements.document import Document

COLUMNS = (
    "row",
    "month",
    "broker",
    "broker_name",
    "status",
    "tier",
    "rebate",
    "trader",
    "market",
    "fills",
    "volume",
    "fee_rate",
    "fees",
    "affiliate_rate",
    "applied_rate",
    "amount",
    "payout",
)
#: A spreadsheet runs a cell that begins so as a formula; an apostrophe before it makes it text.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def text_cell(text: str) -> str:
    """A cell that people wrote: never a formula, no control characters. Numbers do not pass here.

    Where the comma is the decimal sign, spreadsheets also begin a new cell after each semicolon.
    """
    clean = "".join(sign if sign.isprintable() else " " for sign in text)
    cells = [f"'{cell}" if _starts_a_formula(cell) else cell for cell in clean.split(";")]
    if text.startswith(_FORMULA_STARTS) and not cells[0].startswith("'"):
        cells[0] = f"'{cells[0]}"
    return ";".join(cells)


def _starts_a_formula(cell: str) -> bool:
    return cell.lstrip(' "').startswith(_FORMULA_STARTS)


def rows(document: Document, *, month: Month, broker_name: str) -> Iterator[bytes]:
    """The CSV row by row: header, a row a line, and the total row. UTF-8, RFC 4180."""
    yield _row(COLUMNS)
    same = {
        "month": str(month),
        "broker": document["broker"],
        "broker_name": text_cell(broker_name),
        "status": document["status"],
        "tier": document["tier"],
        "rebate": document["rebate"],
    }
    fills = 0
    for line in document["lines"]:
        fills += line["fills"]
        yield _row([(same | line | {"row": "line"}).get(column, "") for column in COLUMNS])
    total = same | {
        "row": "total",
        "fills": fills,
        "volume": document["volume"],
        "fees": document["fees"],
        "amount": document["amount"],
        "payout": document["payout"],
    }
    yield _row([total.get(column, "") for column in COLUMNS])


def as_csv(document: Document, *, month: Month, broker_name: str) -> bytes:
    return b"".join(rows(document, month=month, broker_name=broker_name))


def _row(cells: object) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)  # type: ignore[arg-type]
    return line.getvalue().encode()
