"""Asks the exchange what became of credits whose outcome is unknown, by their keys. A sweep, often."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import pghistory
from django.db import transaction
from django.db.models import Q

from payouts import crash
from payouts.exchange.port import Credited, Exchange, ExchangeUnavailable
from payouts.settlement import allowed, attempts, claims, outcomes, sending
from payouts.settlement.claims import Claim
from payouts.settlement.models import Attempt

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
_AT_MOST = 100
_TURN = timedelta(seconds=20)

CRASH_POINTS = (
    "asking: claimed",
    "asking: after the lookup",
    "asking: before the request",
    "asking: after the answer",
    "asking: before the outcome is committed",
    "asking: outcome committed",
)

#: In words for staff, what an attempt waits for.
_NOT_THERE = "Backpack Exchange knows no credit under its key, and lists none."
_TOO_OLD = (
    f"{_NOT_THERE} It was first sent more than {attempts.KEY_IS_SAFE_FOR // timedelta(hours=1)} hours ago, so"
    " that the key may be forgotten and is not sent again: find out at the exchange whether the money moved,"
    " and let two people resolve it."
)


def ask_due(*, exchange: Exchange, clock: Clock) -> int:
    """Ask about every attempt whose outcome is unknown and whose time has come; how many were decided.

    Credited: confirmed. Rejected: that is the proof, the payout waits for a person's `retry`. No such key,
    and nothing under it in the exchange's list: the same key is sent again while it is young and the broker
    may still be paid; else only asked about, and once it is too old left to two people. No answer: later
    again, never a new key, and the sweep ends.
    """
    decided, ends = 0, clock() + _TURN
    for _ in range(_AT_MOST):
        now = clock()
        claim = _claim(now) if now <= ends else None
        if claim is None:
            break
        crash.point("asking: claimed")
        try:
            said = _ask(claim, exchange=exchange, clock=clock)
        except sending.GaveNoAnswer:
            break
        decided += isinstance(said, attempts.Confirmed | attempts.Rejected)
    return decided


def _claim(now: datetime) -> Claim | None:
    """The next one. Its repetition is set before the question: who is killed while asking loses nothing."""
    due = Attempt.objects.filter(
        Q(lease_until=None) | Q(lease_until__lte=now), state__in=claims.UNDER_WAY, next_ask_at__lte=now
    )
    with transaction.atomic(), pghistory.context(reason="asking the exchange"):
        attempt = due.select_for_update(skip_locked=True).order_by("next_ask_at", "pk").first()
        if attempt is None:
            return None
        attempt.asks += 1
        claim = claims.claim(attempt, now=now)
        attempt.next_ask_at = attempt.lease_until
        attempt.save(update_fields=["asks", "fence", "lease_until", "next_ask_at"])
    return claim


def _listed(claim: Claim, *, exchange: Exchange, clock: Clock) -> Credited | None:
    """The credit under the attempt's key in the exchange's own list: it shows what a lookup has forgotten."""
    now = clock()
    since = (claim.sent_at or now) - attempts.SKEW
    try:
        listed = exchange.credits(since=since, until=now + attempts.SKEW)
    except ExchangeUnavailable as outage:
        outcomes.stay_unknown(claim, f"{_NOT_THERE} Its list could not be read: {outage}", now=clock())
        raise sending.GaveNoAnswer from outage
    return next((each for each in listed if each.key == claim.key), None)


def _ask(claim: Claim, *, exchange: Exchange, clock: Clock) -> attempts.Meaning | None:
    try:
        answer = exchange.credit_by_key(claim.key)
    except ExchangeUnavailable as outage:
        outcomes.stay_unknown(claim, str(outage), now=clock())
        raise sending.GaveNoAnswer from outage
    crash.point("asking: after the lookup")
    if answer is None:
        answer = _listed(claim, exchange=exchange, clock=clock)
    if answer is not None:
        return outcomes.settle(claim, answer, now=clock(), step="asking")
    if claim.sent_at is None or attempts.too_old(claim.sent_at, clock()):
        outcomes.leave_to_a_person(claim, _TOO_OLD)
        return None
    again, why = _begin_again(claim, clock)
    if again is not None:
        return sending.send(again, exchange=exchange, clock=clock, step="asking")
    if why:
        outcomes.stay_unknown(claim, f"{_NOT_THERE} It is not sent again: {why}", now=clock())
    return None


def _begin_again(claim: Claim, clock: Clock) -> tuple[Claim | None, str]:
    """The claim with a fresh lease, if the same key may be sent once more; else None and why not.

    The key makes a second sending harmless. But the first may never have arrived, and then this one would be
    the first: so it needs what a first one needs.
    """
    with transaction.atomic(), pghistory.context(reason="sending the same key again"):
        allowed.settle_standing(claim.broker_code)
        now = clock()
        why = allowed.why_not(allowed.facts(claim.payout_id, at=now), account_id=claim.account_id)
        if not why and claim.sent_at and not attempts.may_send_again(claim.sent_at, now):
            why = "its key is too old, or the clock went back."
        if why:
            return None, why
        kept = Attempt.objects.filter(
            pk=claim.attempt_id, fence=claim.fence, state__in=claims.UNDER_WAY
        ).update(lease_until=now + attempts.LEASE, next_ask_at=now + attempts.LEASE)
        return (claim.until(now + attempts.LEASE), "") if kept else (None, "")
