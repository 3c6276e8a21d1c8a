"""Preparing payouts: the first of the two people says that they are ready, and what exactly is."""

from collections.abc import Collection
from datetime import datetime

import pghistory
from django.db import transaction

from payouts.desk import payout_guards
from payouts.desk.payout_facts import PayoutFacts, facts_of
from payouts.desk.payout_guards import AlreadyApproved, named
from payouts.monthend import frozen
from payouts.monthend.models import Payout
from payouts.refusal import Refusal


class AlreadyPrepared(Refusal):
    """The payout waits for its second person."""


class NotPrepared(Refusal):
    """The payout is not prepared, or not any more: calculating it again takes a preparation back."""


@transaction.atomic
def prepare(*, payout_ids: Collection[int], note: str = "", by: int, now: datetime) -> list[Payout]:
    """Make calculated payouts ready for a second person, all or none; they are what is approved.

    Sets what is carried, adjusted and due, and the fingerprint of everything that is shown. Refuses
    `NoSuchPayout`, `AlreadyPrepared`, `AlreadyApproved`, `Parked`, `StillCalculating`, `EarlierMonthOpen`,
    `NotAcknowledged`, `BooksAreBreached`.
    """
    payouts = payout_guards.locked(payout_ids)
    for each in payouts:
        if each.state == Payout.State.PREPARED:
            raise AlreadyPrepared(f"{named(each)} is prepared already: leave it out.")
    payout_guards.must_be_calculated(payouts)
    facts = facts_of(payouts)
    payout_guards.must_be_in_order(payouts, facts)
    payout_guards.must_be_sound()
    with pghistory.context(reason=note or "prepared", by=by):
        for each in payouts:
            _prepare(each, facts[each.pk], by=by, now=now)
    return payouts


@transaction.atomic
def unprepare(*, payout_ids: Collection[int], by: int, now: datetime) -> list[Payout]:
    """Take preparations back, all or none. Refuses `NoSuchPayout`, `NotPrepared`, `AlreadyApproved`."""
    payouts = payout_guards.locked(payout_ids)
    for each in payouts:
        must_be_prepared(each)
    with pghistory.context(reason="preparation taken back", by=by, at=now.isoformat()):
        for each in payouts:
            each.state = Payout.State.CALCULATED
            each.prepared_by_id = each.prepared_at = None
            each.adjustments = each.carried = each.due = None
            each.input_digest = each.digest = ""
            each.save(update_fields=_FIELDS)
    return payouts


def must_be_prepared(payout: Payout) -> None:
    """Refuse `NotPrepared`, `AlreadyApproved`."""
    if payout.approved_at is not None:
        raise AlreadyApproved(f"{named(payout)} is approved already: nothing was changed.")
    if payout.state != Payout.State.PREPARED:
        raise NotPrepared(f"{named(payout)} is not prepared, or not any more: prepare it first.")


_FIELDS = ["state", "prepared_by", "prepared_at", "adjustments", "carried", "due", "input_digest", "digest"]


def _prepare(payout: Payout, facts: PayoutFacts, *, by: int, now: datetime) -> None:
    payout.state = Payout.State.PREPARED
    payout.prepared_by_id, payout.prepared_at = by, now
    payout.adjustments, payout.carried, payout.due = facts.adjustments, facts.carried, facts.due
    payout.input_digest = frozen.input_digest(payout.pk)
    payout.digest = facts.digest
    payout.save(update_fields=_FIELDS)
