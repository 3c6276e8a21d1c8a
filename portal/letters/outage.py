"""Remembers for all processes that the mail server is away, so that they do not all wait for it."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.core.cache import cache

_KEY = "letters.mail_server_is_away"
_KEPT_SECONDS = 3_600
_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 30, 60))
#: While one process tries whether it is back, the others leave it alone.
_PROBE = timedelta(seconds=30)


class _Away(NamedTuple):
    times: int
    until: datetime


def may_try(*, now: datetime) -> bool:
    """Whether to try the mail server now. Losing this memory is harmless: then it is tried once more."""
    away: _Away | None = cache.get(_KEY)
    if away is None:
        return True
    if now < away.until:
        return False
    cache.set(_KEY, _Away(away.times, now + _PROBE), _KEPT_SECONDS)
    return True


def begins(*, now: datetime) -> timedelta:
    """The mail server did not answer: leave it alone for a while, longer with each time. How long."""
    away: _Away | None = cache.get(_KEY)
    times = away.times + 1 if away else 1
    pause = _PAUSES[min(times, len(_PAUSES)) - 1]
    cache.set(_KEY, _Away(times, now + pause), _KEPT_SECONDS)
    return pause


def is_over() -> None:
    """The mail server has taken a letter."""
    cache.delete(_KEY)
