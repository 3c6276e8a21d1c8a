"""Who trades through a broker: fee tiers that change, referral codes, makers and takers. Pure."""

import random
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

from portal.simulator.businesses import Business
from portal.simulator.chance import of as chance_of


class FeeTier(NamedTuple):
    """Fee rates in millionths. The two lowest are the exchange's; those above follow its floors."""

    spot_maker: int
    spot_taker: int
    futures_maker: int
    futures_taker: int


FEE_TIERS = (
    FeeTier(800, 1_000, 200, 500),
    FeeTier(700, 900, 190, 450),
    FeeTier(550, 750, 150, 390),
    FeeTier(350, 500, 90, 260),
    FeeTier(0, 250, 0, 180),
)
#: The market maker program pays on futures: a negative fee.
MARKET_MAKER = FeeTier(0, 250, -20, 180)

#: Referral codes: most traders have none, 10 % is everybody's, the rest are affiliates' rates.
_AFFILIATE_RATES = (None, "0.1", "0.3", "0.4", "0.5")
_AFFILIATE_WEIGHTS = (54, 29, 10, 4, 3)
_YEARS_AHEAD = 6


@dataclass(frozen=True, slots=True)
class Trader:
    """One user of the exchange. Changes are instants in seconds since 1970, each with what begins then."""

    id: int
    maker_share: float
    tier_changes: tuple[float, ...]
    tiers: tuple[FeeTier, ...]
    affiliate_changes: tuple[float, ...]
    affiliate_rates: tuple[str | None, ...]

    def tier_at(self, seconds: float) -> FeeTier:
        return self.tiers[bisect_right(self.tier_changes, seconds)]

    def affiliate_rate_at(self, seconds: float) -> str | None:
        return self.affiliate_rates[bisect_right(self.affiliate_changes, seconds)]


@dataclass(frozen=True, slots=True)
class Crowd:
    """The traders of one broker and, added up, how much each of them trades."""

    traders: tuple[Trader, ...]
    choice: tuple[float, ...]


def crowd(business: Business, *, start: datetime, seed: int) -> Crowd:
    """The traders of a business, the same for the same seed and start."""
    chance = chance_of(seed, "traders", business.code)
    weights = [1 / (rank + 1) ** business.unevenness for rank in range(business.traders)]
    return Crowd(
        traders=tuple(_trader(chance, business, number, start) for number in range(business.traders)),
        choice=tuple(accumulate(weights)),
    )


def _trader(chance: random.Random, business: Business, number: int, start: datetime) -> Trader:
    begin = start.timestamp()
    end = (start + timedelta(days=365 * _YEARS_AHEAD)).timestamp()
    is_maker = chance.randrange(100) < business.makers
    # The larger a trader, the lower the fees that its volume has earned already.
    level = min(4, max(0, int(chance.gauss(2.2 - number * 4 / max(business.traders, 1), 1))))
    changes, tiers = [], [MARKET_MAKER if is_maker else FEE_TIERS[level]]
    at = begin
    while not is_maker and (at := at + chance.uniform(20, 130) * 86_400) < end:
        level = min(4, max(0, level + chance.choice((1, 1, -1))))
        changes.append(at // 3_600 * 3_600)  # tiers are recalculated every hour
        tiers.append(FEE_TIERS[level])
    rate = chance.choices(_AFFILIATE_RATES, _AFFILIATE_WEIGHTS)[0]
    moves = rate == "0.1" and chance.random() < 0.06  # the owner of the code became an affiliate
    return Trader(
        # Scattered, yet never two of the same: the factor is odd, so no two products meet.
        id=1_000_000 + (business.code * 1_000 + number) * 2_654_435_761 % 2**27,
        maker_share=0.93 if is_maker else chance.choice((0.1, 0.25, 0.4, 0.6)),
        tier_changes=tuple(changes),
        tiers=tuple(tiers),
        affiliate_changes=(begin + chance.uniform(60, 200) * 86_400,) if moves else (),
        affiliate_rates=(rate, "0.3") if moves else (rate,),
    )
