"""Gathers each page of an explanation from the engine's answers, all of one instant."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from payouts.feed import archive
from payouts.money import EXACT, ZERO
from payouts.month import Month
from payouts.monthend import cap_cost, figures, opened_corrections, opened_fills
from payouts.monthend import opened as engine
from payouts.monthend.calculation import Line
from payouts.monthend.corrections import Correction
from payouts.monthend.figures import Figures
from payouts.monthend.opened import LineKey, Opened, Which
from payouts.monthend.opened_corrections import Booking
from payouts.monthend.opened_fills import FillKey, OpenedFill, Wanted, Window
from payouts.monthend.snapshot import one_snapshot
from payouts.statements import naming
from payouts.statements import queries as statements
from payouts.statements.building import Names
from portal.explain import cursors
from portal.explain.asking import Asked
from portal.explain.cursors import FillName, LineName
from portal.explain.levels import (
    CapsPage,
    CarriedCorrection,
    CarriedLine,
    DayRow,
    DaysPage,
    FillPage,
    FillRow,
    FillsPage,
    Group,
    LineRow,
    LinesPage,
    MonthPage,
)

#: Rows of a table on a page; its CSV has them all.
ROWS = 50


class NotThere(Exception):
    """The broker has nothing of that kind: no such month, line, trader, fill or correction."""


def month_page(*, broker_code: int, month: Month, now: datetime) -> MonthPage:
    """The payout of a month and what it is the sum of."""
    with one_snapshot():
        opened = engine.opened(broker_code=broker_code, month=month)
        groups = engine.groups(opened)
        bookings = opened_corrections.bookings(broker_code=broker_code, month=month)
        waiting = opened_corrections.waiting(opened, bookings)
        carried = opened_corrections.carried(opened)
        issued = statements.issued_of(broker_code=broker_code, month=month)
    named = Names(broker_code)
    return MonthPage(
        as_of=now,
        opened=opened,
        groups=[Group(each, opened.arm(each.affiliate_rate)) for each in groups],
        missing=figures.missing(opened.of.payout, groups),
        carried=[_carried(each, named) for each in carried],
        bookings=bookings,
        waiting=waiting,
        statement=None if issued is None else issued.number,
    )


def lines_page(
    *,
    broker_code: int,
    month: Month,
    asked: Asked,
    now: datetime,
    after: LineName | None = None,
    limit: int = ROWS,
) -> LinesPage:
    """Lines of a month, the largest first. Raises `NotThere` for a trader or a place that is not there."""
    with one_snapshot():
        opened = engine.opened(broker_code=broker_code, month=month)
        trader = None if asked.trader is None else _trader(opened, asked.trader)
        which = Which(market=asked.market, affiliate_rate=asked.affiliate_rate, trader=trader)
        sums = engine.sums(opened, which)
        behind = None if after is None else _line_key(opened, after)
        rows = engine.lines(opened, which, seed=naming.order_of_traders(), limit=limit + 1, after=behind)
        is_of_group = asked.affiliate_rate is not None and asked.market is not None and trader is None
        above = _above(opened, which) if is_of_group or which == Which() else None
    named = Names(broker_code)
    shown = [_line_row(each, named) for each in rows[:limit]]
    return LinesPage(
        as_of=now,
        opened=opened,
        asked=asked,
        rows=shown,
        lines=sums.lines,
        sums=Figures(sums.fills, sums.volume, sums.fees, sums.amount),
        missing=Figures(0, ZERO, ZERO, ZERO) if above is None else figures.missing(above, [sums]),
        arm=None if asked.affiliate_rate is None else opened.arm(asked.affiliate_rate),
        is_first=after is None,
        after=cursors.of_line(shown[-1].name) if len(rows) > limit else "",
    )


def line_page(*, broker_code: int, month: Month, name: LineName, now: datetime) -> DaysPage:
    """One line of a month, and the days that it is the sum of. Raises `NotThere`."""
    with one_snapshot():
        opened = engine.opened(broker_code=broker_code, month=month)
        key = _line_key(opened, name)
        line = None if key is None else engine.line(opened, key)
        if key is None or line is None:
            raise NotThere
        wanted = Wanted(key.trader, key.market, key.fee_rate, key.affiliate_rate)
        days = opened_fills.days(opened, wanted)
    missing = figures.missing(line, days)
    return DaysPage(
        as_of=now,
        opened=opened,
        asked=Asked(name.trader, name.market, line.fee_rate, line.affiliate_rate),
        line=_line_row(line, Names(broker_code)),
        arm=opened.arm(line.affiliate_rate),
        days=[DayRow(each.date, each.fills, each.volume, each.fees, each.amount) for each in days],
        sums=figures.summed(days),
        missing=missing,
        booking=None,
        archived=_archived(opened) if missing else 0,
    )


def days_page(*, broker_code: int, month: Month, asked: Asked, now: datetime) -> DaysPage:
    """Some fills of a month by day. Raises `NotThere`."""
    with one_snapshot():
        opened, wanted, until, booking = _fills_asked(broker_code, month, asked)
        days = opened_fills.days(opened, wanted, until=until)
        is_whole = wanted == Wanted()
    missing = figures.missing(opened.of.payout if is_whole else figures.summed(days), days)
    return DaysPage(
        as_of=now,
        opened=opened,
        asked=asked,
        line=None,
        arm=None if asked.affiliate_rate is None else opened.arm(asked.affiliate_rate),
        days=[DayRow(each.date, each.fills, each.volume, each.fees, each.amount) for each in days],
        sums=figures.summed(days),
        missing=missing,
        booking=booking,
        archived=0 if days and not missing else _archived(opened),
    )


def fills_page(
    *,
    broker_code: int,
    month: Month,
    asked: Asked,
    now: datetime,
    after: FillName | None = None,
    limit: int = ROWS,
) -> FillsPage:
    """Fills of a day, an order or a trade, one by one. Raises `NotThere`."""
    with one_snapshot():
        opened, wanted, until, booking = _fills_asked(broker_code, month, asked)
        sums = figures.summed(opened_fills.days(opened, wanted, until=until))
        behind = (
            None
            if after is None
            else FillKey(after.executed_at, after.symbol, after.trade_id, after.order_id)
        )
        found = opened_fills.fills(opened, wanted, limit=limit + 1, after=behind, until=until)
    rows = fill_rows(opened, found[:limit])
    is_all = after is None and len(found) <= limit
    return FillsPage(
        as_of=now,
        opened=opened,
        asked=asked,
        rows=rows,
        sums=sums,
        missing=figures.missing(sums, [_figures(each) for each in rows] if is_all else [sums]),
        booking=booking,
        archived=0 if rows else _archived(opened),
        is_first=after is None,
        after=cursors.of_fill(_fill_name(rows[-1].of)) if len(found) > limit else "",
    )


def _archived(of: Opened) -> int:
    """Asked only where fills are not found: a paid month's may have left the table."""
    return archive.archived_of(broker_code=of.broker).get(of.month, 0)


def fill_page(*, broker_code: int, month: Month, key: cursors.FillKey, now: datetime) -> FillPage:
    """One fill, and where it counts. Raises `NotThere`, of another broker's too."""
    with one_snapshot():
        fill = opened_fills.one_fill(
            broker_code=broker_code,
            month=month,
            symbol=key.symbol,
            trade_id=key.trade_id,
            order_id=key.order_id,
        )
        if fill is None:
            raise NotThere
        opened = engine.opened(broker_code=broker_code, month=month)
        batch_id, void_id = fill.batch_id, fill.void_id
        is_counted = opened_corrections.was_counted(opened, batch_id=batch_id, void_id=void_id)
        booking = None
        if void_id is not None or not is_counted:
            bookings = opened_corrections.bookings(broker_code=broker_code, month=month)
            booking = opened_corrections.booking_of(bookings, batch_id=batch_id, void_id=void_id)
        received_at = opened_fills.received_at(fill.batch_id)
    return FillPage(
        as_of=now,
        opened=opened,
        row=fill_rows(opened, [fill])[0],
        received_at=received_at,
        is_counted=is_counted,
        booking=booking,
    )


def caps_page(*, broker_code: int, month: Month, now: datetime) -> CapsPage:
    """What the affiliates' shares cost in a month."""
    with one_snapshot():
        opened = engine.opened(broker_code=broker_code, month=month)
        groups = engine.groups_as_calculated(engine.groups(opened))
    cost = cap_cost.cap_cost(terms=opened.of.terms, tier=opened.of.tier, groups=groups)
    missing = EXACT.subtract(opened.of.payout.amount, cost.amount)
    return CapsPage(as_of=now, opened=opened, cost=cost, missing=missing)


def fill_rows(opened: Opened, fills: Sequence[OpenedFill]) -> list[FillRow]:
    """Fills under their traders' names, with what each earned at the month's tier."""
    named = Names(opened.broker)
    return [
        FillRow(
            of=each,
            trader=named.of(each.trader),
            arm=opened.arm(each.affiliate_rate),
            amount=opened_fills.amount_of(opened, each),
        )
        for each in fills
    ]


def _fills_asked(
    broker_code: int, month: Month, asked: Asked
) -> tuple[Opened, Wanted, Window, Booking | None]:
    """The month, the fills that are asked for and the stretch of input that they are read in."""
    if asked.day is not None and Month.of_date(asked.day) != month:
        raise NotThere
    opened = engine.opened(broker_code=broker_code, month=month)
    trader = None if asked.trader is None else _trader(opened, asked.trader)
    wanted = Wanted(
        trader=trader,
        market=asked.market,
        fee_rate=asked.fee_rate,
        affiliate_rate=asked.affiliate_rate,
        symbol=asked.symbol,
        day=asked.day,
        trade_id=asked.trade_id,
        order_id=asked.order_id,
        part=asked.part,
    )
    if asked.part == "counted":
        return opened, wanted, Window(), None
    booked = opened_corrections.bookings(broker_code=broker_code, month=month)
    try:
        behind, until = opened_corrections.behind(opened, booked, asked.by)
    except LookupError:
        raise NotThere from None
    return behind, wanted, until, next((each for each in booked if each.carried_by == asked.by), None)


def _trader(opened: Opened, name: str) -> int:
    """Of whoever ever had a fill in the month: late fills may be of one who has no line in it."""
    found = naming.trader_named(name, broker_code=opened.broker, months=[opened.month])
    if found is None:
        raise NotThere
    return found


def _line_key(opened: Opened, name: LineName) -> LineKey | None:
    trader = _trader(opened, name.trader)
    return LineKey(trader, name.market, name.fee_rate, name.affiliate_rate)


def _above(opened: Opened, which: Which) -> Figures:
    """The figure that these lines are the sum of: their group's, or the payout's."""
    if which == Which():
        return figures.summed([opened.of.payout])
    return figures.summed(
        each
        for each in engine.groups(opened)
        if (each.market, each.affiliate_rate) == (which.market, which.affiliate_rate)
    )


def _line_row(of: Line, named: Names) -> LineRow:
    return LineRow(
        trader=named.of(of.trader),
        market=of.market,
        fee_rate=of.fee_rate,
        affiliate_rate=of.affiliate_rate,
        fills=of.fills,
        volume=of.volume,
        fees=of.fees,
        applied_rate=of.applied_rate,
        bound_by=of.bound_by,
        amount=of.amount,
    )


def _fill_name(of: OpenedFill) -> FillName:
    return FillName(of.executed_at, of.symbol, of.trade_id, of.order_id)


def _figures(of: FillRow) -> Figures:
    return Figures(1, of.of.volume, of.of.counted_fee, of.amount)


def _carried(of: Correction, named: Names) -> CarriedCorrection:
    missing: Decimal = of.cents
    for each in of.lines:
        missing = EXACT.subtract(missing, each.amount)
    return CarriedCorrection(
        month=of.month,
        tier_before=of.tier_before,
        tier_after=of.tier_after,
        cents=of.cents,
        lines=tuple(
            CarriedLine(
                kind=each.kind,
                trader=None if each.trader is None else named.of(each.trader),
                market=each.market,
                fee_rate=each.fee_rate,
                affiliate_rate=each.affiliate_rate,
                fills=each.fills,
                volume=each.volume,
                fees=each.fees,
                rate=each.rate,
                amount=each.amount,
            )
            for each in of.lines
        ),
        missing=missing,
    )
