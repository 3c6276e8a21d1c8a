"""How often anybody may ask: enough for an auditor with a year of statements, too little for a search."""

from allauth.core.internal import ratelimit  # its public module only knows allauth's own actions
from django.http import HttpRequest

#: Counted by address in the cache that all processes share.
RATES = {"verify": "60/m/ip,600/h/ip"}


def is_too_often(request: HttpRequest) -> bool:
    """Count a question; whether it is one too many."""
    return not ratelimit.consume(request, app="verify", action="verify", config=RATES, limit_get=True)
