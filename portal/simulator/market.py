"""The simulated market: any stretch of the past, or one second of the present, always the same for the
same seed. Pure: no clock, no settings, no database."""

import math
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from portal.simulator import fills, rhythm
from portal.simulator.businesses import BUSINESSES, Business
from portal.simulator.chance import of as chance_of
from portal.simulator.fills import HISTORY, LIVE, Fill
from portal.simulator.rhythm import DAY, HOURS, HOURS_CHOICE, Pace
from portal.simulator.traders import Crowd, crowd

_SIZE_SPREAD = 1.1
#: In this share of seconds one business sends so many fills at once.
USUAL_BURSTS, _BURST = 0.015, (8, 30)
#: A late fill comes so many seconds after it was executed, at least and at most.
_LATE = (120, 7_200)


class Market:
    """The market from `start` on. `size` scales the number of fills of the past, never their volume."""

    def __init__(
        self,
        *,
        start: datetime,
        seed: int = 1,
        size: float = 1.0,
        fills_a_second: float = 3.0,
        bursts: float = USUAL_BURSTS,
    ) -> None:
        self.start = start
        self._seed = seed
        self._size = size
        self._fills_a_second = fills_a_second
        self._bursts = bursts
        self._crowds: dict[int, Crowd] = {
            business.code: crowd(business, start=start, seed=seed) for business in BUSINESSES
        }
        self._paces: dict[date, Pace] = {}

    def days(self, *, after: datetime, until: datetime) -> Iterator[tuple[date, list[Fill]]]:
        """The fills executed after one instant and up to another: each day's, in order of time."""
        first, last = after.timestamp() * 1000, until.timestamp() * 1000
        day = max(after, self.start).astimezone(UTC).date()
        while day <= until.astimezone(UTC).date():
            found: list[tuple[int, Fill]] = []
            for business in BUSINESSES:
                found += [pair for pair in self._day(business, day) if first < pair[0] <= last]
            found.sort(key=lambda pair: pair[0])
            yield day, [each for _, each in found]
            day += timedelta(days=1)

    def second(self, second: int) -> list[Fill]:
        """The fills of one second, counted since 1970: a few, now and then a burst of one business."""
        chance = chance_of(self._seed, "second", second)
        pace = self._pace(rhythm.day_of(second))
        if not pace.rows:
            return []
        season = HOURS[second % DAY // 3_600] * 24 / sum(HOURS)
        count = _poisson(chance, self._fills_a_second * season)
        chosen = chance.choices(pace.rows, cum_weights=pace.choice, k=count)
        if chance.random() < self._bursts:
            chosen += chance.choices(pace.rows, cum_weights=pace.choice) * chance.randrange(*_BURST)
        times = sorted(chance.sample(range(1000), k=min(len(chosen), 1000)))
        return [
            self._fill(
                chance,
                row[0],
                second * 1000 + at,
                pace.mean_dollars(row, fills_a_second=self._fills_a_second + self._bursts * sum(_BURST) / 2)
                * chance.lognormvariate(-(_SIZE_SPREAD**2) / 2, _SIZE_SPREAD),
                LIVE,
            )
            for row, at in zip(chosen, times, strict=False)
        ]

    def late(self, second: int) -> Fill | None:
        """A fill that was executed up to two hours before this second, in its month, and comes only now."""
        earlier = second - chance_of(self._seed, "late", second).randrange(*_LATE)
        this_month = rhythm.day_of(earlier).month == rhythm.day_of(second).month
        found = self.second(earlier) if this_month else []
        return fills.late(found[0]) if found else None

    def _day(self, business: Business, day: date) -> list[tuple[int, Fill]]:
        chance = chance_of(self._seed, business.code, day)
        dollars = rhythm.dollars_on(business, day, start=self.start, seed=self._seed)
        if not dollars:
            return []
        wanted = rhythm.fills_on(business, day, start=self.start, dollars=dollars) * self._size
        hours = chance.choices(range(24), cum_weights=HOURS_CHOICE, k=max(1, int(wanted + chance.random())))
        midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
        times = sorted({midnight + hour * 3_600_000 + chance.randrange(3_600_000) for hour in hours})
        parts = [chance.lognormvariate(0, _SIZE_SPREAD) for _ in times]
        scale = dollars / sum(parts)  # whatever the number of fills, they make the day's volume
        enrolled = business.enrolled_at(self.start).timestamp() * 1000
        made = [
            (at, self._fill(chance, business, at, part * scale, HISTORY))
            for at, part in zip(times, parts, strict=True)
        ]
        return [pair for pair in made if pair[0] >= enrolled]

    def _fill(self, chance: random.Random, business: Business, at: int, dollars: float, lanes: int) -> Fill:
        group = self._crowds[business.code]
        return fills.fill(chance, business, group, at=at, dollars=dollars, lanes=lanes, seed=self._seed)

    def _pace(self, day: date) -> Pace:
        if day not in self._paces:
            self._paces = {day: rhythm.pace_on(day, start=self.start, seed=self._seed)}
        return self._paces[day]


def _poisson(chance: random.Random, mean: float) -> int:
    limit, product, count = math.exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count
