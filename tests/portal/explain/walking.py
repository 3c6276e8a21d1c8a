"""Walks from a month's payout down to its fills and back, and adds up every level by itself."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from payouts.models import Payout
from payouts.month import Month
from portal.explain import cursors, queries
from portal.explain.asking import Asked
from portal.explain.levels import CarriedCorrection, FillRow, LineRow, MonthPage

NOW = datetime(2027, 1, 2, tzinfo=UTC)
#: Pages so short that every table has several.
SHORT = 2


def walk(code: int, month: Month) -> int:
    """Check every figure of a month against what is below it; gives how many fills that were."""
    page = queries.month_page(broker_code=code, month=month, now=NOW)
    payout, amounts = page.opened.of.payout, page.opened.of.amounts
    assert not page.is_wrong
    assert _sum(each.of for each in page.groups) == _figures(payout)
    assert Fraction(payout.amount) + Fraction(page.rounding) == Fraction(payout.payout)
    assert abs(page.rounding) <= Decimal("0.005")
    if amounts is not None:
        stored = Payout.objects.get(broker=code, run__month=month.first_date)
        assert stored.due == payout.payout + page.carried_cents + amounts.adjustments + amounts.carried
    fills = []
    for group in page.groups:
        asked = Asked(market=group.of.market, affiliate_rate=group.of.affiliate_rate)
        lines = _lines(code, month, asked)
        assert len(lines) == group.of.lines
        assert len({line.trader for line in lines}) == group.of.traders
        assert _sum(lines) == _figures(group.of)
        for line in lines:
            fills += _line(code, month, line)
    assert len({row.key for row in fills}) == len(fills) == payout.fills
    for correction in page.carried:
        _correction(code, month, correction)
    _by_day(code, month, page)
    return len(fills)


def _line(code: int, month: Month, line: LineRow) -> list[FillRow]:
    page = queries.line_page(broker_code=code, month=month, name=line.name, now=NOW)
    assert page.line == line
    assert not page.is_wrong
    assert Fraction(line.amount) == Fraction(line.fees) * Fraction(line.applied_rate)
    assert _sum(page.days) == _figures(line)
    rows = []
    for day in page.days:
        found = _fills(code, month, replace(page.asked, day=day.date))
        assert _sum_of_fills(found) == _figures(day)
        assert {row.of.executed_at.astimezone(UTC).date() for row in found} == {day.date}
        assert {row.line for row in found} == {line.name}
        rows += found
    for row in rows[:2]:
        opened = queries.fill_page(broker_code=code, month=month, key=row.key, now=NOW)
        assert (opened.row, opened.is_counted) == (row, True)
    return rows


def _correction(code: int, carried_by: Month, of: CarriedCorrection) -> None:
    """A correction's lines sum to its cents; late and voided fills to their lines, at the booked tier."""
    assert sum((Fraction(line.amount) for line in of.lines), Fraction(0)) == Fraction(of.cents)
    assert of.missing == 0
    for line in of.lines:
        if not line.part:
            continue
        asked = Asked(
            trader=line.trader,
            market=line.market,
            fee_rate=line.fee_rate,
            affiliate_rate=line.affiliate_rate,
            part="late" if line.part == "late" else "voided",
            by=carried_by,
        )
        days = queries.days_page(broker_code=code, month=of.month, asked=asked, now=NOW)
        sign = 1 if line.part == "late" else -1
        assert _sum(days.days) == tuple(sign * each for each in _figures(line))
        for day in days.days:
            rows = _fills(code, of.month, replace(asked, day=day.date))
            assert _sum_of_fills(rows) == _figures(day)
            for row in rows:
                opened = queries.fill_page(broker_code=code, month=of.month, key=row.key, now=NOW)
                assert (opened.is_voided, opened.is_late) == (row.of.void_id is not None, not row.of.void_id)
                if line.part == "voided" or not opened.is_voided:
                    assert opened.booking is not None
                    assert opened.booking.carried_by == carried_by


def _by_day(code: int, month: Month, page: MonthPage) -> None:
    """The same fills by another way: the days of the whole month."""
    days = queries.days_page(broker_code=code, month=month, asked=Asked(), now=NOW)
    assert not days.is_wrong
    assert _sum(days.days) == _figures(page.opened.of.payout)


def _lines(code: int, month: Month, asked: Asked) -> list[LineRow]:
    found: list[LineRow] = []
    after = ""
    while True:
        page = queries.lines_page(
            broker_code=code,
            month=month,
            asked=asked,
            now=NOW,
            after=cursors.line_at(after) if after else None,
            limit=SHORT,
        )
        assert not page.missing
        found += page.rows
        if not page.after:
            assert _sum(found) == _figures(page.sums)
            return found
        after = page.after


def _fills(code: int, month: Month, asked: Asked) -> list[FillRow]:
    found: list[FillRow] = []
    after = ""
    while True:
        page = queries.fills_page(
            broker_code=code,
            month=month,
            asked=asked,
            now=NOW,
            after=cursors.fill_at(after) if after else None,
            limit=SHORT,
        )
        assert not page.missing
        found += page.rows
        if not page.after:
            assert _sum_of_fills(found) == _figures(page.sums)
            return found
        after = page.after


def _figures(of: Any) -> tuple[Fraction, ...]:
    return Fraction(of.fills), Fraction(of.volume), Fraction(of.fees), Fraction(of.amount)


def _sum(parts: Any) -> tuple[Fraction, ...]:
    total = (Fraction(0),) * 4
    for each in parts:
        total = tuple(one + other for one, other in zip(total, _figures(each), strict=True))
    return total


def _sum_of_fills(rows: list[FillRow]) -> tuple[Fraction, ...]:
    """By the program's own words: volume × fee rate is the fee that was charged, and never below 0."""
    total = [Fraction(0)] * 4
    for row in rows:
        fee = max(Fraction(0), Fraction(row.of.fee))
        parts = (
            Fraction(1),
            Fraction(row.of.price) * Fraction(row.of.quantity),
            fee,
            fee * Fraction(row.arm.applied_rate),
        )
        total = [one + other for one, other in zip(total, parts, strict=True)]
        assert Fraction(row.amount) == parts[3]
    return tuple(total)
