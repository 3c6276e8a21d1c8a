"""Dollars as the lists of the staff site write them: whole cents, nothing rounded."""

from decimal import Decimal

from payouts.money import two_places


def dollars(amount: Decimal) -> str:
    """`$1,234.56`, `−$0.04`. Raises `decimal.Inexact` for fractions of a cent."""
    cents = two_places(amount)
    whole, _dot, places = cents.removeprefix("-").partition(".")
    return f"{'−' if cents.startswith('-') else ''}${int(whole):,}.{places}"


def change(amount: Decimal) -> str:
    """The same with a plus before what is more than nothing: `+$12.30`."""
    return f"+{dollars(amount)}" if amount > 0 else dollars(amount)
