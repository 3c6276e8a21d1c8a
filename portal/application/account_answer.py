"""What the exchange said of an account, as the application keeps it and as the applicant reads it."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from payouts.exchange.eligibility import (
    IsAnAffiliate,
    NoSuchAccount,
    NotABusinessAccount,
    must_be_eligible,
)
from payouts.exchange.port import Account, Exchange, ExchangeUnavailable
from payouts.refusal import Refusal
from portal.application.models import Application, ExchangeAnswer

#: Answers with which an application cannot be submitted.
REFUSED = (ExchangeAnswer.MISSING, ExchangeAnswer.NOT_BUSINESS, ExchangeAnswer.AFFILIATE)
#: An account as it would look for each answer, to hear the program's own sentence about it.
_EXAMPLES = {
    ExchangeAnswer.MISSING: None,
    ExchangeAnswer.NOT_BUSINESS: Account("", is_business=False, is_affiliate=False),
    ExchangeAnswer.AFFILIATE: Account("", is_business=True, is_affiliate=True),
}


def ask(exchange: Exchange, account_id: str) -> ExchangeAnswer:
    """Ask the exchange about an account, outside any transaction. An outage is `UNANSWERED`."""
    try:
        return meaning(exchange.account(account_id))
    except ExchangeUnavailable:
        return ExchangeAnswer.UNANSWERED


def meaning(account: Account | None) -> ExchangeAnswer:
    """The exchange's answer by the program's rules."""
    try:
        must_be_eligible(account)
    except NoSuchAccount:
        return ExchangeAnswer.MISSING
    except IsAnAffiliate:
        return ExchangeAnswer.AFFILIATE
    except NotABusinessAccount:
        return ExchangeAnswer.NOT_BUSINESS
    return ExchangeAnswer.BUSINESS


def sentence(answer: str, *, is_draft: bool = True) -> str:
    """What an answer means for the applicant, in the program's own words where it refuses."""
    if answer in REFUSED:
        try:
            must_be_eligible(_EXAMPLES[ExchangeAnswer(answer)])
        except Refusal as refusal:
            return str(refusal)
    if answer == ExchangeAnswer.BUSINESS:
        return _("Backpack Exchange confirms it: this is a business account outside the Affiliate Program.")
    if not is_draft:
        return _(
            "Backpack Exchange has not answered about this account yet; we ask again by ourselves. That alone"
            " decides nothing."
        )
    return _(
        "Backpack Exchange does not answer at the moment; your application is saved, we ask again by"
        " ourselves; you can go on."
    )


def is_refused(answer: str) -> bool:
    return answer in REFUSED


def put(application: Application, answer: str, *, now: datetime) -> None:
    """Write what was heard of the account onto an application that the caller saves.

    An outage changes no answer there is; it makes us ask again by ourselves.
    """
    if answer == ExchangeAnswer.UNANSWERED:
        application.exchange_due_at = now
        return
    application.exchange_answer = answer
    application.exchange_answered_at = now
    application.exchange_due_at = None


def forget(application: Application, *, now: datetime) -> None:
    """Another account was named: what was said of the one before does not hold, and we ask about this one."""
    application.exchange_answer = ExchangeAnswer.UNANSWERED
    application.exchange_answered_at = None
    application.exchange_due_at = now if application.account_id else None


def is_to_be_asked(application: Any, account_id: str, *, fresh_since: datetime) -> bool:
    """Whether the exchange must be asked about an account: unless it confirmed just this one lately."""
    if not account_id:
        return False
    confirmed = application.exchange_answer == ExchangeAnswer.BUSINESS and application.exchange_answered_at
    return not (
        confirmed and application.account_id == account_id and application.exchange_answered_at >= fresh_since
    )
