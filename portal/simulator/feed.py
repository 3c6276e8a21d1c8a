"""Sends the simulated market's records to the portal's API, or books them itself, from where it left off.

What has been booked is read from the books themselves, and the market makes the same fills again for
the same seconds: so nothing is kept here, and nothing is lost or counted twice by any interruption.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

from django.db.models import Max

from payouts.feed import intake
from payouts.feed.files import Source, received_lines
from payouts.feed.intake import Tally
from payouts.feed.lines import split
from payouts.feed.models import Fill, TotalByHour
from payouts.feed.outcomes import Received
from payouts.program import queries as program
from payouts.refusal import Refusal
from portal.simulator import mishaps
from portal.simulator.businesses import BUSINESSES, CODES
from portal.simulator.chance import of as chance_of
from portal.simulator.market import USUAL_BURSTS, Market
from portal.simulator.mishaps import USUAL, Lines, Mix
from portal.simulator.pushing import Door

#: A longer gap is filled as history, in fewer and larger fills; a shorter one second by second.
_LONGEST_LIVE_GAP = timedelta(minutes=10)
_LIVE_AFTER_HISTORY = timedelta(minutes=2)
#: Seconds in one batch when catching up: all or nothing, so a batch never ends in the middle of one.
_SECONDS_AT_ONCE = 120
#: What is odd in the live stream is so many times rarer in history, whose fills are larger and fewer.
_LESS_IN_HISTORY = 20


class NotSeeded(Refusal):
    """The demo's brokers are not in the program."""


class _Lines(Source):
    """Lines that need no file."""

    format = "ndjson"

    def __init__(self, name: str, chunks: Iterable[bytes]) -> None:
        super().__init__(name)
        self._chunks = chunks

    def __iter__(self) -> Iterator[Received]:
        return received_lines(split(self._chunks))


class Feed:
    """The feed of one market, with so much that is odd. With a door records are pushed through that, and
    without one, as when the past is seeded, they are booked here."""

    def __init__(self, market: Market, *, seed: int = 1, mix: Mix = USUAL, door: Door | None = None) -> None:
        self._market = market
        self._seed = seed
        self._mix = mix
        self._door = door
        #: Known while everything goes well; after a failure the books are asked again.
        self._booked: datetime | None = None

    def bring_up_to(
        self, now: datetime, *, tally: Tally, progress: Callable[[Tally], None] = lambda _: None
    ) -> None:
        """Book every fill since the last booked one, up to the last whole second before `now`."""
        known = self._door.booked_until if self._door else booked_until
        booked = self._booked or known(now) or self._market.start
        self._booked = None
        if now - booked > _LONGEST_LIVE_GAP:
            until = now - _LIVE_AFTER_HISTORY
            self._take_in("simulated history", self._history(booked, until), now, tally, progress)
            booked = until
        first, end = int(booked.timestamp()) + 1, int(now.timestamp())
        for start in range(first, end, _SECONDS_AT_ONCE):
            seconds = range(start, min(start + _SECONDS_AT_ONCE, end))
            lines = [line for second in seconds for line in self.second(second)]
            if lines:
                self._take_in("simulated exchange", [b"\n".join(lines)], now, tally, progress)
        self._booked = datetime.fromtimestamp(max(first, end) - 1, UTC)

    def second(self, second: int) -> Lines:
        """The lines of one second: its fills, and sometimes a late one or something odd."""
        fills = self._market.second(second)
        chance = chance_of(self._seed, "mishaps", second)
        if chance.random() < self._mix.late:
            late = self._market.late(second)
            fills += [late] if late else []
        return mishaps.mixed(fills, chance, self._mix)

    def _history(self, after: datetime, until: datetime) -> Iterator[bytes]:
        for day, fills in self._market.days(after=after, until=until):
            chance = chance_of(self._seed, "mishaps", day)
            lines = mishaps.mixed(fills, chance, self._mix.thinner(_LESS_IN_HISTORY))
            yield b"".join(line + b"\n" for line in lines)

    def _take_in(
        self,
        name: str,
        chunks: Iterable[bytes],
        now: datetime,
        tally: Tally,
        progress: Callable[[Tally], None],
    ) -> None:
        if self._door is not None:
            self._door.push(chunks, tally=tally)
            progress(tally)
            return
        intake.take_in(_Lines(name, chunks), clock=lambda: now, tally=tally, progress=progress)


def booked_until(now: datetime) -> datetime | None:
    """When the demo's brokers' latest fill was executed; None before the first one."""
    hours = TotalByHour.objects.filter(broker_code__in=CODES, hour__lte=now).order_by("-hour")
    hour = hours.values_list("hour", flat=True).first()
    if hour is None:
        return None
    # Within the hour: PostgreSQL then reads one partition, for the table has no index by time.
    in_hour = Fill.objects.filter(
        executed_at__gte=hour, executed_at__lt=hour + timedelta(hours=1), broker_code__in=CODES
    )
    latest: datetime | None = in_hour.aggregate(latest=Max("executed_at"))["latest"]
    return min(latest, now) if latest else hour


def start_of_the_program() -> datetime | None:
    """When the demo's first broker was enrolled: the market has gone on since then."""
    first = program.broker_with(BUSINESSES[0].code)
    if first is None or first.account_id != BUSINESSES[0].account_id:
        return None
    return first.enrolled_at.astimezone(UTC)


def market_since_then(*, fills_a_second: float, bursts: float = USUAL_BURSTS) -> Market:
    """The market of a seeded program. Refuses `NotSeeded`."""
    start = start_of_the_program()
    if start is None:
        raise NotSeeded("the demo's brokers are not enrolled here: run `manage.py seed_demo` first")
    return Market(start=start, fills_a_second=fills_a_second, bursts=bursts)
