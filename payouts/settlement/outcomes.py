"""Writes what became of an attempt: once, by whoever holds its fence, and the ledger with it."""

import logging
from datetime import datetime

import pghistory
from django.db import transaction

from payouts import crash
from payouts.exchange.port import Credited, CreditRejected
from payouts.ledger import entries
from payouts.ledger.actions import post
from payouts.monthend.models import Payout
from payouts.settlement import attempts
from payouts.settlement.claims import UNDER_WAY, Claim, claim
from payouts.settlement.models import Attempt, Difference, ExchangeCredit

log = logging.getLogger(__name__)

_State = Attempt.State
NEVER_SENT = "Never sent:"


class Overtaken(Exception):
    """Somebody else has claimed the attempt since, or it is decided: what was learnt is theirs to learn."""


def settle(
    claim: Claim, answer: Credited | CreditRejected | None, *, now: datetime, step: str
) -> attempts.Meaning | None:
    """Write what the exchange's record says; what it means, or None if nothing was decided.

    Of `NotKnown` nothing is written: whoever asked decides whether the key is sent again. A rejection must
    come from a lookup by key: that is the proof. `step` names the crash points on the way.
    """
    meaning = attempts.meaning(answer, account_id=claim.account_id, amount=claim.amount)
    try:
        with transaction.atomic(), pghistory.context(reason="the exchange answered"):
            match meaning:
                case attempts.Confirmed(credit_id):
                    if not _confirm(claim, credit_id, now=now):
                        return None
                case attempts.Rejected(why):
                    _reject(claim, why, now=now)
                case attempts.Differs(kind, why, credit):
                    _differ(claim, credit, kind, why, now=now)
                case attempts.NotKnown():
                    return meaning
            crash.point(f"{step}: before the outcome is committed")
    except Overtaken:
        log.warning("attempt %d was overtaken: its answer is left to whoever claimed it", claim.attempt_id)
        return None
    crash.point(f"{step}: outcome committed")
    return meaning


def stay_unknown(claim: Claim, why: str, *, now: datetime) -> None:
    """Nobody knows yet what became of it: the exchange is asked again, later each time."""
    wait = attempts.ask_again_after(claim.asks, jitter=int(claim.key[:4], 16) / 0xFFFF)
    _wait(claim, why, next_ask_at=now + wait)


def leave_to_a_person(claim: Claim, why: str) -> None:
    """The exchange cannot tell, or tells something else: two people decide, and nobody asks any more."""
    _wait(claim, why, next_ask_at=None)


@transaction.atomic
def reject_unsent(claim: Claim, why: str, *, now: datetime) -> bool:
    """The exchange was never asked for this credit and never will be; the payout is as before.

    Only for what provably never left: a pending attempt, or one that cannot be asked for at all. False if
    the claim was overtaken.
    """
    try:
        with pghistory.context(reason="never sent"):
            _reject(claim, f"{NEVER_SENT} {why}", now=now, also=(_State.PENDING,))
    except Overtaken:
        return False
    return True


@transaction.atomic
def decide_by_two(
    attempt_id: int, *, proposal_id: int, credit_id: str, why: str, by: int, now: datetime
) -> None:
    """What two people have found out: credited under the exchange's number `credit_id`, or with "" rejected.

    Inside the caller's transaction. Whoever is asking the exchange meanwhile is overtaken. Raises `Overtaken`
    when it is not unknown any more.
    """
    Payout.objects.select_for_update(of=("self",)).get(attempts=attempt_id)
    locked = Attempt.objects.select_for_update().get(pk=attempt_id)
    if locked.state != _State.UNKNOWN:
        raise Overtaken
    taken = claim(locked, now=now)
    locked.decided_by_id, locked.detail = proposal_id, why
    if credit_id:
        _close(locked, _State.CONFIRMED, credit_id=credit_id, now=now)
        _book(taken, now=now, by=by, note=why)
    else:
        _close(locked, _State.REJECTED, now=now)
        Payout.objects.filter(pk=locked.payout_id).update(state=Payout.State.APPROVED)


def _confirm(claim: Claim, credit_id: str, *, now: datetime) -> bool:
    """False if the exchange names the number of another payout's credit: that is for people."""
    attempt = _held(claim)
    if Attempt.objects.filter(credit_id=credit_id).exclude(pk=attempt.pk).exists():
        attempt.state, attempt.next_ask_at, attempt.lease_until = _State.UNKNOWN, None, None
        attempt.detail = f"Backpack Exchange names credit {credit_id}, which belongs to another payout."
        attempt.save(update_fields=["state", "next_ask_at", "lease_until", "detail"])
        return False
    attempt.detail = ""
    _close(attempt, _State.CONFIRMED, credit_id=credit_id, now=now)
    _book(claim, now=now, by=None)
    return True


def _reject(claim: Claim, why: str, *, now: datetime, also: tuple[str, ...] = ()) -> None:
    attempt = _held(claim, also=also)
    attempt.detail = why
    _close(attempt, _State.REJECTED, now=now)
    Payout.objects.filter(pk=claim.payout_id).update(state=Payout.State.APPROVED)


def _differ(claim: Claim, answer: Credited, kind: str, why: str, *, now: datetime) -> None:
    attempt = _held(claim)
    attempt.state, attempt.next_ask_at, attempt.lease_until = _State.UNKNOWN, None, None
    attempt.detail = why
    attempt.save(update_fields=["state", "next_ask_at", "lease_until", "detail"])
    [credit] = remember([answer], now=now)
    Difference.objects.bulk_create(
        [
            Difference(
                kind=kind,
                broker_id=claim.broker_code,
                attempt=attempt,
                credit=credit,
                detail=why,
                found_at=now,
            )
        ],
        ignore_conflicts=True,
    )


def remember(listed: list[Credited], *, now: datetime) -> list[ExchangeCredit]:
    """The rows of what the exchange said that it credited, each kept once."""
    ExchangeCredit.objects.bulk_create(
        [
            ExchangeCredit(
                credit_id=each.credit_id,
                key=each.key,
                account_id=each.account_id,
                amount=each.amount,
                credited_at=each.credited_at,
                seen_at=now,
            )
            for each in listed
        ],
        ignore_conflicts=True,
    )
    kept = {
        (row.credit_id, row.key, row.account_id, row.amount): row
        for row in ExchangeCredit.objects.filter(credit_id__in={each.credit_id for each in listed})
    }
    return [kept[each.credit_id, each.key, each.account_id, each.amount] for each in listed]


def _book(claim: Claim, *, now: datetime, by: int | None, note: str = "") -> None:
    """Sent money is not owed any more."""
    Payout.objects.filter(pk=claim.payout_id).update(state=Payout.State.CREDITED)
    post(
        kind="credit",
        broker_code=claim.broker_code,
        postings=entries.credit(claim.amount),
        reference=f"payout:{claim.payout_id}",
        at=now,
        by=by,
        month=claim.month,
        note=note,
    )


def _held(claim: Claim, also: tuple[str, ...] = ()) -> Attempt:
    """The attempt, its payout locked before it. Raises `Overtaken` unless the claim still holds."""
    Payout.objects.select_for_update().get(pk=claim.payout_id)
    found = (
        Attempt.objects.select_for_update()
        .filter(pk=claim.attempt_id, fence=claim.fence, state__in=[*UNDER_WAY, *also])
        .first()
    )
    if found is None:
        raise Overtaken
    return found


def _close(attempt: Attempt, state: str, *, now: datetime, credit_id: str = "") -> None:
    attempt.state, attempt.decided_at, attempt.credit_id = state, now, credit_id
    attempt.next_ask_at = attempt.lease_until = None
    attempt.save(
        update_fields=[
            "state", "decided_at", "credit_id", "next_ask_at", "lease_until", "detail", "fence", "decided_by",
        ]
    )  # fmt: skip


def _wait(claim: Claim, why: str, *, next_ask_at: datetime | None) -> None:
    with transaction.atomic(), pghistory.context(reason=why):
        kept = Attempt.objects.filter(pk=claim.attempt_id, fence=claim.fence, state__in=UNDER_WAY).update(
            state=_State.UNKNOWN, lease_until=None, next_ask_at=next_ask_at, detail=why
        )
    if not kept:
        log.warning("attempt %d was overtaken: nothing is written", claim.attempt_id)
