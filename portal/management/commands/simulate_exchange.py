"""`manage.py simulate_exchange`: a small exchange: streams fills, answers, takes credits."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone

from payouts.exchange.signing import Signer
from payouts.feed.intake import Tally
from payouts.management.engine_command import EngineCommand, WrongArgument
from portal.simulator import feed
from portal.simulator.answering import AnsweringExchange
from portal.simulator.feed import Feed
from portal.simulator.market import USUAL_BURSTS
from portal.simulator.mishaps import CLEAN, USUAL
from portal.simulator.past import credits_file
from portal.simulator.pushing import Door
from portal.simulator.stream import Stream


class Command(EngineCommand):
    help = (
        "Stream the fills of the demo's brokers, second by second, and with --port answer about accounts and"
        " take credits, whose list it keeps in DATA_DIR. With --push-to they are pushed through the API with"
        " the token in FEED_TOKEN, otherwise booked directly. Ends on SIGTERM or Ctrl-C."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rate", default=3.0, type=float, help="Fills a second; default 3.")
        parser.add_argument("--clean", action="store_true", help="Nothing late, broken or sent twice.")
        for name, usual, of in (
            ("duplicates", USUAL.duplicates, "fills that are sent twice"),
            ("broken", USUAL.broken, "fills with a record beside them that nobody can count"),
            ("late", USUAL.late, "seconds with a fill that comes late"),
            ("bursts", USUAL_BURSTS, "seconds in which one business sends many fills at once"),
        ):
            parser.add_argument(
                f"--{name}",
                default=usual,
                type=float,
                metavar="SHARE",
                help=f"Share of {of}, from 0 to 1; default %(default)s.",
            )
        parser.add_argument(
            "--push-to", metavar="URL", help="Where the portal answers: http://localhost:8000"
        )
        parser.add_argument(
            "--port",
            type=int,
            help="Answer questions that are signed with EXCHANGE_PRIVATE_KEY on this port of 127.0.0.1.",
        )

    def handle(
        self, *args: Any, rate: float, clean: bool, port: int | None, push_to: str | None, **options: Any
    ) -> None:
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
        shares = {name: options[name] for name in ("duplicates", "broken", "late", "bursts")}
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise WrongArgument(f"--{name} must be from 0 to 1")
        stopped = threading.Event()
        door = _door(push_to, stopped, self.say)
        for sent in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sent, lambda *_: stopped.set())
        tally = Tally()
        bursts = shares.pop("bursts")
        mix = CLEAN if clean else replace(USUAL, **shares)
        market = feed.market_since_then(fills_a_second=rate, bursts=bursts)
        with _answering(port):
            Stream(Feed(market, mix=mix, door=door), clock=timezone.now, say=self.say, tally=tally).run(
                stopped
            )
        self.answer(tally.as_json())


def _door(address: str | None, stopped: threading.Event, say: Callable[[str], None]) -> Door | None:
    """The portal's API as the exchange reaches it; none without an address."""
    if address is None:
        return None
    if urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).netloc:
        raise WrongArgument("--push-to must be an address like http://localhost:8000")
    token = os.environ.get("FEED_TOKEN", "")
    if not token:
        raise WrongArgument(
            "--push-to needs FEED_TOKEN: make one with `manage.py make_service_token --scope fills:write`"
        )
    return Door(address, token, stopped, say)


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
