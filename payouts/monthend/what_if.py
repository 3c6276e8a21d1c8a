"""What a month of orders would earn: the real calculation, for a flow that somebody imagines. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from payouts.money import EXACT, ZERO, to_cents
from payouts.monthend import calculation, formula
from payouts.monthend.calculation import Group, Payout
from payouts.monthend.formula import BoundBy
from payouts.program.terms import Terms
from payouts.program.tiers import Tier, next_tier
from payouts.volume.ladder import share

_ALL = Decimal(1)


@dataclass(frozen=True, slots=True)
class Flow:
    """A month's orders in four numbers; rates and share are fractions. Raises `ValueError` at others."""

    #: API volume, dollars.
    volume: Decimal
    #: What traders pay on average, of the volume.
    fee_rate: Decimal
    #: The part of the volume that is by traders who signed up with a referral code.
    referred_share: Decimal
    #: What those codes' affiliates receive, of the fees.
    affiliate_rate: Decimal

    def __post_init__(self) -> None:
        if not (self.volume.is_finite() and self.volume >= 0):
            raise ValueError(f"{self.volume} is not a volume")
        for fraction in (self.fee_rate, self.referred_share, self.affiliate_rate):
            if not (fraction.is_finite() and 0 <= fraction <= 1):
                raise ValueError(f"{fraction} is not a fraction from 0 to 1")


@dataclass(frozen=True, slots=True)
class AtTier:
    """What the same flow would earn if this tier paid it."""

    tier: Tier
    #: The tier that the flow's own volume makes.
    is_made: bool
    #: The applied rate on fees of traders without a referral code, and of those with one.
    rate_without_code: Decimal
    rate_with_code: Decimal
    bound_with_code: BoundBy
    #: Rounded to the cent.
    payout: Decimal
    #: The payout's share of all fees, cut after the hundredth of a percent; None without fees.
    effective_rate: Decimal | None


@dataclass(frozen=True, slots=True)
class NextTier:
    """What it is worth to trade up to the next tier's floor, with the same mix of fees and codes."""

    tier: Tier
    #: Dollars of volume still missing to the floor.
    missing: Decimal
    #: The payout of a month that just reaches the floor.
    payout: Decimal
    #: That payout less the present one …
    gain: Decimal
    #: … of which this much comes from the higher rebate on the volume that is there already.
    gain_on_present_volume: Decimal


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A flow's month, as it would be paid, and what would change it."""

    flow: Flow
    month: Payout
    effective_rate: Decimal | None
    #: What the payout would be more if no trader had a referral code.
    cost_of_codes: Decimal
    by_tier: tuple[AtTier, ...]
    #: None on the highest tier.
    next_tier: NextTier | None


@dataclass(frozen=True, slots=True)
class Applied:
    """One cell of the table of rates: what of a fee goes to the broker, and what bound it."""

    rate: Decimal
    bound_by: BoundBy


@dataclass(frozen=True, slots=True)
class RatesRow:
    """The applied rate on every tier, at one affiliate rate."""

    affiliate_rate: Decimal
    applied: tuple[Applied, ...]


def what_if(flow: Flow, terms: Terms) -> WhatIf:
    """The month of a flow that is the same every month, calculated like a real one.

    "Payout = API Volume × Fee Rate % × min {Broker Rebate %, max{0, 50% - Affiliate Rebate %}}":
    once for the volume without referral codes and once for that with them, added, rounded to the cent.
    """
    month = _month(flow, terms)
    groups = _groups(flow)
    return WhatIf(
        flow=flow,
        month=month,
        effective_rate=share(month.amount, month.fees),
        cost_of_codes=EXACT.subtract(
            _month(replace(flow, referred_share=ZERO), terms).payout,
            month.payout,
        ),
        by_tier=tuple(
            _at_tier(tier, is_made=tier == month.tier, flow=flow, groups=groups, terms=terms)
            for tier in terms.ladder
        ),
        next_tier=_next(flow, groups, month, terms),
    )


def rates(affiliate_rates: Sequence[Decimal], terms: Terms) -> list[RatesRow]:
    """The table of applied rates, a row for each affiliate rate and a cell for each tier.

    "min {Broker Rebate %, max{0, 50% - Affiliate Rebate %}}"
    """
    return [
        RatesRow(
            affiliate_rate=affiliate_rate,
            applied=tuple(_applied(tier, affiliate_rate, terms) for tier in terms.ladder),
        )
        for affiliate_rate in affiliate_rates
    ]


def _month(flow: Flow, terms: Terms) -> Payout:
    # The month before had the same volume, so either basis of tiers comes to the same.
    return calculation.payout(terms=terms, groups=_groups(flow), preceding_volume=flow.volume)


def _groups(flow: Flow) -> tuple[Group, Group]:
    """The volume without referral codes and that with them. Both markets pay alike: futures stand for all."""
    with_code = EXACT.multiply(flow.volume, flow.referred_share)
    without_code = EXACT.multiply(flow.volume, EXACT.subtract(_ALL, flow.referred_share))
    return (
        Group("futures", ZERO, 1, without_code, EXACT.multiply(without_code, flow.fee_rate)),
        Group("futures", flow.affiliate_rate, 1, with_code, EXACT.multiply(with_code, flow.fee_rate)),
    )


def _applied(tier: Tier, affiliate_rate: Decimal, terms: Terms) -> Applied:
    return Applied(
        rate=formula.applied_rate(rebate=tier.rebate, affiliate_rate=affiliate_rate, cap=terms.rebate_cap),
        bound_by=formula.bound_by(rebate=tier.rebate, affiliate_rate=affiliate_rate, cap=terms.rebate_cap),
    )


def _amount(tier: Tier, groups: Sequence[Group], terms: Terms) -> Decimal:
    """Exact dollars of the groups if this tier paid them."""
    total = ZERO
    for group in groups:
        rate = _applied(tier, group.affiliate_rate, terms).rate
        total = EXACT.add(total, formula.amount(fees=group.fees, applied_rate=rate))
    return total


def _at_tier(tier: Tier, *, is_made: bool, flow: Flow, groups: Sequence[Group], terms: Terms) -> AtTier:
    amount = _amount(tier, groups, terms)
    with_code = _applied(tier, flow.affiliate_rate, terms)
    return AtTier(
        tier=tier,
        is_made=is_made,
        rate_without_code=_applied(tier, ZERO, terms).rate,
        rate_with_code=with_code.rate,
        bound_with_code=with_code.bound_by,
        payout=to_cents(amount),
        effective_rate=share(amount, EXACT.multiply(flow.volume, flow.fee_rate)),
    )


def _next(flow: Flow, groups: Sequence[Group], month: Payout, terms: Terms) -> NextTier | None:
    above = next_tier(flow.volume, terms.ladder)
    if above is None:
        return None
    there = _month(replace(flow, volume=above.tier.floor), terms).payout
    return NextTier(
        tier=above.tier,
        missing=above.missing,
        payout=there,
        gain=EXACT.subtract(there, month.payout),
        gain_on_present_volume=EXACT.subtract(to_cents(_amount(above.tier, groups, terms)), month.payout),
    )
