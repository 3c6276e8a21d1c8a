"""The tables and the chart of a printed statement: lines, or their subtotals when there are very many."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from payouts.money import EXACT, ZERO, plain
from payouts.statements.document import Document
from payouts.statements.printed_text import Cell, column, figure, percent, tamed

#: 24 pages. A longer statement is printed as subtotals; the CSV has every line.
MOST_LINES = 1_500
#: As many traders have a bar of their own; the rest are one row without.
MOST_BARS = 6
_LONGEST_NAME = 24
#: So many signs of a name fit its column; in a longer one each may be as wide as the widest letter.
_SIGNS_OF_A_PSEUDONYM, _WIDEST = 14, 950
_WHOLE = 1_000
#: Widths of columns in points, and of a figure's usual size in them.
_SIZE = 7
WIDTHS = {
    "trader": 65,
    "market": 31,
    "fills": 36,
    "volume": 71,
    "fee_rate": 34,
    "fees": 62,
    "affiliate_rate": 32,
    "tier_rate": 24,
    "applied_rate": 32,
    "bound_by": 55,
    "amount": 69,
    "kind": 79,
}
#: In the table per market, in thousandths of a figure's size.
_ROOM_OF_FILLS, _ROOM_OF_SUMS = 8_000, 13_000
#: Between two columns.
_GAP = 5
_Key = tuple[str, str, str]


class Gathered:
    """Lines, read once: the first of them, their sums per trader, and per market and rates."""

    def __init__(self, lines: Iterable[Document]) -> None:
        self.count = 0
        self.first: list[Document] = []
        self.by_trader: dict[str, dict[str, Decimal]] = {}
        self.by_rates: dict[_Key, Document] = {}
        for line in lines:
            self.count += 1
            if self.count <= MOST_LINES:
                self.first.append(line)
            self._add(line)

    @property
    def is_long(self) -> bool:
        return self.count > MOST_LINES

    def groups(self) -> list[Document]:
        """Subtotals per market, fee rate and affiliate rate, in that order."""
        return [
            group | {name: plain(group[name]) for name in ("volume", "fees", "amount")}
            for _, group in sorted(self.by_rates.items(), key=lambda each: _in_order(each[0]))
        ]

    def _add(self, line: Document) -> None:
        sums = self.by_trader.setdefault(str(line["trader"]), {"futures": ZERO, "spot": ZERO})
        sums[line["market"]] = EXACT.add(sums[line["market"]], Decimal(line["volume"]))
        key = (line["market"], line["fee_rate"], line["affiliate_rate"])
        group = self.by_rates.setdefault(
            key, line | {"fills": 0, "volume": ZERO, "fees": ZERO, "amount": ZERO}
        )
        group["fills"] += line["fills"]
        for name in ("volume", "fees", "amount"):
            group[name] = EXACT.add(group[name], Decimal(line[name]))


def chart(gathered: Gathered) -> list[Document]:
    """A bar per trader, largest volume first: parts in thousandths of the longest; the rest have none."""
    ordered = sorted(gathered.by_trader.items(), key=lambda each: (EXACT.minus(_volume(each[1])), each[0]))
    bars = [(tamed(name, longest=_LONGEST_NAME), sums) for name, sums in ordered]
    if len(bars) > MOST_BARS:
        rest = [sums for _, sums in bars[MOST_BARS:]]
        together = {name: _sum(sums[name] for sums in rest) for name in ("futures", "spot")}
        bars = [*bars[:MOST_BARS], (f"{len(rest):,} others", together)]
    longest = max((_volume(sums) for _, sums in bars[:MOST_BARS]), default=ZERO)
    return [
        {
            "name": name,
            "volume": figure(plain(_volume(sums))),
            "parts": [_share(sums[market], longest) for market in ("futures", "spot")]
            if place < MOST_BARS
            else [],
        }
        for place, (name, sums) in enumerate(bars)
    ]


def lines(made: Sequence[Document], total: Document) -> list[list[Cell]]:
    """Rows of the table of lines, the total last."""
    traders = [_name(line["trader"]) for line in made]
    markets = [line["market"] for line in made]
    return _rows([[*traders, "Total"], [*markets, ""], *_figures_of(made, total)])


def groups(made: Sequence[Document], total: Document) -> list[list[Cell]]:
    """The same rows without the trader, for subtotals per market and rates."""
    return _rows([[*(line["market"] for line in made), "Total"], *_figures_of(made, total)])


def corrected(made: Sequence[Document]) -> list[list[Cell]]:
    """Rows of a correction's lines."""
    columns: list[Sequence[Cell]] = [
        [str(line["kind"]).capitalize() for line in made],
        ["" if line["trader"] is None else _name(line["trader"]) for line in made],
        [line["market"] or "" for line in made],
        _figures([f"{line['fills']:,}" if line["fills"] else "" for line in made], "fills"),
        _figures([_unless_none(line["volume"]) for line in made], "volume"),
        _figures([_rate(line["fee_rate"]) for line in made], "fee_rate"),
        _figures([_unless_none(line["fees"]) for line in made], "fees"),
        _figures([_rate(line["affiliate_rate"]) for line in made], "affiliate_rate"),
        _figures([_rate(line["rate"]) for line in made], "applied_rate"),
        _figures([figure(line["amount"]) for line in made], "amount"),
    ]
    return _rows(columns)


def by_kind(made: Sequence[Document]) -> list[Document]:
    """A correction's lines, together where they are of one kind."""
    found: dict[str, Document] = {}
    for line in made:
        empty = dict.fromkeys(("trader", "market", "fee_rate", "affiliate_rate", "rate"))
        sums = found.setdefault(
            line["kind"],
            {"kind": line["kind"], "fills": 0, "volume": ZERO, "fees": ZERO, "amount": ZERO} | empty,
        )
        sums["fills"] += line["fills"]
        for name in ("volume", "fees", "amount"):
            sums[name] = EXACT.add(sums[name], Decimal(line[name]))
    return [
        sums | {name: plain(sums[name]) for name in ("volume", "fees", "amount")} for sums in found.values()
    ]


def subtotals(document: Document) -> list[list[Cell]]:
    """Rows of the table per market, the total last."""
    made = [*document["subtotals"], document | {"market": "All markets"}]
    columns: list[Sequence[Cell]] = [
        [str(each["market"]).capitalize() for each in made],
        column([f"{each['fills']:,}" for each in made], room=_ROOM_OF_FILLS),
        *(
            column([figure(each[name]) for each in made], room=_ROOM_OF_SUMS)
            for name in ("volume", "fees", "amount")
        ),
    ]
    return _rows(columns)


def _figures_of(made: Sequence[Document], total: Document) -> list[Sequence[Cell]]:
    both = [*made, total]
    return [
        _figures([f"{line['fills']:,}" for line in both], "fills"),
        _figures([figure(line["volume"]) for line in both], "volume"),
        _figures([*(percent(line["fee_rate"]) for line in made), ""], "fee_rate"),
        _figures([figure(line["fees"]) for line in both], "fees"),
        *(
            _figures([*(percent(line[name]) for line in made), ""], name)
            for name in ("affiliate_rate", "tier_rate", "applied_rate")
        ),
        [*(line["bound_by"] for line in made), ""],
        _figures([figure(line["amount"]) for line in both], "amount"),
    ]


def _rows(columns: Sequence[Sequence[Cell]]) -> list[list[Cell]]:
    return [list(row) for row in zip(*columns, strict=True)]


def _name(trader: str) -> Cell:
    """A trader on one line of its column, however it is called."""
    name = tamed(str(trader), longest=_LONGEST_NAME)
    room = (WIDTHS["trader"] - _GAP) * _WHOLE // _SIZE
    widest = len(name) * _WIDEST
    return name if len(name) <= _SIGNS_OF_A_PSEUDONYM else [name, min(_WHOLE, room * _WHOLE // widest)]


def _figures(figures: Sequence[str], name: str) -> list[Cell]:
    return column(figures, room=(WIDTHS[name] - _GAP) * 1_000 // _SIZE)


def _rate(rate: str | None) -> str:
    return "" if rate is None else percent(rate)


def _unless_none(number: str) -> str:
    return figure(number) if Decimal(number) else ""


def _in_order(key: _Key) -> tuple[str, Decimal, Decimal]:
    return key[0], Decimal(key[1]), Decimal(key[2])


def _volume(sums: dict[str, Decimal]) -> Decimal:
    return EXACT.add(sums["futures"], sums["spot"])


def _share(part: Decimal, of: Decimal) -> int:
    """In thousandths, for a drawing. Nothing that is there is drawn as nothing."""
    return max(int(part * _WHOLE / of), 1) if part > 0 and of > 0 else 0


def _sum(numbers: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for number in numbers:
        total = EXACT.add(total, number)
    return total
