"""What each page of an explanation says: a figure, what it is the sum of, and whether the sum is right."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from payouts.money import EXACT, to_cents
from payouts.month import Month
from payouts.monthend.arms import Arm
from payouts.monthend.cap_cost import CapCost
from payouts.monthend.figures import Figures
from payouts.monthend.opened import LineGroup, Opened
from payouts.monthend.opened_corrections import Booking, Waiting
from payouts.monthend.opened_fills import OpenedFill
from payouts.statements.document import FORMULA
from portal.explain.asking import Asked
from portal.explain.cursors import FillKey, LineName


@dataclass(frozen=True, slots=True)
class Group:
    """Lines with one market and affiliate rate, and which arm bound them."""

    of: LineGroup
    arm: Arm


@dataclass(frozen=True, slots=True)
class CarriedLine:
    """One exact line of a correction; with the address part of the fills behind it, if there are some."""

    kind: str
    trader: str | None
    market: str | None
    fee_rate: Decimal | None
    affiliate_rate: Decimal | None
    fills: int
    volume: Decimal
    fees: Decimal
    rate: Decimal | None
    amount: Decimal

    @property
    def part(self) -> str:
        """ "late" or "voided" where fills are behind it."""
        return {"late volume": "late", "voided fills": "voided"}.get(self.kind, "")


@dataclass(frozen=True, slots=True)
class CarriedCorrection:
    """A correction of an earlier month on this one's payout; its lines sum to its cents."""

    month: Month
    tier_before: str
    tier_after: str
    cents: Decimal
    lines: tuple[CarriedLine, ...]
    #: Cents less the sum of the lines: 0, or something is wrong.
    missing: Decimal


@dataclass(frozen=True, slots=True)
class MonthPage:
    """A month's payout and what it is the sum of. Dollars."""

    as_of: datetime
    opened: Opened
    groups: list[Group]
    #: The payout's figures less the sum of the groups: nothing, or something is wrong.
    missing: Figures
    carried: list[CarriedCorrection]
    bookings: list[Booking]
    waiting: Waiting
    #: Of its statement; None before it is issued.
    statement: int | None

    @property
    def formula(self) -> str:
        """In the program's own words."""
        return FORMULA["program"]

    @property
    def rounding(self) -> Decimal:
        """What rounding to the cent added, once: the payout less its exact sum."""
        return EXACT.subtract(self.opened.of.payout.payout, self.opened.of.payout.amount)

    @property
    def carried_cents(self) -> Decimal:
        total = Decimal(0)
        for each in self.carried:
            total = EXACT.add(total, each.cents)
        return total

    @property
    def is_wrong(self) -> bool:
        """Some sum on the page is not the figure above it."""
        payout, amounts = self.opened.of.payout, self.opened.of.amounts
        parts_of_due = Decimal(0)
        if amounts is not None:
            for each in (amounts.carried, amounts.adjustments, payout.payout, self.carried_cents):
                parts_of_due = EXACT.add(parts_of_due, each)
        return (
            bool(self.missing)
            or to_cents(payout.amount) != payout.payout
            or any(each.missing for each in self.carried)
            or any(each.arm.applied_rate != each.of.applied_rate for each in self.groups)
            or (amounts is not None and parts_of_due != amounts.due)
        )


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line under the name that its broker knows the trader by; exact dollars."""

    trader: str
    market: str
    fee_rate: Decimal
    affiliate_rate: Decimal
    fills: int
    volume: Decimal
    fees: Decimal
    applied_rate: Decimal
    bound_by: str
    amount: Decimal

    @property
    def name(self) -> LineName:
        """What names it in addresses."""
        return LineName(self.trader, self.market, self.fee_rate, self.affiliate_rate)


@dataclass(frozen=True, slots=True)
class LinesPage:
    """Lines of a month, the largest first, and what all of those that are asked for come to."""

    as_of: datetime
    opened: Opened
    asked: Asked
    rows: list[LineRow]
    lines: int
    sums: Figures
    #: The figure above less these sums, where one stands above: of a group of lines, or of the payout.
    missing: Figures
    arm: Arm | None
    is_first: bool
    #: The cursor of the next page; "" on the last.
    after: str


@dataclass(frozen=True, slots=True)
class DayRow:
    date: date
    fills: int
    volume: Decimal
    fees: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class DaysPage:
    """Some fills of a month by day: of a line, of a symbol, or those that came late or were voided."""

    as_of: datetime
    opened: Opened
    asked: Asked
    #: The line that the days are the sum of; None where they are of several.
    line: LineRow | None
    arm: Arm | None
    days: list[DayRow]
    sums: Figures
    #: The line's figures less the sum of the days.
    missing: Figures
    booking: Booking | None
    #: How many of the broker's fills of the month lie in the archive, where something is missing.
    archived: int

    @property
    def is_wrong(self) -> bool:
        if self.line is None or self.arm is None:
            return bool(self.missing)
        return (
            bool(self.missing)
            or self.line.applied_rate != self.arm.applied_rate
            or self.line.amount != EXACT.multiply(self.line.fees, self.line.applied_rate)
        )


@dataclass(frozen=True, slots=True)
class FillRow:
    """A fill, and what it earned by the formula; exact dollars."""

    of: OpenedFill
    trader: str
    arm: Arm
    amount: Decimal

    @property
    def key(self) -> FillKey:
        """What names it in addresses."""
        return FillKey(self.of.symbol, self.of.trade_id, self.of.order_id)

    @property
    def line(self) -> LineName:
        """The line that it is part of, if it counts."""
        return LineName(self.trader, self.of.market, self.of.fee_rate, self.of.affiliate_rate)


@dataclass(frozen=True, slots=True)
class FillsPage:
    """Fills one by one in the order of time, and what all of those that are asked for come to."""

    as_of: datetime
    opened: Opened
    asked: Asked
    rows: list[FillRow]
    sums: Figures
    #: Of a page that holds them all: the sums less its rows.
    missing: Figures
    booking: Booking | None
    #: How many of the broker's fills of the month lie in the archive, where no fill is found.
    archived: int
    is_first: bool
    after: str


@dataclass(frozen=True, slots=True)
class FillPage:
    """One fill: everything known of it, what it earns, and where it counts."""

    as_of: datetime
    opened: Opened
    row: FillRow
    received_at: datetime | None
    #: The month's own figures count it.
    is_counted: bool
    #: The correction that brought it late, or took it out; None while none has.
    booking: Booking | None

    @property
    def is_voided(self) -> bool:
        return self.row.of.void_id is not None

    @property
    def is_late(self) -> bool:
        return not self.is_counted and not self.is_voided


@dataclass(frozen=True, slots=True)
class CapsPage:
    """What the affiliates' shares cost in a month, at every tier."""

    as_of: datetime
    opened: Opened
    cost: CapCost
    #: The payout's exact amount less what the table pays at its tier: 0, or something is wrong.
    missing: Decimal


@dataclass(frozen=True, slots=True)
class Found:
    """Fills that a search found in a month."""

    month: Month
    fills: list[FillRow]


@dataclass(frozen=True, slots=True)
class SearchPage:
    """The one box, and what was found by it if there is more than one place to go to."""

    as_of: datetime
    typed: str
    month: Month | None
    months: list[Month]
    found: list[Found]
    #: More were there than a page shows.
    is_cut: bool
    #: Something was typed, and nothing of the broker's has it.
    is_nothing: bool
