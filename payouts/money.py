"""Exact decimals and the one rounding of the house. Nothing else in the project rounds."""

from decimal import (
    ROUND_HALF_UP,
    Clamped,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    Underflow,
)

#: Every sum and product of the house is made in this context: it either is exact or raises.
#: The longest product, price × quantity × fee rate, has 60 + 54 digits.
EXACT = Context(
    prec=160,
    rounding=ROUND_HALF_UP,
    traps=[Inexact, InvalidOperation, DivisionByZero, Overflow, Underflow, Clamped],
)

#: The same digits, but free to drop those beyond a cent; used by `to_cents` alone.
_ROUNDING = Context(prec=160, rounding=ROUND_HALF_UP, traps=[InvalidOperation, Overflow])

ZERO = Decimal(0)
CENT = Decimal("0.01")


def to_cents(amount: Decimal) -> Decimal:
    """Round dollars to the cent, half away from zero: 0.005 → 0.01, −0.005 → −0.01.

    "Rebates will be settled in USD": a month's payout passes here once, its lines never.
    """
    if not amount.is_finite():
        raise ValueError(f"{amount} is not an amount of money")
    # Python's ROUND_HALF_UP rounds half *away from zero*, which mirrors for a reversal.
    cents = amount.quantize(CENT, context=_ROUNDING)
    return abs(cents) if cents.is_zero() else cents


def plain(number: Decimal) -> str:
    """All digits of a decimal, never an exponent, no trailing zeros: `"0"`, `"0.2"`, `"5000000"`."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def two_places(number: Decimal) -> str:
    """Cents or a rebate as people read them: `"0.00"`, `"0.20"`, `"11421.06"`.

    Raises `decimal.Inexact` when digits beyond the second place would be lost: showing never rounds.
    """
    return format(number.quantize(CENT, context=EXACT), "f").replace("-0.00", "0.00")
