"""An owner asks for another account, or stops a change: the role as it is now, then one act of the desk."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from payouts.desk import account_change
from payouts.exchange.port import Exchange, ExchangeUnavailable
from payouts.refusal import Refusal
from portal.accounts import factors
from portal.team import guards
from portal.team.queries import mays_of
from portal.team.roles import May


class NotYours(Refusal):
    """The login's role in the team, as it stands now, does not include it."""


class FactorIsNew(Refusal):
    """The login's second factor, or its recovery codes, changed a moment ago: anybody may be behind it."""


class NoAnswer(Refusal):
    """The exchange could not be asked about the account."""


def ask(
    *,
    broker_code: int,
    account_id: str,
    by: Any,
    address: str,
    exchange: Exchange,
    clock: Callable[[], datetime],
) -> None:
    """Ask the exchange about the account, outside any transaction; then write down that it is asked for.

    Refuses `NotYours`, `FactorIsNew`, `NoAnswer` and what the desk refuses.
    """
    _must_be_allowed(by, broker_code)
    if not factors.is_settled(by, now=clock()):
        raise FactorIsNew(
            _("Your second factor or recovery codes changed within 24 hours: ask again once those are over.")
        )
    try:
        # First, whoever's account it is: who waits for the refusal learns nothing from how long it takes.
        account = exchange.account(account_id)
    except ExchangeUnavailable:
        raise NoAnswer(
            _("Backpack Exchange does not answer at the moment, so nothing was asked for: try again later.")
        ) from None
    with transaction.atomic():
        # Or an owner who could stop it might be removed in the same moment.
        guards.one_at_a_time(broker_code)
        _must_be_allowed(by, broker_code)  # the answer may have taken long
        account_change.ask(
            broker_code=broker_code,
            new_account_id=account_id,
            account=account,
            by=by.pk,
            address=address or None,
            now=clock(),
        )


@transaction.atomic
def cancel(*, broker_code: int, reference: UUID, why: str, by: Any, now: datetime) -> None:
    """Stop a change of this broker's account. Refuses `NotYours` and what the desk refuses."""
    _must_be_allowed(by, broker_code)
    account_change.cancel(reference=reference, by=by.pk, why=why, now=now)


def _must_be_allowed(by: Any, broker_code: int) -> None:
    if May.CHANGE_ACCOUNT not in mays_of(by.pk, broker_code):
        raise NotYours(_("Your role does not include this now: ask an owner of the broker."))
