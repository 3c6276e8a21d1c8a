"""The program's formula for one line. Pure."""

from decimal import Decimal
from typing import Literal

from payouts.money import EXACT, ZERO

BoundBy = Literal["tier", "affiliate cap", "cap exhausted"]


def applied_rate(*, rebate: Decimal, affiliate_rate: Decimal, cap: Decimal) -> Decimal:
    """The share of a fee that goes to the broker.

    "Payout = API Volume × Fee Rate % × min {Broker Rebate %, max{0, 50% - Affiliate Rate %}}":
    this is the min{…}; rates are fractions.
    """
    return min(rebate, max(ZERO, EXACT.subtract(cap, affiliate_rate)))


def bound_by(*, rebate: Decimal, affiliate_rate: Decimal, cap: Decimal) -> BoundBy:
    """Which arm of the formula gave the applied rate; the tier where both arms are equal."""
    left = EXACT.subtract(cap, affiliate_rate)
    if left <= 0:
        return "cap exhausted"
    return "tier" if rebate <= left else "affiliate cap"


def amount(*, fees: Decimal, applied_rate: Decimal) -> Decimal:
    """Exact dollars of a line: the fees actually paid, each "API Volume × Fee Rate %", times the rate."""
    return EXACT.multiply(fees, applied_rate)
