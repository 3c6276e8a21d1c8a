"""What makes a payout unusual, so that somebody looks at it before it is approved. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from payouts.money import EXACT, ZERO, plain, two_places

#: A payout of more than this many times the mean of the broker's earlier ones.
TIMES_THE_MEAN = 3
#: The mean is of this many payouts: with fewer it says little, and older ones say little of today.
FEWEST_FOR_A_MEAN, MOST_FOR_A_MEAN = 3, 12
#: A broker's first payouts of more than nothing.
FIRST_PAYOUTS = 3
#: By how many steps of the ladder a tier moves at once.
TIER_STEPS = 2
#: "The sum of broker and affiliate rebates is capped at 50 % of fees".
EFFECTIVE_RATE = Decimal("0.5")
#: Shares above which something dominates.
ZERO_FEE_SHARE = Decimal("0.2")
BOTH_SIDES_SHARE = Decimal("0.05")
ONE_TRADER_SHARE = Decimal("0.6")
QUARANTINED_SHARE = Decimal("0.01")
#: Dollars of one fill.
LARGE_FILL = Decimal(10_000_000)

MEAN = "far above its mean"
FIRST = "one of its first payouts"
TIER = "tier moved far"
RATE = "effective rate"
NEGATIVE = "negative total"
AFFILIATE = "affiliate conflict"
ZERO_FEE = "volume without fees"
BOTH_SIDES = "both sides under one code"
ONE_TRADER = "one trader dominates"
LARGE = "very large fill"
QUARANTINED = "many quarantined records"


@dataclass(frozen=True, slots=True)
class Bound:
    """What was found and what is usual, as staff read it; `detail` names what to open."""

    name: str
    value: str
    limit: str
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the bounds of one payout are decided by. Dollars; lists hold the largest first, and not all."""

    #: Own month in cents, and the corrections that it carries.
    payout: Decimal
    corrections: Decimal
    #: Exact: what the lines earned and what fees they earned it on.
    amount: Decimal
    fees: Decimal
    volume: Decimal
    fills: int
    #: The latest `MOST_FOR_A_MEAN` earlier payouts of the broker, and how many of all were above nothing.
    earlier: Sequence[Decimal] = ()
    paid_before: int = 0
    #: Steps of the ladder from the tier of the payout before to this one's, and both by name.
    tier_steps: int = 0
    tier_before: str = ""
    tier: str = ""
    #: The exchange says that the broker's account is enrolled in the Affiliate Program.
    is_affiliate: bool = False
    account_id: str = ""
    #: Volume of lines on which nobody paid a fee, and the traders with most of it.
    zero_fee_volume: Decimal = ZERO
    zero_fee_traders: Sequence[int] = ()
    #: Volume of trades both sides of which came under the code, and those trades as (symbol, number).
    both_sides_volume: Decimal = ZERO
    both_sides_trades: Sequence[tuple[str, int]] = ()
    #: The trader with most volume.
    largest_trader: int | None = None
    largest_trader_volume: Decimal = ZERO
    #: Fills above `LARGE_FILL`: how many, the largest one's dollars, their numbers.
    large_fills: int = 0
    largest_fill: Decimal = ZERO
    large_fill_ids: Sequence[int] = ()
    #: Records of the month in quarantine that say they are the broker's.
    quarantined: int = 0


def bounds(facts: Facts) -> list[Bound]:
    """Every bound that a payout breaks, in the order in which they are shown."""
    return [found for rule in _RULES if (found := rule(facts)) is not None]


def share(part: Decimal | int, whole: Decimal | int) -> str:
    """A share as staff read it, rounded up to hundredths of a percent: more than 5 % never reads as 5 %."""
    hundredths = -(-Fraction(part) * 10_000 // Fraction(whole))
    return f"{two_places(Decimal(hundredths).scaleb(-2))} %"


def _far_above_its_mean(facts: Facts) -> Bound | None:
    number = len(facts.earlier)
    total = _sum(facts.earlier)
    if number < FEWEST_FOR_A_MEAN or _times(facts.payout, number) <= _times(total, TIMES_THE_MEAN):
        return None
    return Bound(
        MEAN,
        _dollars(facts.payout),
        f"{TIMES_THE_MEAN} times the mean of the {number} payouts before, which sum to {_dollars(total)}",
        {"earlier": [two_places(each) for each in facts.earlier]},
    )


def _one_of_its_first(facts: Facts) -> Bound | None:
    if facts.payout <= 0 or facts.paid_before >= FIRST_PAYOUTS:
        return None
    return Bound(FIRST, f"payout {facts.paid_before + 1}", f"the first {FIRST_PAYOUTS} are looked at")


def _tier_moved_far(facts: Facts) -> Bound | None:
    if abs(facts.tier_steps) < TIER_STEPS:
        return None
    return Bound(
        TIER,
        f"from {facts.tier_before} to {facts.tier}",
        f"less than {TIER_STEPS} steps from one month to the next",
    )


def _effective_rate(facts: Facts) -> Bound | None:
    if facts.amount <= EXACT.multiply(facts.fees, EFFECTIVE_RATE):
        return None
    value = share(facts.amount, facts.fees) if facts.fees else f"{_dollars(facts.payout)} without any fees"
    return Bound(RATE, value, f"at most {_percent(EFFECTIVE_RATE)} of the fees")


def _negative_total(facts: Facts) -> Bound | None:
    total = EXACT.add(facts.payout, facts.corrections)
    if total >= 0:
        return None
    return Bound(NEGATIVE, _dollars(total), "month and corrections are together at least 0.00 USD")


def _affiliate_conflict(facts: Facts) -> Bound | None:
    if not facts.is_affiliate:
        return None
    return Bound(
        AFFILIATE,
        f"account {facts.account_id} is an affiliate",
        "a broker is not enrolled in the Affiliate Program",
    )


def _volume_without_fees(facts: Facts) -> Bound | None:
    if facts.zero_fee_volume <= EXACT.multiply(facts.volume, ZERO_FEE_SHARE):
        return None
    return Bound(
        ZERO_FEE,
        share(facts.zero_fee_volume, facts.volume),
        f"at most {_percent(ZERO_FEE_SHARE)} of the volume",
        {"traders": list(facts.zero_fee_traders)},
    )


def _both_sides(facts: Facts) -> Bound | None:
    if facts.both_sides_volume <= EXACT.multiply(facts.volume, BOTH_SIDES_SHARE):
        return None
    return Bound(
        BOTH_SIDES,
        share(facts.both_sides_volume, facts.volume),
        f"at most {_percent(BOTH_SIDES_SHARE)} of the volume",
        {"trades": [{"symbol": symbol, "trade": number} for symbol, number in facts.both_sides_trades]},
    )


def _one_trader(facts: Facts) -> Bound | None:
    if facts.largest_trader_volume <= EXACT.multiply(facts.volume, ONE_TRADER_SHARE):
        return None
    return Bound(
        ONE_TRADER,
        share(facts.largest_trader_volume, facts.volume),
        f"at most {_percent(ONE_TRADER_SHARE)} of the volume",
        {"traders": [facts.largest_trader]},
    )


def _very_large_fill(facts: Facts) -> Bound | None:
    if not facts.large_fills:
        return None
    largest = f"{plain(facts.largest_fill)} USD"
    value = largest if facts.large_fills == 1 else f"{facts.large_fills} fills, the largest of {largest}"
    return Bound(
        LARGE, value, f"at most {plain(LARGE_FILL)} USD a fill", {"fills": list(facts.large_fill_ids)}
    )


def _many_quarantined(facts: Facts) -> Bound | None:
    records = facts.fills + facts.quarantined
    if facts.quarantined <= EXACT.multiply(Decimal(records), QUARANTINED_SHARE):
        return None
    return Bound(
        QUARANTINED,
        f"{share(facts.quarantined, records)}: {facts.quarantined} of {records} records",
        f"at most {_percent(QUARANTINED_SHARE)} of the records",
    )


_RULES: tuple[Callable[[Facts], Bound | None], ...] = (
    _negative_total,
    _affiliate_conflict,
    _effective_rate,
    _far_above_its_mean,
    _one_of_its_first,
    _tier_moved_far,
    _both_sides,
    _one_trader,
    _very_large_fill,
    _volume_without_fees,
    _many_quarantined,
)


def _sum(amounts: Sequence[Decimal]) -> Decimal:
    total = ZERO
    for each in amounts:
        total = EXACT.add(total, each)
    return total


def _times(amount: Decimal, number: int) -> Decimal:
    return EXACT.multiply(amount, Decimal(number))


def _dollars(amount: Decimal) -> str:
    return f"{two_places(amount)} USD"


def _percent(part: Decimal) -> str:
    return f"{plain(part * 100)} %"
