"""What the simulated exchange trades, and at which price at any instant. Pure."""

import calendar
import math
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import accumulate

from portal.simulator.chance import of as chance_of

#: Periods in days of the waves that a price is made of, and how much each moves it.
_WAVES = ((120.0, 0.55), (37.0, 0.25), (11.3, 0.12), (3.1, 0.05), (0.9, 0.025), (0.21, 0.012))


@dataclass(frozen=True, slots=True)
class Symbol:
    """A market: its price moves around `level` by at most `swing` of it."""

    base: str
    market_type: str
    level: float
    swing: float
    price_digits: int
    quantity_digits: int
    #: How often it is traded, compared with the others of its kind.
    weight: int
    suffix: str = ""
    is_free: bool = False

    @property
    def is_spot(self) -> bool:
        return self.market_type == "SPOT"

    def name_on(self, day: date) -> str:
        if self.market_type == "DATED":
            return f"{self.base}_USDC_{expiry_after(day):%y%m%d}"
        return f"{self.base}_USDC{self.suffix}"

    def price_at(self, seconds: float, *, seed: int) -> float:
        """The price at an instant, in seconds since 1970: waves and no walk, so any instant is at hand."""
        days = seconds / 86_400
        wave = sum(
            height * math.sin(2 * math.pi * days / period + phase)
            for (period, height), phase in zip(_WAVES, _phases(seed, self.base), strict=True)
        )
        return self.level * (1 + self.swing * wave)


SPOT = (
    Symbol("SOL", "SPOT", 158.0, 0.35, 2, 2, 40),
    Symbol("BTC", "SPOT", 94_000.0, 0.22, 1, 5, 28),
    Symbol("ETH", "SPOT", 3_150.0, 0.30, 2, 4, 20),
    Symbol("JUP", "SPOT", 0.62, 0.40, 4, 1, 6),
    Symbol("USDT", "SPOT", 1.0004, 0.0012, 4, 1, 5, is_free=True),
)
FUTURES = (
    Symbol("SOL", "PERP", 158.1, 0.35, 2, 2, 38, suffix="_PERP"),
    Symbol("BTC", "PERP", 94_040.0, 0.22, 1, 5, 34, suffix="_PERP"),
    Symbol("ETH", "PERP", 3_151.0, 0.30, 2, 4, 18, suffix="_PERP"),
    Symbol("SUI", "PERP", 2.9, 0.45, 4, 1, 6, suffix="_PERP"),
    Symbol("BTC", "DATED", 95_100.0, 0.22, 1, 4, 4),
)
SPOT_CHOICE = tuple(accumulate(symbol.weight for symbol in SPOT))
FUTURES_CHOICE = tuple(accumulate(symbol.weight for symbol in FUTURES))


@lru_cache(maxsize=2_000)
def expiry_after(day: date) -> date:
    """The last Friday of the quarter, or of the next one when that is less than a week away."""
    quarter_month = (day.month + 2) // 3 * 3
    last = date(day.year, quarter_month, calendar.monthrange(day.year, quarter_month)[1])
    friday = last - timedelta(days=(last.weekday() - calendar.FRIDAY) % 7)
    return friday if day <= friday - timedelta(days=7) else expiry_after(last + timedelta(days=1))


@lru_cache(maxsize=1_000)
def _phases(seed: int, base: str) -> tuple[float, ...]:
    chance = chance_of(seed, "price", base)
    return tuple(chance.uniform(0, 2 * math.pi) for _ in _WAVES)
