"""A simulated exchange for a test: real HTTP on a port of its own, with accounts and outages as told.

    def test_something(exchange: AnsweringExchange) -> None:      # settings point at it
        exchange.accounts.tell("BP-7", is_affiliate=True)
        exchange.outage = Outage.SLOW
        with exchange.away(): ...                                 # nothing listens
        exchange.asked == ["BP-7"]

For another process pass `environment(exchange)`. A test of pages that asks about `BP-900001` to
`BP-909999` finds business accounts without telling it anything; see `portal.simulator.accounts`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.utils import timezone

from payouts.exchange.signing import Signer
from portal.simulator.answering import AnsweringExchange

#: 32 bytes that every test may know.
PRIVATE_KEY = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="


@contextmanager
def answering(**options: Any) -> Iterator[AnsweringExchange]:
    """An exchange that lets the key of the tests in, until the block ends."""
    made = AnsweringExchange(
        verifying_key=Signer(PRIVATE_KEY).verifying_key, **({"clock": timezone.now} | options)
    )
    made.start()
    try:
        yield made
    finally:
        made.stop()


def environment(exchange: AnsweringExchange) -> dict[str, str]:
    """What a process needs to ask it."""
    return {"EXCHANGE_URL": exchange.url, "EXCHANGE_PRIVATE_KEY": PRIVATE_KEY}


@pytest.fixture
def exchange(settings: Any) -> Iterator[AnsweringExchange]:
    """An exchange of the test's own, at which the settings point."""
    with answering() as made:
        settings.EXCHANGE_URL, settings.EXCHANGE_PRIVATE_KEY = made.url, PRIVATE_KEY
        yield made
