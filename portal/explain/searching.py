"""The one box: a trader, an order, a trade, a symbol or a day of a broker, and the page that shows it."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from payouts.month import Month
from payouts.monthend import opened as engine
from payouts.monthend import opened_fills
from payouts.monthend.snapshot import one_snapshot
from payouts.statements import naming
from portal.explain import asking
from portal.explain.cursors import FillKey
from portal.explain.levels import Found, SearchPage
from portal.explain.queries import ROWS, fill_rows

#: So far back is searched when no month is chosen.
MONTHS = 12


@dataclass(frozen=True, slots=True)
class GoTo:
    """The page that shows just what was typed: its name, its month and what it is asked for."""

    page: str
    month: Month
    asks: dict[str, str]
    #: What stands in its address besides.
    named: dict[str, FillKey] = field(default_factory=dict)


def search(*, broker_code: int, text: str, month: Month | None, now: datetime) -> GoTo | SearchPage:
    """Where what was typed leads to; the page of the box where that is several places, or none."""
    typed = asking.typed(text)
    with one_snapshot():
        months = opened_fills.months_with_fills(broker_code=broker_code, limit=MONTHS)
        within = months if month is None else [month]
        found: list[Found] = []
        is_cut = False
        if typed is not None:
            one_place = _one_place(broker_code, typed, within)
            if one_place is not None:
                return one_place
            if typed.kind == "text":
                found, is_cut = _with_id(broker_code, typed.text, within)
    goes_to = _only(found, typed.text) if typed is not None and not is_cut else None
    return goes_to or SearchPage(
        as_of=now,
        typed=text,
        month=month,
        months=months,
        found=found,
        is_cut=is_cut,
        is_nothing=bool(text.strip()) and not found,
    )


def _one_place(broker_code: int, typed: asking.Typed, months: list[Month]) -> GoTo | None:
    """A day of these months, the newest month of a trader or of a symbol."""
    if typed.day is not None:
        of_day = Month.of_date(typed.day)
        return GoTo("explain_fills", of_day, {"day": typed.text}) if of_day in months else None
    if typed.kind == "trader":
        newest = naming.newest_month_of(typed.text, broker_code=broker_code, months=months)
        return None if newest is None else GoTo("explain_lines", newest, {"trader": typed.text})
    symbol = typed.text.upper()
    newest = opened_fills.newest_month_with(broker_code=broker_code, months=months, symbol=symbol)
    return None if newest is None else GoTo("explain_fills", newest, {"symbol": symbol})


def _with_id(broker_code: int, text: str, months: list[Month]) -> tuple[list[Found], bool]:
    """Fills whose order or trade has this number, the newest month first; and whether there are more."""
    fills = opened_fills.with_id(broker_code=broker_code, months=months, text=text, limit=ROWS + 1)
    found = []
    for month, of_month in groupby(fills[:ROWS], key=lambda each: Month.of(each.executed_at)):
        opened = engine.opened(broker_code=broker_code, month=month)
        found.append(Found(month, fill_rows(opened, list(of_month))))
    return found, len(fills) > ROWS


def _only(found: list[Found], text: str) -> GoTo | None:
    """The fill, where there is one alone; the order or the trade, where all are of one month and of it."""
    if len(found) != 1:
        return None
    month, fills = found[0].month, found[0].fills
    if len(fills) == 1:
        return GoTo("explain_fill", month, {}, {"fill": fills[0].key})
    if all(each.of.order_id == text for each in fills):
        return GoTo("explain_fills", month, {"order": text})
    if all(str(each.of.trade_id) == text for each in fills):
        return GoTo("explain_fills", month, {"trade": text})
    return None
