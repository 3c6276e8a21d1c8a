"""The invented brokers of the demo: how large each is, how it grows and who trades through it. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

#: Days over which a business grows from its first to its later volume.
DAYS_OF_GROWTH = 240


@dataclass(frozen=True, slots=True)
class Business:
    """One broker. Volumes are thousands of dollars a month, when it joins and `DAYS_OF_GROWTH` later."""

    code: int
    name: str
    first_volume: int
    later_volume: int
    traders: int
    #: Of a hundred dollars traded, how many in futures.
    futures: int
    #: How uneven its traders are: at 2 the largest few make nearly everything.
    unevenness: float = 1.0
    #: Of a hundred traders, how many are in the market maker program.
    makers: int = 0
    joins_after_days: int = 0
    #: How much of a working day's volume is left on a Sunday.
    sunday: float = 0.7

    @property
    def account_id(self) -> str:
        return f"BP-{self.code * 7_919 % 900_000 + 100_000}"

    def enrolled_at(self, start: datetime) -> datetime:
        if self.joins_after_days == 0:
            return start
        return start + timedelta(days=self.joins_after_days, hours=9)

    def monthly_volume(self, days: float) -> float:
        """Dollars a month, so many days after it joined."""
        if days < 0 or self.first_volume == 0:
            return 0.0
        share = min(days / DAYS_OF_GROWTH, 1.0)
        growth: float = (self.later_volume / self.first_volume) ** share
        return self.first_volume * 1_000 * growth


#: The first one is enrolled at the very start: from it a second run knows when that was.
BUSINESSES = (
    Business(1400, "Helmsman Terminal", 14_000, 31_000, 160, 62),
    Business(1500, "Gridwright Bots", 8_600, 17_500, 210, 80, unevenness=0.8, sunday=0.95),
    Business(2200, "Tidewater Algorithmic Trading", 92_000, 168_000, 70, 86, 1.3, makers=12, sunday=0.9),
    Business(2300, "Northgate Aggregator", 47_000, 86_000, 240, 55, unevenness=0.7),
    Business(2400, "Copperline Social", 5_700, 9_100, 190, 70, unevenness=0.6),
    Business(2500, "Lantern Asset Management", 24_000, 33_000, 9, 35, unevenness=2.2, sunday=0.25),
    Business(2600, "Perchwell Signals", 420, 2_900, 60, 74),
    Business(2700, "Ostrander Quant Lab", 9_000, 26_000, 24, 91, 1.2, makers=20, joins_after_days=26),
    Business(2800, "Marlow & Finch Capital", 6_400, 8_200, 14, 28, 1.5, joins_after_days=41, sunday=0.2),
    Business(2900, "Sparrow Copy Trading", 1_500, 8_800, 120, 77, 0.7, joins_after_days=12),
    Business(3000, "Basalt Execution", 64_000, 118_000, 110, 72, 1.1, makers=6, joins_after_days=5),
    Business(3100, "Papermoon Wallet", 160, 900, 80, 12, 0.5, joins_after_days=96),
    # Enrolled, not integrated: what a broker sees before its first fill.
    Business(3200, "Wharfside Trading Desk", 0, 0, 0, 50, joins_after_days=205),
)
CODES = tuple(business.code for business in BUSINESSES)
