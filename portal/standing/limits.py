"""How often a login may write in appeals: every message is read by a person, every file is looked at."""

from allauth.core.internal import ratelimit  # its public module only knows allauth's own actions
from django.http import HttpRequest
from django.utils.translation import gettext as _

from payouts.refusal import Refusal

#: Counted by login in the cache that all processes share.
RATES = {"appeal": "10/h/user", "answer": "20/h/user,60/d/user", "withdraw": "10/h/user"}


class TooOften(Refusal):
    """The login has done it too often in a short time."""


def must_not_be_too_often(request: HttpRequest, action: str) -> None:
    """Count an act of the request's login. Refuses `TooOften`."""
    if not ratelimit.consume(request, app="standing", action=action, config=RATES, limit_get=True):
        raise TooOften(_("That was too often in a short time: nothing was sent; try again in an hour."))
