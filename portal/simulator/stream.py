"""Streams the simulated exchange's records, second by second, until it is told to stop."""

import threading
import time
from collections.abc import Callable
from datetime import datetime

from django.db import InterfaceError, OperationalError, connection

from payouts.feed.intake import Tally
from portal.simulator.feed import Feed
from portal.simulator.pushing import Stopped

#: A long outage is spoken of again every so many seconds.
_SECONDS_BETWEEN_WORDS = 30.0


class Stream:
    """Brings the books up to the present once a second; waits for a database that is away."""

    def __init__(
        self, feed: Feed, *, clock: Callable[[], datetime], say: Callable[[str], None], tally: Tally
    ) -> None:
        self._feed = feed
        self._clock = clock
        self._say = say
        self._tally = tally
        self._away_since: float | None = None
        self._spoke_at = 0.0

    def run(self, stopped: threading.Event) -> None:
        while not stopped.is_set():
            self.tick()
            stopped.wait(1 - self._clock().microsecond / 1_000_000)

    def tick(self) -> bool:
        """One round; whether the database took it. What it did not take comes again with the next."""
        try:
            self._feed.bring_up_to(self._clock(), tally=self._tally)
        except Stopped:
            return False
        except (OperationalError, InterfaceError) as problem:
            connection.close()
            self._is_away(problem)
            return False
        if self._away_since is not None:
            away = time.monotonic() - self._away_since
            self._say(f"The database is back after {away:.0f} s; every fill since then is booked.")
            self._away_since = None
        return True

    def _is_away(self, problem: Exception) -> None:
        now = time.monotonic()
        if self._away_since is None:
            self._away_since = now
        elif now - self._spoke_at < _SECONDS_BETWEEN_WORDS:
            return
        self._spoke_at = now
        reason = (str(problem).strip().splitlines() or ["no reason given"])[0]
        self._say(f"The database is away, trying again every second: {reason}")
