"""Gathers the list of a broker's months from the engine's answers."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from payouts.desk import hold
from payouts.money import EXACT, ZERO
from payouts.month import Month
from payouts.monthend import queries as monthend
from payouts.monthend.queries import BrokerMonth
from payouts.monthend.snapshot import one_snapshot
from payouts.statements import queries as engine
from payouts.statements.queries import Issued
from portal.statements import lengths

#: In the order in which pages offer them.
KINDS = ("pdf", "csv", "json")


@dataclass(frozen=True, slots=True)
class FileOf:
    """A file that a page offers."""

    kind: str
    #: Bytes; None of one that is made when it is asked for.
    size: int | None
    #: It is long and not made yet: it is asked for, and made in the background.
    is_to_be_asked_for: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A month in the list."""

    of: BrokerMonth
    issued: Issued | None
    #: What holds its payout, "suspended" or "terminated"; empty where nothing does.
    held: str
    files: tuple[FileOf, ...]

    @property
    def month(self) -> Month:
        return self.of.month

    @property
    def due(self) -> Decimal | None:
        """What approving it made payable; None before. Dollars, whole cents."""
        return None if self.issued is None else self.issued.due


@dataclass(frozen=True, slots=True)
class Totals:
    """Of all statements that were issued. Dollars, whole cents."""

    statements: int
    due: Decimal
    credited: Decimal


@dataclass(frozen=True, slots=True)
class Months:
    """The month in progress as it stands, and the finished ones, newest first: of a year, or all."""

    as_of: datetime
    rows: list[Row]
    #: Every year with a month, newest first, and the one that is shown; None: all.
    years: list[int]
    year: int | None
    #: Years that have a statement, among those that are shown.
    years_of_statements: list[int]
    has_finished: bool
    totals: Totals


def months(*, broker_code: int, now: datetime, year: int | None = None) -> Months:
    """The list of months, in as many queries for many as for one, all of one instant."""
    with one_snapshot():
        so_far = monthend.month_so_far(broker_code=broker_code, month=Month.of(now))
        finished = monthend.calculated_months(broker_code=broker_code)
        held = hold.held_months(broker_code)
        issued = {each.month: each for each in engine.issued(broker_code=broker_code)}
        every = [so_far, *(each for each in finished if each.month != so_far.month)]
        lines = lengths.of_months(broker_code, [each.month for each in every if each.month not in issued])
    chosen = [each for each in every if year is None or each.month.year == year]
    shown = [each for month, each in issued.items() if year is None or month.year == year]
    return Months(
        as_of=now,
        rows=[
            Row(
                of=each,
                issued=issued.get(each.month),
                held=held.get(each.month, ""),
                files=files_of(issued.get(each.month), lines.get(each.month, 0)),
            )
            for each in chosen
        ],
        years=sorted({each.month.year for each in every}, reverse=True),
        year=year,
        years_of_statements=sorted({each.month.year for each in shown}, reverse=True),
        has_finished=bool(finished),
        totals=_totals(shown),
    )


def files_of(issued: Issued | None, lines: int) -> tuple[FileOf, ...]:
    """The files of a month: those that are kept with their size; `lines` are those of a draft."""
    if issued is None:
        return tuple(FileOf(kind, None, lines > lengths.LONG) for kind in KINDS)
    return tuple(
        FileOf(
            kind,
            issued.faces[kind].size if kind in issued.faces else None,
            kind not in issued.faces and issued.lines > lengths.LONG,
        )
        for kind in KINDS
    )


def _totals(of: Collection[Issued]) -> Totals:
    due, credited = ZERO, ZERO
    for each in of:
        # A balance below nothing was not payable, and is in the next statement's own due.
        due = EXACT.add(due, max(each.due, ZERO))
        if each.credited_at is not None:
            credited = EXACT.add(credited, EXACT.subtract(each.due, each.withheld))
    return Totals(len(of), due, credited)
