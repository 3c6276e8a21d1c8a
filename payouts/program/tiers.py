"""Tiers: which one a volume reaches and how far the next one is. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from payouts.money import EXACT


@dataclass(frozen=True, slots=True)
class Tier:
    """One row of the program's table: a floor of API volume in dollars and the rebate it earns."""

    name: str
    floor: Decimal
    rebate: Decimal

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class NextTier:
    """The tier above the present one and the dollars of volume still missing to reach it."""

    tier: Tier
    missing: Decimal


def tier_of(volume: Decimal, ladder: Sequence[Tier]) -> Tier:
    """The highest tier whose floor the volume reaches; reaching it exactly is enough.

    "BKR tiers take into account both spot and futures trading volume from orders submitted via API."
    Volume is in dollars and never negative; a negative one raises `ValueError`.
    """
    reached = [tier for tier in ladder if tier.floor <= volume]
    if not reached:
        raise ValueError(f"a volume of {volume} reaches no tier")
    return max(reached, key=lambda tier: tier.floor)


def next_tier(volume: Decimal, ladder: Sequence[Tier]) -> NextTier | None:
    """The next tier and the volume missing to it; None on the highest."""
    above = [tier for tier in ladder if tier.floor > volume]
    if not above:
        return None
    tier = min(above, key=lambda tier: tier.floor)
    return NextTier(tier=tier, missing=EXACT.subtract(tier.floor, volume))
