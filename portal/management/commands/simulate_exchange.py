"""`manage.py simulate_exchange`: a small exchange: streams fills, answers, takes credits."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone

from payouts.exchange.signing import Signer
from payouts.feed.intake import Tally
from payouts.management.engine_command import EngineCommand, WrongArgument
from portal.simulator import feed
from portal.simulator.answering import AnsweringExchange
from portal.simulator.feed import Feed
from portal.simulator.past import credits_file
from portal.simulator.stream import Stream


class Command(EngineCommand):
    help = (
        "Stream the fills of the demo's brokers, second by second, and with --port answer about accounts and"
        " take credits, whose list it keeps in DATA_DIR. Ends on SIGTERM or Ctrl-C."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rate", default=3.0, type=float, help="Fills a second; default 3.")
        parser.add_argument("--clean", action="store_true", help="Nothing late, broken or sent twice.")
        parser.add_argument(
            "--port",
            type=int,
            help="Answer questions that are signed with EXCHANGE_PRIVATE_KEY on this port of 127.0.0.1.",
        )

    def handle(self, *args: Any, rate: float, clean: bool, port: int | None, **options: Any) -> None:
        if settings.IN_PRODUCTION:
            raise WrongArgument("invented fills do not belong into production: nothing was done")
        if not 0 < rate <= 500:
            raise WrongArgument("--rate must be above 0 and at most 500")
        if port is not None and not 0 < port < 65_536:
            raise WrongArgument("--port must be a port number from 1 to 65535")
        if port is not None and not settings.EXCHANGE_PRIVATE_KEY:
            raise WrongArgument(
                "--port needs EXCHANGE_URL and EXCHANGE_PRIVATE_KEY, by which the portal asks"
            )
        stopped = threading.Event()
        for sent in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sent, lambda *_: stopped.set())
        tally = Tally()
        market = feed.market_since_then(fills_a_second=rate)
        with _answering(port):
            Stream(Feed(market, clean=clean), clock=timezone.now, say=self.say, tally=tally).run(stopped)
        self.answer(tally.as_json())


@contextmanager
def _answering(port: int | None) -> Iterator[None]:
    """Questions are answered on the port inside the block; on none, none are."""
    if port is None:
        yield
        return
    key = Signer(settings.EXCHANGE_PRIVATE_KEY).verifying_key
    exchange = AnsweringExchange(
        verifying_key=key,
        clock=timezone.now,
        port=port,
        credits_file=credits_file(),
    )
    try:
        exchange.start()
    except OSError:
        raise WrongArgument(f"port {port} is taken by another program: choose another one") from None
    try:
        yield
    finally:
        exchange.stop()
