"""A person sends a payout once more, with a new key: only after proof that nothing moved before."""

from datetime import datetime

import pghistory
from django.db import transaction

from payouts.desk.models import AccountChange
from payouts.monthend.models import Payout
from payouts.refusal import Refusal
from payouts.settlement import allowed, sending
from payouts.settlement.models import Attempt


class NoSuchPayout(Refusal):
    """There is no such payout."""


class NotToBeRetried(Refusal):
    """The payout waits for no retry: it is sent by itself, is on its way, or is past sending."""


class OutcomeUnknown(Refusal):
    """An attempt is under way, and nobody knows yet what became of it."""


class NotAllowed(Refusal):
    """Nothing may be sent for the payout now."""


class AccountNotDulyChanged(Refusal):
    """The broker's account is another one, and no change of account explains it."""


@transaction.atomic
def retry(*, payout_id: int, by: int, now: datetime) -> Attempt:
    """Make the next attempt, with a key of its own; the sweep sends it within seconds.

    For a payout whose every attempt was rejected, and for one whose broker has another account since it was
    approved. It pays the account that the broker has now. `by` stands in the history. Refuses `NoSuchPayout`,
    `OutcomeUnknown`, `NotToBeRetried`, `NotAllowed`, `AccountNotDulyChanged`.
    """
    known = Payout.objects.filter(pk=payout_id).first()
    if known is None:
        raise NoSuchPayout("There is no such payout: choose one from the list.")
    allowed.settle_standing(known.broker_id)
    payout = Payout.objects.select_for_update(of=("self",)).get(pk=payout_id)
    if Attempt.objects.filter(payout=payout, state__in=["pending", "sending", "unknown"]).exists():
        raise OutcomeUnknown(
            "An attempt is under way and nobody knows yet what became of it: wait until the exchange has"
            " answered, or let two people resolve it."
        )
    found = allowed.facts(payout_id, at=now)
    account_id = found.present_account_id
    is_changed = account_id != payout.account_id
    if payout.state != Payout.State.APPROVED or (allowed.is_first(payout_id) and not is_changed):
        raise NotToBeRetried("This payout waits for no retry: open it again.")
    if why := allowed.why_not(found, account_id=account_id):
        raise NotAllowed(why)
    if is_changed and not _is_duly_changed(payout.broker_id, account_id):
        raise AccountNotDulyChanged(
            "The broker's account is another one, but no change of account has taken effect: ask for one."
        )
    with pghistory.context(reason="sent once more by a person", login=by):
        return sending.make(found, account_id=account_id, ready_until=now, now=now)


def _is_duly_changed(broker_code: int, account_id: str) -> bool:
    """As the trigger on attempts has it."""
    return AccountChange.objects.filter(
        broker=broker_code, state=AccountChange.State.APPLIED, new_account_id=account_id
    ).exists()
