"""How often the exchange is asked about accounts that owners name: each answer tells something about one."""

from allauth.core.internal import ratelimit  # its public module only knows allauth's own actions
from django.http import HttpRequest
from django.utils.translation import gettext as _

from payouts.refusal import Refusal

#: Counted by login, and by broker for all its owners together, in the cache that all processes share. A
#: broker changes its account once in years; nobody finds out about accounts of others with so few questions.
RATES = {"ask": "5/h/user,10/d/user,15/d/key"}


class TooOften(Refusal):
    """The login, or the broker, has named too many accounts in a short time."""


def must_not_be_too_often(request: HttpRequest, action: str, *, broker_code: int) -> None:
    """Count an act of the request's login for a broker. Refuses `TooOften`."""
    counted = ratelimit.consume(
        request, app="exchange_account", action=action, config=RATES, key=str(broker_code), limit_get=True
    )
    if not counted:
        raise TooOften(
            _("Too many accounts were named in a short time: nothing was asked; try again tomorrow.")
        )
