"""How a broker reads the state of its payout, and the words of its statement."""

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from payouts.monthend.queries import BrokerMonth

register = template.Library()

#: What the staff do with a payout is theirs until it is approved.
_WORDS: dict[str, Promise] = {
    "": _("live"),
    "calculated": _("under review"),
    "prepared": _("under review"),
    "parked": _("being checked"),
    "approved": _("approved"),
    "sending": _("being credited"),
    "credited": _("credited"),
    "forfeited": _("forfeited"),
    "nil": _("nothing to pay"),
    "carried": _("carried forward"),
}
_SENTENCES: dict[str, Promise] = {
    "": _("The month goes on: every fill changes these figures."),
    "calculated": _("The month is over and calculated. We look at it before it is approved."),
    "prepared": _("The month is over and calculated. We look at it before it is approved."),
    "parked": _("Something about this month has to be cleared up before it is calculated."),
    "approved": _("It is approved and will be credited to the exchange account."),
    "sending": _("It is on its way to the exchange account."),
    "credited": _("It is credited to the exchange account."),
    "forfeited": _("It was forfeited and is not credited."),
    "nil": _("Nothing is due, so nothing is credited."),
    "carried": _("Nothing is credited: what is owed the other way is carried to the next statement."),
}
_BOUNDS: dict[str, Promise] = {
    "tier": _("tier"),
    "affiliate cap": _("affiliate cap"),
    "cap exhausted": _("cap exhausted"),
}
_KINDS: dict[str, Promise] = {
    "late volume": _("late volume"),
    "voided fills": _("voided fills"),
    "tier repricing": _("tier repricing"),
    "suspended days": _("suspended days"),
    "rounding": _("rounding"),
}
_MODES: dict[str, Promise] = {
    "in full": _("released in full"),
    "without suspended days": _("released without the suspended days"),
    "forfeited": _("forfeited"),
}
_MARKETS: dict[str, Promise] = {"spot": _("spot"), "futures": _("futures")}


@register.filter
def payout_state(of: BrokerMonth) -> Promise:
    """The state of a month's payout in a word."""
    return _WORDS[of.state if of.calculated_at else ""]


@register.filter
def state_word(state: str) -> Promise:
    """A payout's state in a word; "" is the month in progress."""
    return _WORDS[state]


@register.filter
def state_sentence(state: str) -> Promise:
    """What the state means, in a sentence."""
    return _SENTENCES[state]


@register.filter
def bound_word(bound_by: str) -> Promise:
    """What decided the rate of a line."""
    return _BOUNDS[bound_by]


@register.filter
def kind_word(kind: str) -> Promise:
    """The reason of a line of a correction."""
    return _KINDS[kind]


@register.filter
def market_word(market: str | None) -> Promise | str:
    return _MARKETS[market] if market else "–"


@register.filter
def mode_word(mode: str) -> Promise:
    """How a hold ended."""
    return _MODES[mode]
