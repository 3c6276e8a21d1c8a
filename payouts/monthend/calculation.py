"""From a month's totals to its lines and payout. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from payouts.money import EXACT, ZERO, to_cents
from payouts.monthend import formula
from payouts.monthend.formula import BoundBy
from payouts.program.terms import Market, Terms
from payouts.program.tiers import Tier, tier_of


@dataclass(frozen=True, slots=True)
class RateTotal:
    """A broker's fills of a month by one trader in one market at one fee rate and affiliate rate."""

    trader: int
    market: Market
    fee_rate: Decimal
    affiliate_rate: Decimal
    fills: int
    volume: Decimal
    #: Σ max(fee, 0), dollars.
    fees: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a payout: a total, the rate that applied to it and the exact dollars it earned."""

    trader: int
    market: Market
    fee_rate: Decimal
    affiliate_rate: Decimal
    fills: int
    volume: Decimal
    fees: Decimal
    applied_rate: Decimal
    bound_by: BoundBy
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Payout:
    """What a broker earned in a month. `amount` is exact, `payout` the same rounded once to the cent."""

    tier: Tier
    spot_volume: Decimal
    futures_volume: Decimal
    volume: Decimal
    fills: int
    fees: Decimal
    amount: Decimal
    payout: Decimal


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a payout comes to when it is approved; dollars in whole cents."""

    corrections: Decimal
    adjustments: Decimal
    #: Brought forward from earlier months.
    carried: Decimal
    due: Decimal
    #: Forfeited for suspended days.
    withheld: Decimal


@dataclass(frozen=True, slots=True)
class Group:
    """Totals that share market and affiliate rate, and so the applied rate."""

    market: Market
    affiliate_rate: Decimal
    fills: int
    volume: Decimal
    fees: Decimal


def paying_tier(*, terms: Terms, volume: Decimal, preceding_volume: Decimal) -> Tier:
    """The tier that pays a month, by the terms' basis: its own volume or the month's before.

    "On the first day of every month, broker tiers are updated and payouts calculated."
    """
    decisive = preceding_volume if terms.tier_basis == "preceding_month" else volume
    return tier_of(decisive, terms.ladder)


def payout(*, terms: Terms, groups: Sequence[Group], preceding_volume: Decimal) -> Payout:
    """A broker's month: tier, sums and payout. Rounded here and nowhere else."""
    spot = _sum(group.volume for group in groups if group.market == "spot")
    futures = _sum(group.volume for group in groups if group.market == "futures")
    volume = EXACT.add(spot, futures)
    tier = paying_tier(terms=terms, volume=volume, preceding_volume=preceding_volume)
    amount = _sum(
        formula.amount(
            fees=group.fees,
            applied_rate=formula.applied_rate(
                rebate=tier.rebate, affiliate_rate=group.affiliate_rate, cap=terms.rebate_cap
            ),
        )
        for group in groups
    )
    return Payout(
        tier=tier,
        spot_volume=spot,
        futures_volume=futures,
        volume=volume,
        fills=sum(group.fills for group in groups),
        fees=_sum(group.fees for group in groups),
        amount=amount,
        payout=to_cents(amount),
    )


def lines(*, terms: Terms, tier: Tier, totals: Iterable[RateTotal]) -> list[Line]:
    """The lines of a payout, in the order of statements: trader, futures before spot, rates."""
    ordered = sorted(
        totals,
        key=lambda total: (total.trader, total.market, total.fee_rate, total.affiliate_rate),
    )
    return [_line(total, tier=tier, cap=terms.rebate_cap) for total in ordered]


def _line(total: RateTotal, *, tier: Tier, cap: Decimal) -> Line:
    rate = formula.applied_rate(rebate=tier.rebate, affiliate_rate=total.affiliate_rate, cap=cap)
    return Line(
        trader=total.trader,
        market=total.market,
        fee_rate=total.fee_rate,
        affiliate_rate=total.affiliate_rate,
        fills=total.fills,
        volume=total.volume,
        fees=total.fees,
        applied_rate=rate,
        bound_by=formula.bound_by(rebate=tier.rebate, affiliate_rate=total.affiliate_rate, cap=cap),
        amount=formula.amount(fees=total.fees, applied_rate=rate),
    )


def _sum(numbers: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for number in numbers:
        total = EXACT.add(total, number)
    return total
