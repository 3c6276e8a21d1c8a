"""How a broker reads the state of its payout."""

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from payouts.monthend.queries import BrokerMonth

register = template.Library()

#: What the staff do with a payout is theirs until it is approved.
_WORDS: dict[str, Promise] = {
    "": _("in progress"),
    "calculated": _("draft"),
    "prepared": _("draft"),
    "parked": _("being checked"),
    "approved": _("approved"),
    "sending": _("being credited"),
    "credited": _("credited"),
    "forfeited": _("forfeited"),
    "nil": _("nothing to pay"),
    "carried": _("carried forward"),
}


@register.filter
def payout_state(of: BrokerMonth) -> Promise:
    """The state of a month's payout in a word."""
    return _WORDS[of.state if of.calculated_at else ""]
