"""Issues the statements of payouts that were approved before there were statements."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from payouts.desk import payout_guards
from payouts.desk.models import PayoutHold
from payouts.desk.payout_facts import facts_of
from payouts.monthend.models import Payout
from payouts.refusal import Refusal
from payouts.statements import actions as statements
from payouts.statements.document import Adjusted


class NotAllIssued(Refusal):
    """Some statement would not be right; the broker's later ones wait for it, all others are issued."""


def issue_missing(*, clock: Callable[[], datetime]) -> int:
    """Issue what is missing, each broker's in the order of its months, each in a transaction; how many.

    Of two at once each payout is issued by one. What it says is what was approved; the broker's name is the
    one that it has now. Refuses `NotAllIssued` once all others are.
    """
    missing = Payout.objects.filter(approved_at__isnull=False, statement__isnull=True)
    rows = missing.order_by("broker", "run__month").values_list("broker", "pk")
    issued, refused = 0, dict[int, Refusal]()
    for code, number in rows:
        if code not in refused:
            try:
                issued += _issue(number, now=clock())
            except Refusal as refusal:
                refused[code] = refusal
    if refused:
        reasons = " ".join(str(each) for each in refused.values())
        raise NotAllIssued(f"{issued} statements are issued, those of {len(refused)} brokers not: {reasons}")
    return issued


@transaction.atomic
def _issue(payout_id: int, *, now: datetime) -> bool:
    # The locks that approving takes: no other statement of the broker takes the number meanwhile.
    [payout] = payout_guards.locked([payout_id])
    if hasattr(payout, "statement"):
        return False
    facts = facts_of([payout])[payout.pk]
    statements.issue(
        payout=payout,
        adjusted=[Adjusted(amount=each.amount, text=each.text, at=each.at) for each in facts.adjusted],
        is_held=_was_held(payout),
        now=now,
    )
    return True


def _was_held(payout: Payout) -> bool:
    """Whether a case held it when it was approved."""
    at = payout.approved_at
    held = PayoutHold.objects.filter(payout=payout, held_at__lte=at)
    return held.filter(Q(release__isnull=True) | Q(release__released_at__gt=at)).exists()
