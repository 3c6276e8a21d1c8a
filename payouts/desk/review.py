"""Acknowledging bounds: somebody has looked at what is unusual about a payout and says why it is in order."""

from datetime import datetime

from django.db import IntegrityError, transaction

from payouts.desk.payout_guards import AlreadyApproved, NoSuchPayout
from payouts.desk.wording import must_say
from payouts.monthend.models import BoundAcknowledgement, Payout, PayoutBound
from payouts.refusal import Refusal


class BoundIsGone(Refusal):
    """The payout does not break this bound any more, or breaks it by another value."""


class AlreadyAcknowledged(Refusal):
    """Somebody has acknowledged this value of the bound."""


@transaction.atomic
def acknowledge(
    *, payout_id: int, name: str, value: str, note: str, by: int, now: datetime
) -> BoundAcknowledgement:
    """Say why a payout is in order although it breaks a bound.

    `value` is what the page showed: of another value it says nothing. Refuses `NoSuchPayout`,
    `AlreadyApproved`, `BoundIsGone`, `AlreadyAcknowledged`, `NotSaid`.
    """
    note = must_say(note, what="why it is in order")
    payout = Payout.objects.select_for_update(no_key=True).filter(pk=payout_id).first()
    if payout is None:
        raise NoSuchPayout("There is no such payout: choose one from the list.")
    if payout.approved_at is not None:
        raise AlreadyApproved("This payout is approved: nothing about it is left to acknowledge.")
    if not PayoutBound.objects.filter(payout=payout, name=name, value=value).exists():
        raise BoundIsGone("This is not what was found any more: read the payout again and decide then.")
    try:
        with transaction.atomic():
            return BoundAcknowledgement.objects.create(
                payout=payout, name=name, value=value, note=note, by_id=by, at=now
            )
    except IntegrityError as problem:
        if "a_bound_is_acknowledged_once" not in str(problem):
            raise
        raise AlreadyAcknowledged("Somebody has acknowledged this already: nothing is left to do.") from None
