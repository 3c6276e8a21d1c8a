"""Credits approved payouts, each exactly once. A sweep, often.

Three steps, each durable before the next: the attempt with its key; that it is being sent, with everything
checked once more; what became of it. Between the second and the third the exchange is asked. Who is killed
anywhere leaves a row from which the next sweep, or `asking`, goes on.

"Rebates will be settled in USD and credited to the broker's Backpack account every month."
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pghistory
from django.db import IntegrityError, transaction
from django.db.models import Max

from payouts import crash
from payouts.exchange.port import CannotBeCredited, CreditRejected, Exchange, ExchangeUnavailable
from payouts.ledger.queries import books_breached
from payouts.monthend.models import Payout
from payouts.settlement import allowed, attempts, claims, outcomes
from payouts.settlement.claims import Claim
from payouts.settlement.models import Attempt

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
_State = Attempt.State
#: Payouts and time of one sweep; the next one goes on, and others get their turn at the workers.
_AT_MOST = 50
_TURN = timedelta(seconds=20)

CRASH_POINTS = (
    "credit: attempt made",
    "credit: sending",
    "credit: before the request",
    "credit: after the answer",
    "credit: before the outcome is committed",
    "credit: outcome committed",
)


class GaveNoAnswer(Exception):
    """The exchange did not answer: the rest of the sweep would fare no better."""


def send_due(*, exchange: Exchange, clock: Clock) -> int:
    """Send every payout that may be sent now; how many were credited.

    First what was made ready and never sent, then what was approved. What the exchange has rejected before
    waits for a person's `retry`. Nothing is begun while the exchange does not answer at all, nor while too
    many credits have an unknown outcome; and a time without an answer ends the sweep.
    """
    credited, ends = 0, clock() + _TURN
    if not _is_anything_due(clock) or not _answers(exchange, clock):
        return 0
    for number, claim in enumerate(_claims(clock)):
        crash.point("credit: attempt made")
        try:
            begun = _begin(claim, clock)
        except IntegrityError:
            log.exception("attempt %d could not be sent", claim.attempt_id)
            continue
        if begun is not None:
            crash.point("credit: sending")
            try:
                said = send(begun, exchange=exchange, clock=clock, step="credit")
            except GaveNoAnswer:
                break
            credited += isinstance(said, attempts.Confirmed)
        if number + 1 == _AT_MOST or clock() > ends:
            break
    return credited


def send(claim: Claim, *, exchange: Exchange, clock: Clock, step: str) -> attempts.Meaning | None:
    """Ask for the credit under the attempt's key, and write what came of it; None if nothing was decided.

    The attempt must be known as being sent, its transaction over. Nothing is sent by who has been stopped so
    long that the lease may end meanwhile. A rejection is believed once a lookup says the same. Raises
    `GaveNoAnswer` after having written that the outcome is unknown.
    """
    crash.point(f"{step}: before the request")
    if not attempts.time_is_left(claim.lease_until, clock()):
        log.warning("attempt %d is left to the next sweep: its lease is nearly over", claim.attempt_id)
        return None
    try:
        answer = exchange.credit(
            key=claim.key, account_id=claim.account_id, amount=claim.amount, reference=claim.reference
        )
    except CannotBeCredited as mistake:
        log.error("attempt %d cannot be asked for: %s", claim.attempt_id, mistake)
        outcomes.reject_unsent(claim, f"{mistake}.", now=clock())
        return None
    except ExchangeUnavailable as outage:
        outcomes.stay_unknown(claim, str(outage), now=clock())
        raise GaveNoAnswer from outage
    crash.point(f"{step}: after the answer")
    if isinstance(answer, CreditRejected):
        try:
            proof = exchange.credit_by_key(claim.key)
        except ExchangeUnavailable as outage:
            said = f"Backpack Exchange rejected it ({answer.code}), and then did not confirm that: {outage}"
            outcomes.stay_unknown(claim, said, now=clock())
            raise GaveNoAnswer from outage
        if proof is None:
            said = f"Backpack Exchange rejected it ({answer.code}), and then knew nothing of it."
            outcomes.stay_unknown(claim, said, now=clock())
            return None
        answer = proof
    return outcomes.settle(claim, answer, now=clock(), step=step)


def _is_anything_due(clock: Clock) -> bool:
    unsent = Attempt.objects.filter(state=_State.PENDING, lease_until__lte=clock())
    return unsent.exists() or bool(allowed.due(now=clock(), most=1))


def _answers(exchange: Exchange, clock: Clock) -> bool:
    """Whether it answers a harmless question. While it does not, payouts stay approved, and can be held."""
    now = clock()
    try:
        exchange.credits(since=now, until=now + timedelta(seconds=1))
    except ExchangeUnavailable as outage:
        log.warning("nothing is sent: %s", outage)
        return False
    return True


def _claims(clock: Clock) -> Iterator[Claim]:
    """One after the other, each claimed only when it is asked for."""
    while (claim := _claim_unsent(clock)) is not None:
        yield claim
    if books_breached():
        return
    for payout_id, broker_code in allowed.due(now=clock(), most=_AT_MOST):
        if claims.too_many_are_unsure(now=clock()):
            log.warning("no further payout is sent: too many credits have an unknown outcome")
            return
        try:
            claim = _make(payout_id, broker_code, clock)
        except IntegrityError:
            # The database knows better: this one waits, the others go on.
            log.exception("payout %d could not be made ready to be sent", payout_id)
            continue
        if claim is not None:
            yield claim


def _claim_unsent(clock: Clock) -> Claim | None:
    """An attempt that was made, by a retry or by who was killed then, and provably never sent."""
    now = clock()
    with transaction.atomic(), pghistory.context(reason="sending it"):
        attempt = (
            Attempt.objects.select_for_update(skip_locked=True)
            .filter(state=_State.PENDING, lease_until__lte=now)
            .order_by("lease_until", "pk")
            .first()
        )
        if attempt is None:
            return None
        claim = claims.claim(attempt, now=now)
        attempt.save(update_fields=["fence", "lease_until"])
    return claim


def _make(payout_id: int, broker_code: int, clock: Clock) -> Claim | None:
    """The attempt with its key, if the payout may still be sent and nobody else is at it."""
    with transaction.atomic(), pghistory.context(reason="to be credited"):
        allowed.settle_standing(broker_code)
        now = clock()
        payout = (
            Payout.objects.select_for_update(skip_locked=True)
            .filter(pk=payout_id, state=Payout.State.APPROVED)
            .first()
        )
        if payout is None or not allowed.is_first(payout_id):
            return None
        found = allowed.facts(payout_id, at=now)
        if allowed.why_not(found, account_id=payout.account_id):
            return None
        attempt = make(found, account_id=payout.account_id, ready_until=_lease(now), now=now)
        return claims.as_claimed(attempt, _lease(now))


def make(found: allowed.Facts, *, account_id: str, ready_until: datetime, now: datetime) -> Attempt:
    """A new attempt with a key of its own; the payout is sending from now on.

    Inside the caller's transaction, which has locked the payout and checked what `allowed` says. Until
    `ready_until` nobody else takes it.
    """
    last = Attempt.objects.filter(payout=found.payout_id).aggregate(last=Max("number"))["last"] or 0
    attempt = Attempt.objects.create(
        payout_id=found.payout_id,
        number=last + 1,
        account_id=account_id,
        amount=found.amount,
        created_at=now,
        fence=1,
        lease_until=ready_until,
    )
    Payout.objects.filter(pk=found.payout_id).update(state=Payout.State.SENDING)
    return attempt


def _begin(claim: Claim, clock: Clock) -> Claim | None:
    """The sending transaction: all is checked once more, and from its end on money may move.

    None if it may not be sent after all: then it never was, and the payout is as it was before. None also
    when somebody else has claimed it since.
    """
    with transaction.atomic(), pghistory.context(reason="sending it"):
        allowed.settle_standing(claim.broker_code)
        now = clock()
        Payout.objects.select_for_update().get(pk=claim.payout_id)
        attempt = (
            Attempt.objects.select_for_update()
            .filter(pk=claim.attempt_id, fence=claim.fence, state=_State.PENDING)
            .first()
        )
        if attempt is None:
            log.warning("attempt %d was overtaken before it was sent", claim.attempt_id)
            return None
        why = allowed.why_not(allowed.facts(claim.payout_id, at=now), account_id=claim.account_id)
        if why:
            log.warning("attempt %d is not sent: %s", claim.attempt_id, why)
            outcomes.reject_unsent(claim, why, now=now)
            return None
        attempt.state, attempt.sent_at = _State.SENDING, now
        attempt.lease_until = attempt.next_ask_at = _lease(now)
        attempt.save(update_fields=["state", "sent_at", "lease_until", "next_ask_at"])
        return claims.as_claimed(attempt, _lease(now))


def _lease(now: datetime) -> datetime:
    return now + attempts.LEASE
