"""The ladder of tiers with a volume standing on it, and shares that never overstate. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from payouts.money import EXACT
from payouts.program.tiers import Tier

#: A rung is filled in thousandths: finer than any screen shows it.
FULL = 1_000
_HUNDREDTHS_OF_A_PERCENT = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Rung:
    """One tier, whether the volume reaches its floor, and how far it is on the way to the next one."""

    tier: Tier
    reached: bool
    #: The highest tier reached.
    current: bool
    #: Thousandths of the way to the next tier, rounded down; a reached highest tier is full.
    filled: int


def rungs(volume: Decimal, ladder: Sequence[Tier]) -> list[Rung]:
    """The whole ladder, lowest tier first."""
    ordered = sorted(ladder, key=lambda tier: tier.floor)
    above = [tier.floor for tier in ordered[1:]]
    made = []
    for number, tier in enumerate(ordered):
        ceiling = above[number] if number < len(above) else None
        reached = tier.floor <= volume
        current = reached and (ceiling is None or volume < ceiling)
        filled = 0
        if reached:
            filled = FULL if ceiling is None else _filled(volume, tier.floor, ceiling)
        made.append(Rung(tier=tier, reached=reached, current=current, filled=filled))
    return made


def share(part: Decimal, whole: Decimal) -> Decimal | None:
    """`part` of `whole` as a fraction, cut after the hundredth of a percent; None of nothing.

    Cut, not rounded: 19.999 % is never shown as the full 20 %.
    """
    if whole == 0:
        return None
    hundredths = EXACT.divide_int(EXACT.multiply(part, _HUNDREDTHS_OF_A_PERCENT), whole)
    return EXACT.divide(hundredths, _HUNDREDTHS_OF_A_PERCENT)


def _filled(volume: Decimal, floor: Decimal, ceiling: Decimal) -> int:
    if volume >= ceiling:
        return FULL
    way = EXACT.multiply(EXACT.subtract(volume, floor), Decimal(FULL))
    return int(EXACT.divide_int(way, EXACT.subtract(ceiling, floor)))
