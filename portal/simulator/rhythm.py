"""How much is traded when: growth, weekdays, hours of the day, moods. Pure."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import accumulate

from portal.simulator.businesses import BUSINESSES, Business
from portal.simulator.chance import of as chance_of

DAY = 86_400
SUNDAY = 6
#: From Monday to Saturday; Sunday is the business's own, and Saturday not far from it.
_WEEKDAYS = (1.03, 1.09, 1.1, 1.08, 1.02, 0.8)
#: What each hour of the day (UTC) is worth.
HOURS = (9, 8, 8, 7, 6, 6, 6, 8, 9, 9, 9, 10, 12, 15, 17, 17, 15, 13, 12, 11, 10, 10, 10, 9)
HOURS_CHOICE = tuple(accumulate(HOURS))
#: Fills a day of a business with a million dollars a month; they grow with the root of its volume.
_FILLS_A_DAY = 22.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Who trades on a day, for choosing by chance: each business, its dollars, its share of the fills."""

    rows: tuple[tuple[Business, float, float], ...]
    choice: tuple[float, ...]

    def mean_dollars(self, row: tuple[Business, float, float], *, fills_a_second: float) -> float:
        """The mean size of a fill, so that a day of them makes the day's volume."""
        _, dollars, share = row
        return dollars / DAY / (fills_a_second * share / self.choice[-1])


def dollars_on(business: Business, day: date, *, start: datetime, seed: int) -> float:
    """What a business trades on a day."""
    month = business.monthly_volume(_age(business, day, start))
    weekday = day.weekday()
    if weekday == SUNDAY:
        part = business.sunday
    else:
        part = min(_WEEKDAYS[weekday], business.sunday + 0.1) if weekday == SUNDAY - 1 else _WEEKDAYS[weekday]
    mood = chance_of(seed, "mood", business.code, day).lognormvariate(0, 0.16)
    return month / 30.4 * part * mood


def fills_on(business: Business, day: date, *, start: datetime, dollars: float) -> float:
    """How many fills make a day's dollars: twice the volume comes in 1.4 times as many fills."""
    month = business.monthly_volume(_age(business, day, start))
    return _FILLS_A_DAY * math.sqrt(month / 1e6) * dollars / (month / 30.4)


def pace_on(day: date, *, start: datetime, seed: int) -> Pace:
    found = [(business, dollars_on(business, day, start=start, seed=seed)) for business in BUSINESSES]
    rows = tuple((business, dollars, math.sqrt(dollars)) for business, dollars in found if dollars)
    return Pace(rows, tuple(accumulate(share for _, _, share in rows)))


def day_of(second: int) -> date:
    return datetime.fromtimestamp(second, UTC).date()


def _age(business: Business, day: date, start: datetime) -> float:
    return float((day - business.enrolled_at(start).date()).days)
