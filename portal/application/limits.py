"""How often a login may do what costs us, or would tell a stranger about accounts of others."""

from allauth.core.internal import ratelimit  # its public module only knows allauth's own actions
from django.http import HttpRequest
from django.utils.translation import gettext as _

from payouts.refusal import Refusal

#: Counted by login in the cache that all processes share.
RATES = {
    "start": "10/h/user",
    # Few enough that nobody finds out about accounts of others by trying.
    "ask": "10/h/user,30/d/user",
    "upload": "40/h/user",
    "submit": "10/h/user",
    "answer": "10/h/user",
    "withdraw": "10/h/user",
}


class TooOften(Refusal):
    """The login has done it too often in a short time."""


def must_not_be_too_often(request: HttpRequest, action: str) -> None:
    """Count an act of the request's login. Refuses `TooOften`."""
    if not ratelimit.consume(request, app="application", action=action, config=RATES, limit_get=True):
        raise TooOften(_("That was too often in a short time: nothing was done; try again in an hour."))
