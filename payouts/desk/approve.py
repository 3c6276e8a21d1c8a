"""Approving payouts: a second person approves just what was shown, and it is booked, or nothing happens."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime

import pghistory
from django.db import transaction

from payouts.desk import payout_guards
from payouts.desk.money_models import PayoutAdjustment
from payouts.desk.payout_facts import PayoutFacts, digest_of, facts_of
from payouts.desk.payout_guards import NoSuchPayout, named
from payouts.desk.prepare import must_be_prepared
from payouts.ledger import actions as ledger
from payouts.ledger import entries
from payouts.ledger.entries import Kind, Posting
from payouts.money import ZERO
from payouts.month import Month
from payouts.monthend import work
from payouts.monthend.models import Payout
from payouts.refusal import Refusal
from payouts.statements import actions as statements
from payouts.statements.document import Adjusted


class OwnPreparation(Refusal):
    """Who prepared a payout does not approve it."""


class Changed(Refusal):
    """What would be approved is not what was shown, or not what was prepared."""


def shown(payout_ids: Collection[int]) -> str:
    """What a page shows of payouts at this moment, as one fingerprint. Refuses `NoSuchPayout`.

    Computed from what is true now, not from what was written down when they were prepared.
    """
    wanted = set(payout_ids)
    payouts = list(Payout.objects.filter(pk__in=wanted).select_related("run", "broker").order_by("pk"))
    if not wanted or len(payouts) < len(wanted):
        raise NoSuchPayout("Choose payouts from the list: one of these does not exist, or none was chosen.")
    return _shown(payouts, facts_of(payouts))


@transaction.atomic
def approve(*, payout_ids: Collection[int], shown: str, by: int, now: datetime) -> list[Payout]:
    """Approve prepared payouts, book them and issue their statements, all or none.

    What is more than nothing is then sent.

    `shown` is the fingerprint of the page on which it was decided. Refuses `NoSuchPayout`, `NotPrepared`,
    `AlreadyApproved`, `OwnPreparation`, `Parked`, `StillCalculating`, `EarlierMonthOpen`, `NotAcknowledged`,
    `BooksAreBreached`, `Changed`.
    """
    payouts = payout_guards.locked(payout_ids)
    for each in payouts:
        must_be_prepared(each)
        _must_be_another(each, by)
    payout_guards.must_be_calculated(payouts)
    facts = facts_of(payouts)
    payout_guards.must_be_in_order(payouts, facts)
    payout_guards.must_be_sound()
    _must_be_shown(payouts, facts, shown)
    with pghistory.context(reason="approved", by=by):
        for each in payouts:
            _approve(each, facts[each.pk], by=by, now=now)
        _ask_for_later_drafts(facts.values(), now=now)
    return payouts


def _ask_for_later_drafts(facts: Iterable[PayoutFacts], *, now: datetime) -> None:
    """A draft that was calculated before an earlier month was approved carries no correction of it yet."""
    codes: dict[date, list[int]] = defaultdict(list)
    for each in facts:
        codes[each.month].append(each.broker_code)
    for month, of_month in sorted(codes.items()):
        work.ask_for_later_drafts(broker_codes=of_month, after=month, now=now)


def _must_be_another(payout: Payout, by: int) -> None:
    if payout.prepared_by_id == by:
        raise OwnPreparation(f"{named(payout)} was prepared by you: another person has to approve it.")


def _must_be_shown(payouts: Iterable[Payout], facts: Mapping[int, PayoutFacts], shown: str) -> None:
    for each in payouts:
        if facts[each.pk].digest != each.digest:
            raise Changed(
                f"{named(each)} has changed since it was prepared: take the preparation back, look at it"
                " and have it prepared anew."
            )
    if _shown(payouts, facts) != shown:
        raise Changed("Something has changed since this page was made: read it again and approve then.")


def _shown(payouts: Iterable[Payout], facts: Mapping[int, PayoutFacts]) -> str:
    return digest_of(
        [
            [each.pk, each.state, facts[each.pk].digest, each.prepared_by_id, each.prepared_at]
            for each in payouts
        ]
    )


def _approve(payout: Payout, facts: PayoutFacts, *, by: int, now: datetime) -> None:
    payout.state = _state(facts)
    payout.approved_by_id, payout.approved_at = by, now
    payout.save(update_fields=["state", "approved_by", "approved_at"])
    PayoutAdjustment.objects.bulk_create(
        [PayoutAdjustment(adjustment_id=each.id, payout=payout) for each in facts.adjusted]
    )
    _book(payout, facts, by=by, now=now)
    statements.issue(
        payout=payout,
        adjusted=[Adjusted(amount=each.amount, text=each.text, at=each.at) for each in facts.adjusted],
        is_held=bool(facts.holds),
        now=now,
    )


def _state(facts: PayoutFacts) -> str:
    """ "Only a balance ≤ 0.00 is carried": what is more than nothing is sent."""
    if facts.due > 0:
        return Payout.State.APPROVED
    is_nothing = not any((facts.carried, facts.adjustments, facts.payout, facts.corrections))
    return Payout.State.NIL if is_nothing else Payout.State.CARRIED


def _book(payout: Payout, facts: PayoutFacts, *, by: int, now: datetime) -> None:
    def post(kind: Kind, postings: list[Posting], month: Month, reference: str) -> None:
        ledger.post(
            kind=kind,
            broker_code=facts.broker_code,
            postings=postings,
            reference=reference,
            month=month,
            at=now,
            by=by,
        )

    month, reference = Month.of_date(facts.month), f"payout:{payout.pk}"
    post("accrual", entries.accrual(facts.payout), month, reference)
    for each in facts.corrected:
        corrected = Month.of_date(each.month)
        post("correction", entries.correction(each.cents), corrected, f"{reference}:{corrected}")
    if facts.holds:
        # Nothing is held of what is only carried.
        post("hold", entries.hold(max(facts.due, ZERO)), month, reference)
