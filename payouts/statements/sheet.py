"""A statement as CSV that opens right in spreadsheets and machines: lines, and a total that ties. Pure.

One table: `row` says what a row is, so that a machine filters and a person reads downwards. UTF-8 without a
byte order mark. A machine that meets a mark takes it for part of the first column's name, finds no column
`row` and adds lines and subtotals together: wrong money. A spreadsheet that guesses the encoding wrong
without it misspells a name: everything else in the table is ASCII, but what people wrote.
"""

import codecs
import csv
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from payouts.money import EXACT, ZERO
from payouts.statements.document import Document

#: New ones are added behind: whoever reads by place reads on.
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
    "statement",
    "tier_rate",
    "bound_by",
    "for_month",
    "reason",
    "rounding",
    "corrections",
    "adjustments",
    "carried",
    "due",
)
#: What lines add up to in the total.
SUMMED = ("fills", "volume", "fees", "amount")
#: The total: amount + rounding = payout; payout + corrections + adjustments + carried = due.
OF_THE_TOTAL = (*SUMMED, "payout", "rounding", "corrections", "adjustments", "carried", "due")
_SURPLUS = "surplus"
#: What the amounts of other rows add up to.
_ADDED = {"correction": "corrections", "adjustment": "adjustments", "balance": "carried"}
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


def rows(document: Document, lines: Iterable[Document]) -> Iterator[bytes]:
    """The CSV of a statement or a draft, row by row: RFC 4180, decimals with all their digits.

    After the header come, by their `row`:

    `line`: as in the document; `subtotal`: of a market's lines; `correction`: one exact line of the
    correction of the month `for_month`, `reason` its kind, `tier` the one that the month has by now;
    `adjustment`: what two people agreed on, `reason` in their words; `balance`: the opening balance;
    `total`: the sums of the lines, and how `due` comes about. A draft has no adjustments, balance and due.
    """
    write = _writer()
    same = {
        "month": document["month"],
        "broker": document["broker"],
        "broker_name": text_cell(document["broker_name"]),
        "status": document["status"],
        "tier": document["tier"],
        "rebate": document["rebate"],
        "statement": document.get("number"),
    }
    yield write(dict(zip(COLUMNS, COLUMNS, strict=True)))
    for line in lines:
        yield write(same | line | {"row": "line"})
    for each in document["subtotals"]:
        yield write(same | each | {"row": "subtotal"})
    for each in _corrections(document):
        yield write(same | each)
    for each in document.get("adjusted", ()):
        yield write(
            same
            | {
                "row": "adjustment",
                "for_month": each["month"],
                "reason": text_cell(each["text"]),
                "amount": each["amount"],
            }
        )
    if "carried" in document:
        yield write(same | {"row": "balance", "reason": "opening balance", "amount": document["carried"]})
    yield write(same | {name: document.get(name) for name in OF_THE_TOTAL} | {"row": "total"})


def sums(content: Iterable[bytes]) -> tuple[dict[str, Decimal], dict[str, str]]:
    """What the rows of a stored CSV add up to, and what its total says, by the names that a document has.

    Read piece by piece, in constant memory. Raises `ValueError` if it is not such a CSV.
    """
    found = dict.fromkeys((*SUMMED, *_ADDED.values()), ZERO)
    total: dict[str, str] | None = None
    try:
        for row in csv.DictReader(_lines(content), restkey=_SURPLUS, strict=True):
            if None in row.values() or _SURPLUS in row:
                raise ValueError("a row has not one cell for each column")
            if row["row"] == "line":
                for name in SUMMED:
                    found[name] = EXACT.add(found[name], Decimal(row[name]))
            elif row["row"] in _ADDED:
                name = _ADDED[row["row"]]
                found[name] = EXACT.add(found[name], Decimal(row["amount"]))
            elif row["row"] == "total":
                total = {name: row[name] for name in OF_THE_TOTAL}
        if total is None:
            raise ValueError("it has no total")
    except (csv.Error, KeyError, ArithmeticError, ValueError) as problem:
        said = f"{type(problem).__name__}: {problem}"
        raise ValueError(f"it is not the CSV of a statement: {said}") from None
    return found, total


def _corrections(document: Document) -> Iterator[Document]:
    for each in document["corrected"]:
        of = {"row": "correction", "for_month": each["month"], "tier": each["tier_after"], "rebate": ""}
        for line in each["lines"]:
            yield of | line | {"reason": line["kind"], "applied_rate": line["rate"]}
        if not each["lines"]:
            yield of | {"reason": "tier repricing", "amount": each["amount"]}


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def _writer() -> Callable[[Document], bytes]:
    into = csv.DictWriter(_Echo(), COLUMNS, extrasaction="ignore", lineterminator="\r\n")

    def write(row: Document) -> bytes:
        written: str = into.writerow(row)
        return written.encode()

    return write


def _lines(content: Iterable[bytes]) -> Iterator[str]:
    rest = ""
    for piece in codecs.iterdecode(content, "utf-8"):
        *whole, rest = (rest + piece).split("\n")
        for each in whole:
            yield f"{each}\n"
    yield rest
