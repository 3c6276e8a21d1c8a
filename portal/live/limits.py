"""How often a page may ask for its figures by itself: some tabs of a login, every five seconds each."""

from allauth.core.internal import ratelimit  # its public module only knows allauth's own actions
from django.http import HttpRequest

#: Counted by login in the cache that all processes share.
RATES = {"figures": "120/m/user"}


def may_ask(request: HttpRequest) -> bool:
    """Count one more time; whether it was not too often."""
    return bool(ratelimit.consume(request, app="live", action="figures", config=RATES, limit_get=True))
