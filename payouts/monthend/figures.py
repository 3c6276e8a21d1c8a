"""Fills, volume, fees and amount together: summed and compared to the last digit. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from payouts.money import EXACT, ZERO


class HasFigures(Protocol):
    """Whatever says how many fills it is, their volume and fees, and what they earned; exact dollars."""

    @property
    def fills(self) -> int: ...
    @property
    def volume(self) -> Decimal: ...
    @property
    def fees(self) -> Decimal: ...
    @property
    def amount(self) -> Decimal: ...


@dataclass(frozen=True, slots=True)
class Figures:
    """A number of fills, their volume, the fees that count and what they earned; exact dollars."""

    fills: int
    volume: Decimal
    fees: Decimal
    amount: Decimal

    def __bool__(self) -> bool:
        return bool(self.fills or self.volume or self.fees or self.amount)


def summed(parts: Iterable[HasFigures]) -> Figures:
    """What parts come to."""
    found = Figures(0, ZERO, ZERO, ZERO)
    for each in parts:
        found = Figures(
            fills=found.fills + each.fills,
            volume=EXACT.add(found.volume, each.volume),
            fees=EXACT.add(found.fees, each.fees),
            amount=EXACT.add(found.amount, each.amount),
        )
    return found


def missing(whole: HasFigures, parts: Iterable[HasFigures]) -> Figures:
    """What parts lack of the figure that they should sum to: nothing, or something is wrong."""
    found = summed(parts)
    return Figures(
        fills=whole.fills - found.fills,
        volume=EXACT.subtract(whole.volume, found.volume),
        fees=EXACT.subtract(whole.fees, found.fees),
        amount=EXACT.subtract(whole.amount, found.amount),
    )
