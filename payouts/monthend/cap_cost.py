"""What referral codes cost a broker in a month, at every tier, by the program's own rule. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from payouts.money import EXACT, ZERO
from payouts.monthend import arms, formula
from payouts.monthend.arms import Arm
from payouts.monthend.calculation import Group
from payouts.program.terms import Terms
from payouts.program.tiers import Tier


@dataclass(frozen=True, slots=True)
class AtTier:
    """What one affiliate rate's fees would earn if this tier paid them, and what the cap takes of it."""

    tier: Tier
    arm: Arm
    #: Exact dollars that are paid, and those that the cap keeps back of the tier's whole rebate.
    amount: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class CapRow:
    """A month's fills at one affiliate rate, with a cell for every tier, lowest first."""

    affiliate_rate: Decimal
    fills: int
    volume: Decimal
    fees: Decimal
    by_tier: tuple[AtTier, ...]
    #: The cell of the tier that pays the month.
    paying: AtTier

    @property
    def is_capped(self) -> bool:
        """The tier that pays the month gives more than what is applied."""
        return self.paying.arm.bound_by != "tier"


@dataclass(frozen=True, slots=True)
class TierTotal:
    """The same month at one tier: exact dollars."""

    tier: Tier
    amount: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class CapCost:
    """A month by affiliate rate, the lowest first; dollars, exact."""

    tier: Tier
    rows: tuple[CapRow, ...]
    by_tier: tuple[TierTotal, ...]
    volume: Decimal
    fees: Decimal
    #: Of rows in which the cap gives less than the tier that pays.
    capped_fills: int
    capped_volume: Decimal
    capped_fees: Decimal
    #: What the paying tier's rebate would give in full, less what is paid.
    cost: Decimal
    amount: Decimal


def cap_cost(*, terms: Terms, tier: Tier, groups: Sequence[Group]) -> CapCost:
    """How much of a month the cap binds, at what rate, and what that costs at each tier.

    "min {Broker Rebate %, max{0, 50% - Affiliate Rate %}}": the cost is the fees times what the broker's
    rebate is more than the result.
    """
    rows = tuple(
        _row(rate, [each for each in groups if each.affiliate_rate == rate], terms, tier)
        for rate in sorted({each.affiliate_rate for each in groups})
    )
    capped = [row for row in rows if row.is_capped]
    return CapCost(
        tier=tier,
        rows=rows,
        by_tier=tuple(
            TierTotal(
                tier=each,
                amount=_sum(row.by_tier[number].amount for row in rows),
                cost=_sum(row.by_tier[number].cost for row in rows),
            )
            for number, each in enumerate(terms.ladder)
        ),
        volume=_sum(row.volume for row in rows),
        fees=_sum(row.fees for row in rows),
        capped_fills=sum(row.fills for row in capped),
        capped_volume=_sum(row.volume for row in capped),
        capped_fees=_sum(row.fees for row in capped),
        cost=_sum(row.paying.cost for row in rows),
        amount=_sum(row.paying.amount for row in rows),
    )


def _row(affiliate_rate: Decimal, groups: Sequence[Group], terms: Terms, tier: Tier) -> CapRow:
    fees = _sum(each.fees for each in groups)
    return CapRow(
        affiliate_rate=affiliate_rate,
        fills=sum(each.fills for each in groups),
        volume=_sum(each.volume for each in groups),
        fees=fees,
        by_tier=tuple(_cell(each, affiliate_rate, fees, terms) for each in terms.ladder),
        paying=_cell(tier, affiliate_rate, fees, terms),
    )


def _cell(tier: Tier, affiliate_rate: Decimal, fees: Decimal, terms: Terms) -> AtTier:
    arm = arms.arm(rebate=tier.rebate, affiliate_rate=affiliate_rate, cap=terms.rebate_cap)
    amount = formula.amount(fees=fees, applied_rate=arm.applied_rate)
    return AtTier(
        tier=tier,
        arm=arm,
        amount=amount,
        cost=EXACT.subtract(formula.amount(fees=fees, applied_rate=tier.rebate), amount),
    )


def _sum(numbers: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for number in numbers:
        total = EXACT.add(total, number)
    return total
