"""The exchange that the settings name."""

import threading
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from django.conf import settings

from payouts.exchange.http import HttpExchange
from payouts.exchange.port import Account, Credited, CreditRejected, Exchange, ExchangeUnavailable
from payouts.exchange.signing import Signer

#: Threads share one exchange: it alone knows which moments its questions bear already.
_one_at_a_time = threading.Lock()


class NotConfigured:
    """Stands where no exchange is set: every answer is that there is none."""

    def account(self, account_id: str) -> Account | None:
        raise _unavailable()

    def credit(
        self, *, key: str, account_id: str, amount: Decimal, reference: str
    ) -> Credited | CreditRejected:
        raise _unavailable()

    def credit_by_key(self, key: str) -> Credited | CreditRejected | None:
        raise _unavailable()

    def credits(self, *, since: datetime, until: datetime) -> list[Credited]:
        raise _unavailable()


def _unavailable() -> ExchangeUnavailable:
    return ExchangeUnavailable(
        "Backpack Exchange is not configured here, so nothing was decided: set EXCHANGE_URL and"
        " EXCHANGE_PRIVATE_KEY, or run the demo, which brings an exchange of its own."
    )


def exchange(*, clock: Callable[[], datetime]) -> Exchange:
    """The exchange of EXCHANGE_URL, or one that never answers. The door's `clock` dates the questions."""
    if not settings.EXCHANGE_URL or not settings.EXCHANGE_PRIVATE_KEY:
        return NotConfigured()
    with _one_at_a_time:
        return _at(settings.EXCHANGE_URL, settings.EXCHANGE_PRIVATE_KEY, clock)


@lru_cache(maxsize=4)
def _at(url: str, private_key: str, clock: Callable[[], datetime]) -> Exchange:
    return HttpExchange(url=url, signer=Signer(private_key), clock=clock)
