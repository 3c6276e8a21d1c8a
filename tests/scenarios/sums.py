"""Adds up fills for the three totals in Python: what the SQL of the intake must come to. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from payouts.feed.record import Record
from payouts.feed.verdict import Verdict
from payouts.money import EXACT, ZERO


class Sum:
    """Fills, their volume and the fees that traders paid; grows by `add`."""

    __slots__ = ("fees", "fills", "volume")

    def __init__(self) -> None:
        self.fills = 0
        self.volume = ZERO
        self.fees = ZERO

    def add(self, volume: Decimal, fee_paid: Decimal) -> None:
        self.fills += 1
        self.volume = EXACT.add(self.volume, volume)
        self.fees = EXACT.add(self.fees, fee_paid)


@dataclass(slots=True)
class Sums:
    """The keys follow the tables' primary keys."""

    by_rate: dict[tuple[Any, ...], Sum] = field(default_factory=dict)
    by_hour: dict[tuple[Any, ...], Sum] = field(default_factory=dict)
    by_day: dict[tuple[Any, ...], Sum] = field(default_factory=dict)


def of(accepted: Iterable[tuple[Record, Verdict]]) -> Sums:
    """Sum the accepted fills of a batch, exactly."""
    sums = Sums()
    dates: dict[date, tuple[date, date]] = {}
    for record, verdict in accepted:
        at = record.executed_at
        day = at.date()
        found = dates.get(day)
        if found is None:
            found = dates[day] = (day.replace(day=1), day)
        month, day = found
        hour = datetime(at.year, at.month, at.day, at.hour, tzinfo=UTC)
        rate_key = (
            month,
            record.broker,
            record.trader,
            verdict.market,
            record.fee_rate,
            record.affiliate_rate,
        )
        hour_key = (record.broker, hour, record.symbol, verdict.market)
        day_key = (record.broker, day, record.trader)
        for totals, key in (
            (sums.by_rate, rate_key),
            (sums.by_hour, hour_key),
            (sums.by_day, day_key),
        ):
            total = totals.get(key)
            if total is None:
                total = totals[key] = Sum()
            total.add(record.volume, record.fee_paid)
    return sums
