"""Reads of months: as they stand from the totals, or as a run calculated them."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

from django.db.models import Min, Sum

from payouts.feed.models import TotalByRate
from payouts.money import ZERO
from payouts.month import Month
from payouts.monthend import calculation
from payouts.monthend.calculation import Group, Line, RateTotal
from payouts.monthend.models import Line as StoredLine
from payouts.monthend.models import Payout as StoredPayout
from payouts.monthend.models import Run
from payouts.program import queries as program
from payouts.program.models import Broker
from payouts.program.terms import Terms, entry_named, terms_for
from payouts.program.tiers import Tier


@dataclass(frozen=True, slots=True)
class BrokerMonth:
    """A broker's month: its payout and, if it was calculated, when."""

    broker: int
    account_id: str
    month: Month
    terms: Terms
    payout: calculation.Payout
    calculated_at: datetime | None

    @property
    def tier(self) -> Tier:
        return self.payout.tier


def months_as_they_stand(
    *, month: Month, terms: Terms | None = None, broker_code: int | None = None
) -> list[BrokerMonth]:
    """Every broker's month recomputed from the totals, by code; brokers without fills included."""
    terms = terms or terms_for(month)
    groups = _groups(month, broker_code)
    preceding = _preceding_volumes(month, broker_code, terms)
    return [
        BrokerMonth(
            broker=broker.code,
            account_id=broker.account_id,
            month=month,
            terms=terms,
            payout=calculation.payout(
                terms=terms,
                groups=groups.get(broker.code, []),
                preceding_volume=preceding.get(broker.code, ZERO),
            ),
            calculated_at=None,
        )
        for broker in _brokers(broker_code)
    ]


def month_so_far(*, broker_code: int, month: Month) -> BrokerMonth:
    """One broker's month from the totals, as it stands at this moment."""
    return months_as_they_stand(month=month, broker_code=broker_code)[0]


def lines_as_they_stand(of: BrokerMonth) -> list[Line]:
    """The lines of a month from the totals, by the rules."""
    rows = TotalByRate.objects.filter(month=of.month.first_date, broker_code=of.broker).values_list(
        "trader", "market", "fee_rate", "affiliate_rate", "fills", "volume", "fees"
    )
    totals = [RateTotal(*cast("Any", row)) for row in rows]
    return calculation.lines(terms=of.terms, tier=of.tier, totals=totals)


def run_of(month: Month) -> Run | None:
    return Run.objects.filter(month=month.first_date).first()


def calculated_months(*, broker_code: int) -> list[BrokerMonth]:
    """A broker's months that have been calculated, newest first."""
    rows = StoredPayout.objects.filter(broker_id=broker_code).select_related("run").order_by("-run__month")
    return [_stored(row) for row in rows]


def calculated(*, month: Month, broker_code: int | None = None) -> list[BrokerMonth]:
    """The payouts of a run, by code; empty if the month has no run."""
    rows = StoredPayout.objects.filter(run__month=month.first_date).select_related("run")
    if broker_code is not None:
        rows = rows.filter(broker_id=broker_code)
    return [_stored(row) for row in rows.order_by("broker_id")]


def calculated_lines(of: BrokerMonth) -> Iterator[Line]:
    """The stored lines of a calculated payout, in the order of statements, in constant memory."""
    rows = (
        StoredLine.objects.filter(payout__run__month=of.month.first_date, payout__broker_id=of.broker)
        .order_by("trader", "market", "fee_rate", "affiliate_rate")
        .values_list(
            "trader",
            "market",
            "fee_rate",
            "affiliate_rate",
            "fills",
            "volume",
            "fees",
            "applied_rate",
            "bound_by",
            "amount",
        )
    )
    for row in rows.iterator(chunk_size=5_000):
        yield Line(*cast("Any", row))


def first_month_with_fills() -> Month | None:
    first = TotalByRate.objects.aggregate(first=Min("month"))["first"]
    return None if first is None else Month.of_date(first)


def affiliate_rates(first_date: date) -> list[Decimal]:
    """The distinct affiliate rates of a month's fills."""
    rows = TotalByRate.objects.filter(month=first_date).order_by("affiliate_rate")
    return list(rows.values_list("affiliate_rate", flat=True).distinct())


def _brokers(broker_code: int | None) -> list[Broker]:
    brokers = program.brokers()
    return list(brokers if broker_code is None else brokers.filter(code=broker_code))


def _groups(month: Month, broker_code: int | None) -> dict[int, list[Group]]:
    rows = TotalByRate.objects.filter(month=month.first_date)
    if broker_code is not None:
        rows = rows.filter(broker_code=broker_code)
    grouped = (
        rows.values("broker_code", "market", "affiliate_rate")
        .annotate(all_fills=Sum("fills"), all_volume=Sum("volume"), all_fees=Sum("fees"))
        .values_list("broker_code", "market", "affiliate_rate", "all_fills", "all_volume", "all_fees")
    )
    found: dict[int, list[Group]] = defaultdict(list)
    for code, *values in grouped:
        found[code].append(Group(*values))
    return found


def _preceding_volumes(month: Month, broker_code: int | None, terms: Terms) -> dict[int, Decimal]:
    """Volumes of the month before, where the terms let them decide the tier."""
    if terms.tier_basis != "preceding_month" or month == Month(1, 1):
        return {}
    rows = TotalByRate.objects.filter(month=month.previous().first_date)
    if broker_code is not None:
        rows = rows.filter(broker_code=broker_code)
    return dict(
        rows.values("broker_code").annotate(all_volume=Sum("volume")).values_list("broker_code", "all_volume")
    )


def _stored(row: StoredPayout) -> BrokerMonth:
    terms = entry_named(row.run.terms)
    tier = next(tier for tier in terms.ladder if tier.name == row.tier)
    return BrokerMonth(
        broker=row.broker_id,
        account_id=row.account_id,
        month=Month.of_date(row.run.month),
        terms=terms,
        payout=calculation.Payout(
            tier=tier,
            spot_volume=row.spot_volume,
            futures_volume=row.futures_volume,
            volume=row.volume,
            fills=row.fills,
            fees=row.fees,
            amount=row.amount,
            payout=row.payout,
        ),
        calculated_at=row.run.calculated_at,
    )
