"""The simulated exchange for what happened before the demo began: a clock that is set, and the same list."""

import base64
import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from payouts.exchange.http import HttpExchange
from payouts.exchange.signing import Signer
from portal.simulator.answering import AnsweringExchange
from portal.simulator.credit_faults import Faults


class Clock:
    """Goes on a little with each look at it, and can be set forward to any moment."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        with self._lock:
            self._at += timedelta(milliseconds=40)
            return self._at

    def set_to(self, at: datetime) -> None:
        """Never back: an exchange takes a question with an old date for one that it has answered."""
        with self._lock:
            self._at = max(self._at, at)


@dataclass(frozen=True, slots=True)
class Past:
    """The exchange as settlement asks it, the clock that both go by, and what goes wrong next."""

    exchange: HttpExchange
    clock: Clock
    faults: Faults


def credits_file() -> Path:
    """Where the demo's exchange keeps its list of credits."""
    return Path(settings.DATA_DIR) / "simulated_exchange" / "credits.ndjson"


@contextmanager
def past(*, begins: datetime, file: Path) -> Iterator[Past]:
    """A real exchange on a port of its own, and its client, until the block ends.

    `file` is the list of credits of the exchange that later runs with it. That it gives no answer
    is meant, and nothing to warn of.
    """
    signer = Signer(base64.b64encode(secrets.token_bytes(32)).decode())
    clock = Clock(begins)
    there = AnsweringExchange(verifying_key=signer.verifying_key, clock=clock, credits_file=file)
    client = logging.getLogger("payouts.exchange.http")
    before = client.level
    client.setLevel(logging.ERROR)
    there.start()
    try:
        yield Past(HttpExchange(url=there.url, signer=signer, clock=clock), clock, there.faults)
    finally:
        there.stop()
        client.setLevel(before)
