"""Reads of months: as they stand from the totals, or as a run calculated them."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from django.db.models import Min, Prefetch, Sum

from payouts.feed.models import TotalByRate
from payouts.money import ZERO
from payouts.month import Month
from payouts.monthend import calculation
from payouts.monthend.calculation import Amounts, Group, Line, RateTotal
from payouts.monthend.corrections import Correction, CorrectionLine
from payouts.monthend.models import Correction as StoredCorrection
from payouts.monthend.models import CorrectionLine as StoredCorrectionLine
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
    #: Of the stored payout; "" for a month that is only looked at.
    state: str = ""
    #: What the statement adds to the payout; dollars, None before it is prepared.
    amounts: Amounts | None = None
    #: The volume of the month before, where the terms let that decide the tier.
    preceding_volume: Decimal | None = None
    #: The affiliate rates of its fills, each once; empty for a month as it was calculated.
    affiliate_rates: tuple[Decimal, ...] = ()

    @property
    def tier(self) -> Tier:
        return self.payout.tier

    @property
    def is_approved(self) -> bool:
        return self.state in StoredPayout.APPROVED_STATES


def months_as_they_stand(
    *, month: Month, terms: Terms | None = None, broker_codes: Collection[int] | None = None
) -> list[BrokerMonth]:
    """Every broker's month recomputed from the totals, by code; brokers without fills included.

    `broker_codes` leaves out all others.
    """
    terms = terms or terms_for(month)
    groups = _groups(month, broker_codes)
    preceding = _preceding_volumes(month, broker_codes, terms)
    found = []
    for broker in _brokers(broker_codes):
        mine = groups.get(broker.code, [])
        before = preceding.get(broker.code, ZERO)
        found.append(
            BrokerMonth(
                broker=broker.code,
                account_id=broker.account_id,
                month=month,
                terms=terms,
                payout=calculation.payout(terms=terms, groups=mine, preceding_volume=before),
                calculated_at=None,
                preceding_volume=before if terms.tier_basis == "preceding_month" else None,
                affiliate_rates=tuple(sorted({group.affiliate_rate for group in mine})),
            )
        )
    return found


def month_so_far(*, broker_code: int, month: Month) -> BrokerMonth:
    """One broker's month from the totals, as it stands at this moment."""
    return months_as_they_stand(month=month, broker_codes=[broker_code])[0]


def lines_as_they_stand(of: BrokerMonth) -> list[Line]:
    """The lines of a month from the totals, by the rules. A total of no fills, all voided, is none."""
    rows = TotalByRate.objects.filter(
        month=of.month.first_date, broker_code=of.broker, fills__gt=0
    ).values_list("trader", "market", "fee_rate", "affiliate_rate", "fills", "volume", "fees")
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
    """A month stays one with fills when all of them are voided: it may have been paid."""
    first = TotalByRate.objects.aggregate(first=Min("month"))["first"]
    return None if first is None else Month.of_date(first)


def corrections_of(payout_id: int) -> list[Correction]:
    """What a payout carries for earlier months, by month, each with its lines in their order."""
    rows = (
        StoredCorrection.objects.filter(payout=payout_id)
        .order_by("month")
        .prefetch_related(Prefetch("lines", queryset=StoredCorrectionLine.objects.order_by("pk")))
    )
    return [
        Correction(
            month=Month.of_date(row.month),
            tier_before=row.tier_before,
            tier_after=row.tier_after,
            amount=row.amount,
            cents=row.cents,
            suspended=row.suspended,
            lines=tuple(
                CorrectionLine(
                    kind=cast("Any", line.kind),
                    trader=line.trader,
                    market=cast("Any", line.market or None),
                    fee_rate=line.fee_rate,
                    affiliate_rate=line.affiliate_rate,
                    fills=line.fills,
                    volume=line.volume,
                    fees=line.fees,
                    rate=line.rate,
                    amount=line.amount,
                )
                for line in row.lines.all()
            ),
        )
        for row in rows
    ]


def terms_of(name: str, *, by_preceding: bool) -> Terms:
    """The terms that a payout was calculated with; which month's volume decided is kept with the payout."""
    return replace(entry_named(name), tier_basis="preceding_month" if by_preceding else "settled_month")


def _brokers(codes: Collection[int] | None) -> list[Broker]:
    brokers = program.brokers()
    return list(brokers if codes is None else brokers.filter(code__in=codes))


def _groups(month: Month, codes: Collection[int] | None) -> dict[int, list[Group]]:
    rows = TotalByRate.objects.filter(month=month.first_date, fills__gt=0)
    if codes is not None:
        rows = rows.filter(broker_code__in=codes)
    grouped = (
        rows.values("broker_code", "market", "affiliate_rate")
        .annotate(all_fills=Sum("fills"), all_volume=Sum("volume"), all_fees=Sum("fees"))
        .values_list("broker_code", "market", "affiliate_rate", "all_fills", "all_volume", "all_fees")
    )
    found: dict[int, list[Group]] = defaultdict(list)
    for code, *values in grouped:
        found[code].append(Group(*values))
    return found


def _preceding_volumes(month: Month, codes: Collection[int] | None, terms: Terms) -> dict[int, Decimal]:
    """Volumes of the month before, where the terms let them decide the tier."""
    if terms.tier_basis != "preceding_month" or month == Month(1, 1):
        return {}
    rows = TotalByRate.objects.filter(month=month.previous().first_date)
    if codes is not None:
        rows = rows.filter(broker_code__in=codes)
    return dict(
        rows.values("broker_code").annotate(all_volume=Sum("volume")).values_list("broker_code", "all_volume")
    )


def _stored(row: StoredPayout) -> BrokerMonth:
    terms = terms_of(row.terms or row.run.terms, by_preceding=row.preceding_volume is not None)
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
        state=row.state,
        amounts=_amounts(row),
        preceding_volume=row.preceding_volume,
    )


def _amounts(row: StoredPayout) -> Amounts | None:
    if row.adjustments is None or row.carried is None or row.due is None:
        return None
    return Amounts(row.corrections, row.adjustments, row.carried, row.due, row.withheld)
