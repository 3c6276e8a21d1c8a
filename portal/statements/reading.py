"""Turns the strings of a document into figures and instants that pages format. Pure."""

from datetime import datetime
from decimal import Decimal
from typing import Any

_FIGURES = frozenset(
    {
        "adjustments",
        "affiliate_rate",
        "amount",
        "applied_rate",
        "carried",
        "cents",
        "closing_balance",
        "corrections",
        "credit",
        "due",
        "fee_rate",
        "fees",
        "floor",
        "futures_volume",
        "payout",
        "preceding_volume",
        "rate",
        "rebate",
        "rebate_cap",
        "rounding",
        "spot_volume",
        "tier_rate",
        "volume",
    }
)
_INSTANTS = frozenset({"approved_at", "calculated_at", "confirmed_at", "from", "prepared_at", "to"})


def readable(value: Any, name: str = "") -> Any:
    """The same document with decimals as `Decimal` and instants as `datetime`; no figure is changed."""
    if isinstance(value, dict):
        return {each: readable(of, each) for each, of in value.items()}
    if isinstance(value, list):
        return [readable(each, name) for each in value]
    if isinstance(value, str) and name in _FIGURES:
        return Decimal(value)
    if isinstance(value, str) and name in _INSTANTS:
        return datetime.fromisoformat(value)
    return value
