"""Confirmed changes of account take effect when their 72 hours are over. A sweep, often."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pghistory
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from payouts.desk.account_guards import OPEN, must_be_usable, one_at_a_time_to, settled_standing
from payouts.desk.account_steps import end, step
from payouts.desk.models import AccountChange, AccountChangeStep
from payouts.exchange.port import Account, Exchange, ExchangeUnavailable
from payouts.program.models import Broker, StandingChange, StandingRange
from payouts.refusal import Refusal

#: When to ask again if no answer came: the longer it has taken, the later.
SOONEST, LATEST = timedelta(seconds=15), timedelta(minutes=10)
#: Changes and time of one sweep; the next one goes on, and others get their turn at the workers.
_AT_MOST = 100
_TURN = timedelta(seconds=20)
_OF_TERMINATED = "The broker was terminated before the change took effect."
_OF_SWITCHED_OFF = "The login that asked for it was switched off before the change took effect."


def apply_due(*, exchange: Exchange, clock: Callable[[], datetime]) -> int:
    """Apply every change whose time has come; how many took effect.

    The exchange is asked once more, outside any transaction. While it does not answer, nothing happens but
    that the row says since when, and it is tried again. What may not be used any more is refused with the
    reason, and so is what a login asked for that is switched off: it may have been a thief. A suspended
    broker's change waits; a terminated broker's is refused, at whatever step it was.
    """
    applied, began = 0, clock()
    _refuse_of_terminated(now=began)
    for _ in range(_AT_MOST):
        now = clock()
        if now - began > _TURN:
            break
        claimed = _claim(now)
        if claimed is None:
            break
        try:
            account = exchange.account(claimed.new_account_id)
        except ExchangeUnavailable:
            _note_outage(claimed, now=now)
            break
        applied += _apply(claimed, account, now=clock())
    return applied


def next_time(*, failing_since: datetime | None, now: datetime) -> datetime:
    """When to try again: a quarter of the time that it has failed for, within bounds."""
    return now + min(max((now - (failing_since or now)) / 4, SOONEST), LATEST)


def _claim(now: datetime) -> AccountChange | None:
    """The next change, its repetition set before the question: who is killed while asking loses nothing."""
    due = AccountChange.objects.filter(
        ~_broker_is("suspended", now),
        state=AccountChange.State.CONFIRMED,
        effective_at__lte=now,
        due_at__lte=now,
    )
    with transaction.atomic(), pghistory.context(reason="asking the exchange before it takes effect"):
        found = due.select_for_update(skip_locked=True, of=("self",)).order_by("due_at", "pk").first()
        if found is not None:
            found.due_at = next_time(failing_since=found.failing_since, now=now)
            found.save(update_fields=["due_at"])
    return found


def _note_outage(claimed: AccountChange, *, now: datetime) -> None:
    with transaction.atomic(), pghistory.context(reason="the exchange does not answer"):
        _still(claimed).filter(failing_since=None).update(failing_since=now)


@transaction.atomic
def _apply(claimed: AccountChange, account: Account | None, *, now: datetime) -> bool:
    """Whether it took effect. Not when it was cancelled, refused or taken over by another sweep meanwhile."""
    change = _still(claimed).select_for_update(of=("self",)).first()
    if change is None:
        return False
    state = settled_standing(change.broker_id, now=now)
    if state == "suspended":
        return (
            False  # it was suspended while the exchange answered; the sweep passes over it until it is lifted
        )
    why = _OF_TERMINATED if state == "terminated" else _why_not(change, account)
    if why:
        _refuse(change, why=why, now=now)
        return False
    change.state, change.applied_at = AccountChange.State.APPLIED, now
    change.due_at = change.failing_since = None
    with pghistory.context(reason="confirmed by two, and 72 hours have passed"):
        change.save(update_fields=["state", "applied_at", "due_at", "failing_since"])
        # Only now: the database lets the account follow nothing but a change that was applied.
        Broker.objects.filter(code=change.broker_id).update(account_id=change.new_account_id)
    step(change, AccountChangeStep.Kind.APPLIED, by=None, now=now)
    return True


def _why_not(change: AccountChange, account: Account | None) -> str:
    """Why the change may not take effect, as owners read it; empty if it may."""
    if not change.asked_by.is_active:
        return _OF_SWITCHED_OFF
    one_at_a_time_to(change.new_account_id)
    try:
        must_be_usable(change, account)
    except Refusal:
        return (
            "When it was to take effect, the account could no longer be used: it is not a business account"
            " outside the Affiliate Program that no other broker has."
        )
    return ""


def _refuse_of_terminated(*, now: datetime) -> None:
    """Changes that nothing can come of any more; normally none."""
    ended = AccountChange.objects.filter(_broker_is("terminated", now), state__in=OPEN)
    for number in ended.values_list("pk", flat=True)[:_AT_MOST]:
        with transaction.atomic():
            change = AccountChange.objects.select_for_update(of=("self",)).get(pk=number)
            if change.state in OPEN:
                _refuse(change, why=_OF_TERMINATED, now=now)


def _refuse(change: AccountChange, *, why: str, now: datetime) -> None:
    with pghistory.context(reason=f"refused by the portal: {why}"):
        end(change, AccountChange.State.REFUSED, why=why, by=None, now=now)


def _still(claimed: AccountChange) -> QuerySet[AccountChange]:
    return AccountChange.objects.filter(
        pk=claimed.pk, state=AccountChange.State.CONFIRMED, due_at=claimed.due_at
    )


def _broker_is(kind: str, now: datetime) -> Exists:
    """Whether a range of this kind covers the moment for the row's broker."""
    return Exists(
        StandingRange.objects.filter(
            Q(ends_at=None) | Q(ends_at__gt=now),
            broker=OuterRef("broker"),
            kind=StandingChange.Kind(kind),
            starts_at__lte=now,
        )
    )
