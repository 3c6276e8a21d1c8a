"""A simulated exchange for a test: real HTTP on a port of its own, with accounts and outages as told.

    def test_something(exchange: AnsweringExchange) -> None:      # settings point at it
        exchange.accounts.tell("BP-7", is_affiliate=True)
        exchange.outage = Outage.SLOW
        with exchange.away(): ...                                 # nothing listens
        exchange.asked == ["BP-7"]

Credits: `exchange.credits.listed()` is its own list, `exchange.faults.will(Fault.TIMES_OUT_AFTER)` has the
next one go wrong, `exchange.accounts.all_exist = True` takes the accounts of `make.broker` for real ones,
`exchange.credit_door.at_rest()` waits for what is still going on. `asking(exchange)` is its client.

For another process pass `environment(exchange)`. A test of pages that asks about `BP-900001` to
`BP-909999` finds business accounts without telling it anything; see `portal.simulator.accounts`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.utils import timezone

from payouts.exchange.http import HttpExchange
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


_ticks = count()


def asking(there: AnsweringExchange, **options: Any) -> HttpExchange:
    """The real client of an exchange, with little patience: what times out does so in half a second.

    Its clock is that of the exchange and some milliseconds: two clients of one frozen moment would sign
    alike, and the second question look like a replay of the first.
    """
    given = {
        "clock": lambda: there.clock() + timedelta(milliseconds=next(_ticks) % 4_000),
        "signer": Signer(PRIVATE_KEY),
        "deadline": 0.6,
        "read_timeout": 0.4,
    }
    return HttpExchange(url=there.url, **(given | options))
