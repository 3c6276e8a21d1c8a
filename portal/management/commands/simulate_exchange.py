"""`manage.py simulate_exchange`: streams the demo's fills through the intake until it is stopped."""

import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone

from payouts.feed.intake import Tally
from payouts.management.engine_command import EngineCommand, WrongArgument
from portal.simulator import feed
from portal.simulator.feed import Feed
from portal.simulator.stream import Stream


class Command(EngineCommand):
    help = "Stream the fills of the demo's brokers, second by second. Ends on SIGTERM or Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rate", default=3.0, type=float, help="Fills a second; default 3.")
        parser.add_argument("--clean", action="store_true", help="Nothing late, broken or sent twice.")

    def handle(self, *args: Any, rate: float, clean: bool, **options: Any) -> None:
        if settings.IN_PRODUCTION:
            raise WrongArgument("invented fills do not belong into production: nothing was done")
        if not 0 < rate <= 500:
            raise WrongArgument("--rate must be above 0 and at most 500")
        stopped = threading.Event()
        for sent in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sent, lambda *_: stopped.set())
        tally = Tally()
        market = feed.market_since_then(fills_a_second=rate)
        Stream(Feed(market, clean=clean), clock=timezone.now, say=self.say, tally=tally).run(stopped)
        self.answer(tally.as_json())
