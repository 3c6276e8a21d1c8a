"""Why a record waits, and what to do about it, in words: one entry for each reason of the feed's contract."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from payouts.feed.quarantine_models import QuarantineChange, QuarantinePlace


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason as pages show it."""

    title: Any
    #: What is wrong with such a record.
    means: Any
    #: What a person does next.
    next_step: Any
    #: Which act that begins with on this site: replay, ask or discard.
    first: str = "ask"


REASONS: dict[str, Reason] = {
    "malformed": Reason(
        _("cannot be read"),
        _("The record does not follow the contract: something is broken, missing or of the wrong kind."),
        _(
            "Ask the exchange to send it again, whole. It cannot be replayed. Discard it once the good record"
            " is here; where its key can be read, the good record closes it by itself."
        ),
    ),
    "missing_trade_id": Reason(
        _("no trade id"),
        _("Without a trade id nobody can tell whether the fill was counted already."),
        _("Ask the exchange for the record with its trade id. When that has come, discard this one."),
    ),
    "conflict": Reason(
        _("two contents, one key"),
        _("Another record with the same symbol, trade id and order id says something else, and came first."),
        _(
            "Ask the exchange which of the two is right. If it is the first, discard this one. If it is this"
            " one, two people void the first and adjust the difference; then discard this one."
        ),
    ),
    "unknown_market_type": Reason(
        _("unknown market type"),
        _("The terms do not say whether this market type counts as spot, as futures or not at all."),
        _(
            "A person decides what it counts as. It is added to the terms (payouts/program/terms.py: a new"
            " dated entry, none is ever edited). Then replay."
        ),
        "replay",
    ),
    "unknown_broker": Reason(
        _("unknown broker code"),
        _("No broker was ever enrolled with this code."),
        _(
            "Was the code issued? Then enrol its broker, and replay. If it was not, ask the exchange which"
            " code is meant."
        ),
        "replay",
    ),
    "unpriced_quote": Reason(
        _("quoted in no dollar"),
        _("The market is quoted in an asset that the terms do not count as dollars."),
        _(
            "A person decides whether the asset is a dollar. If so, it is added to the terms"
            " (payouts/program/terms.py: a new dated entry); then replay. If not, discard it."
        ),
        "replay",
    ),
    "unpriced_fee": Reason(
        _("fee in no dollar"),
        _("The fee was charged in an asset that the terms do not count as dollars."),
        _(
            "A person decides whether the asset is a dollar. If so, it is added to the terms"
            " (payouts/program/terms.py: a new dated entry); then replay. If not, ask the exchange for the"
            " fee in dollars."
        ),
        "replay",
    ),
    "fee_mismatch": Reason(
        _("fee does not fit"),
        _("The fee is not price × quantity × fee rate, by more than the exchange rounds."),
        _(
            "Ask the exchange for the right figures. The corrected record closes this one by itself when it"
            " comes with the same key."
        ),
    ),
    "before_enrolment": Reason(
        _("before the enrolment"),
        _("The fill was executed before its broker was enrolled."),
        _(
            "Compare the time with the broker's enrolment. If both are right, it does not count: discard it."
            " If the time is wrong, ask the exchange."
        ),
        "discard",
    ),
    "future_timestamp": Reason(
        _("from the future"),
        _("The time of execution was more than five minutes ahead of our clock when the record came."),
        _("Replay when that time has passed. If the exchange's clock is wrong, ask the exchange."),
        "replay",
    ),
}
#: No reason of the contract: shown as it is written.
_OTHER = Reason("", _("No rule of the contract has this name."), _("Ask the operators of the portal."))

#: State of a record → how its badge looks.
LOOKS: dict[str, str] = {
    QuarantinePlace.State.WAITING: "warn",
    QuarantinePlace.State.ACCEPTED: "on",
    QuarantinePlace.State.EXCLUDED: "",
    QuarantinePlace.State.DUPLICATE: "",
    QuarantinePlace.State.DISCARDED: "",
}


def reason(name: str) -> Reason:
    return REASONS.get(name) or Reason(name, _OTHER.means, _OTHER.next_step)


def title(name: str) -> str:
    """What a reason is called; those of excluded records by the contract's own word."""
    return str(reason(name).title) or name


def state(name: str) -> str:
    return str(QuarantinePlace.State(name).label)


def act(name: str) -> str:
    return str(QuarantineChange.Act(name).label)
