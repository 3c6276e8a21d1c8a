"""What staff do about a change of account: role, whose business it is, the exchange's answer, the desk."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from payouts.desk import account_change
from payouts.desk.models import AccountChange
from payouts.desk.wording import must_say
from payouts.exchange.port import Account, Exchange, ExchangeUnavailable
from payouts.refusal import Refusal
from portal.accounts.staff_roles import Act, may, must_be_allowed
from portal.staff import account_change_facts
from portal.staff.own import must_not_be_own
from portal.team.queries import mays_of
from portal.team.roles import May

#: Characters of what was done to be sure.
LONGEST_HOW = 500


class NoAnswer(Refusal):
    """The exchange could not be asked about the account."""


class AskerIsNoOwner(Refusal):
    """Whoever asked for the change could not ask for it now."""


def check(*, reference: UUID, how: str, by: Any, exchange: Exchange, clock: Callable[[], datetime]) -> None:
    """The first of the two: `how` is what they did to be sure that an owner wants it.

    Refuses `NotYourRole`, `OwnBroker`, `AskerIsNoOwner`, `NoAnswer`, `NotSaid` and what the desk refuses.
    """
    how = must_say(how, what="what you did to be sure", longest=LONGEST_HOW)
    account = _answer(_change(reference, by, Act.CHECK_ACCOUNT), exchange)
    with transaction.atomic():
        _change(reference, by, Act.CHECK_ACCOUNT)  # the answer may have taken long
        account_change.prepare(reference=reference, account=account, by=by.pk, now=clock(), how=how)


def confirm(
    *, reference: UUID, shown: str, by: Any, exchange: Exchange, clock: Callable[[], datetime]
) -> None:
    """The second of the two; `shown` is the digest of all that the page showed. From now on 72 hours run.

    Refuses `NotYourRole`, `OwnBroker`, `AskerIsNoOwner`, `NoAnswer`, `ChangedSinceShown` and what the desk
    refuses.
    """
    account = _answer(_change(reference, by, Act.CONFIRM_ACCOUNT), exchange)
    with transaction.atomic():
        change = _change(reference, by, Act.CONFIRM_ACCOUNT)
        of_change, _dot, of_people = shown.partition(".")
        if of_people != account_change_facts.digest(account_change_facts.people(change)):
            raise account_change.ChangedSinceShown(
                "Something has changed since this page was shown: look at it again."
            )
        account_change.confirm(reference=reference, shown=of_change, account=account, by=by.pk, now=clock())


@transaction.atomic
def refuse(*, reference: UUID, why: str, by: Any, now: datetime) -> None:
    """Stop a change that does not hold yet; owners read `why`.

    Refuses `NotYourRole`, `OwnBroker` and what the desk refuses.
    """
    if not may(by, Act.CONFIRM_ACCOUNT):
        must_be_allowed(by, Act.CHECK_ACCOUNT)
    must_not_be_own(by, AccountChange.objects.values_list("broker_id", flat=True).get(reference=reference))
    account_change.refuse(reference=reference, why=why, by=by.pk, now=now)


def shown(change: AccountChange) -> str:
    """The digest of all that the page of the confirmation shows: the change, and its people."""
    of_people = account_change_facts.digest(account_change_facts.people(change))
    return f"{account_change.shown(change.reference)}.{of_people}"


def _change(reference: UUID, by: Any, act: Act) -> AccountChange:
    """The change, once the login may act on it and whoever asked for it still could."""
    must_be_allowed(by, act)
    change = AccountChange.objects.select_related("asked_by").get(reference=reference)
    must_not_be_own(by, change.broker_id)
    if May.CHANGE_ACCOUNT not in mays_of(change.asked_by_id, change.broker_id):
        raise AskerIsNoOwner("Whoever asked for it is no owner of the broker any more: refuse the change.")
    return change


def _answer(change: AccountChange, exchange: Exchange) -> Account | None:
    """What the exchange says now, outside any transaction."""
    try:
        return exchange.account(change.new_account_id)
    except ExchangeUnavailable:
        raise NoAnswer(
            "Backpack Exchange does not answer at the moment: nothing was done; try again later."
        ) from None
