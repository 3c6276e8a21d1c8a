"""The program's terms as dated entries with their source. Entries are added, never edited. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from payouts.month import Month
from payouts.program.tiers import Tier

TierBasis = Literal["settled_month", "preceding_month"]
Market = Literal["spot", "futures"]


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything about money that the exchange may change from one month to another."""

    name: str
    in_force_from: Month
    source: str
    ladder: tuple[Tier, ...]
    #: Broker and affiliate together never receive more than this share of a fee.
    rebate_cap: Decimal
    #: Which month's volume decides the tier that pays a month.
    tier_basis: TierBasis
    #: Quote and fee assets that are dollars one to one.
    dollar_assets: frozenset[str]
    #: Market types that count, and as what; any other type waits for a person.
    markets: dict[str, Market]
    #: Market types that are known not to count: they carry no broker code or no fee.
    excluded_market_types: frozenset[str]
    #: The exchange rounds fees to six digits; a fee further from price × quantity × rate is a mismatch.
    fee_tolerance: Decimal

    def __post_init__(self) -> None:
        floors = [tier.floor for tier in self.ladder]
        rebates = [tier.rebate for tier in self.ladder]
        if not floors or floors[0] != 0 or floors != sorted(set(floors)):
            raise ValueError(f"terms {self.name}: floors must start at 0 and rise")
        if rebates != sorted(rebates) or not 0 <= rebates[0] <= rebates[-1] <= self.rebate_cap:
            raise ValueError(f"terms {self.name}: rebates must not fall nor exceed the cap")


#: "| BKR 0 | $0 | 20% | … | BKR 5 | $100,000,000 | 50% |"
_LADDER = (
    Tier("BKR 0", Decimal(0), Decimal("0.20")),
    Tier("BKR 1", Decimal(5_000_000), Decimal("0.30")),
    Tier("BKR 2", Decimal(10_000_000), Decimal("0.35")),
    Tier("BKR 3", Decimal(20_000_000), Decimal("0.40")),
    Tier("BKR 4", Decimal(60_000_000), Decimal("0.45")),
    Tier("BKR 5", Decimal(100_000_000), Decimal("0.50")),
)

ENTRIES: tuple[Terms, ...] = (
    Terms(
        name="2025-09",
        # The text names no first month; this entry therefore also serves everything before it.
        in_force_from=Month(2025, 9),
        source="Backpack Exchange, API Broker Program, as published (read 2026-11-22)",
        ladder=_LADDER,
        rebate_cap=Decimal("0.50"),
        tier_basis="settled_month",
        dollar_assets=frozenset({"USD", "USDC"}),
        markets={"SPOT": "spot", "PERP": "futures", "IPERP": "futures", "DATED": "futures"},
        excluded_market_types=frozenset({"RFQ", "PREDICTION"}),
        fee_tolerance=Decimal("0.000001"),
    ),
)


def terms_for(month: Month, entries: Sequence[Terms] = ENTRIES) -> Terms:
    """The entry in force in a month: the latest that has begun, or the first one before all of them."""
    begun = [entry for entry in entries if entry.in_force_from <= month]
    if not begun:
        return min(entries, key=lambda entry: entry.in_force_from)
    return max(begun, key=lambda entry: entry.in_force_from)


def entry_named(name: str, entries: Sequence[Terms] = ENTRIES) -> Terms:
    """The entry that a run was calculated with. Entries are never removed, so it is always there."""
    return next(entry for entry in entries if entry.name == name)
