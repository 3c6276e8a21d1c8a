"""Asks the exchange about the accounts of applications that wait for its answer. A sweep, often."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pghistory
from django.db import transaction

from payouts.exchange import chosen
from payouts.exchange.port import ExchangeUnavailable
from portal.application import account_answer
from portal.application.models import OPEN_STATES, Application, ExchangeAnswer

#: The first repetition comes after so long, later ones less and less often. More than a question may take.
SOONEST = timedelta(seconds=15)
LATEST = timedelta(minutes=10)
#: Questions and time of one sweep; the next one goes on, and others get their turn at the workers.
_AT_MOST = 100
_TURN = timedelta(seconds=20)


def ask_due(*, clock: Callable[[], datetime]) -> int:
    """Ask about every application whose time has come; how many were answered.

    Nobody is approved or refused by an answer: it is kept for who reviews. An outage changes no answer;
    it ends the sweep, and the next question takes its turn in the next one, so that a sweep stays short.
    """
    exchange = chosen.exchange(clock=clock)
    answered, began = 0, clock()
    for _ in range(_AT_MOST):
        if clock() - began > _TURN:
            break
        claimed = _claim(clock())
        if claimed is None:
            break
        try:
            account = exchange.account(claimed.account_id)
        except ExchangeUnavailable:
            break
        answered += record_answer(
            reference=claimed.reference,
            account_id=claimed.account_id,
            answer=account_answer.meaning(account),
            now=clock(),
            claimed_until=claimed.exchange_due_at,
        )
    return answered


def record_answer(
    *,
    reference: UUID,
    account_id: str,
    answer: ExchangeAnswer,
    now: datetime,
    claimed_until: datetime | None = None,
) -> bool:
    """Keep what the exchange said about `account_id`; whether the application still waited for it.

    It does not when the applicant has named another account meanwhile, when it is decided or withdrawn, or
    when another sweep has taken the question over (`claimed_until` is the time this one had).
    """
    waiting = Application.objects.filter(reference=reference, account_id=account_id, state__in=OPEN_STATES)
    if claimed_until is not None:
        waiting = waiting.filter(exchange_due_at=claimed_until)
    with pghistory.context(reason="the exchange answered"):
        kept = waiting.update(exchange_answer=answer, exchange_answered_at=now, exchange_due_at=None)
    return kept > 0


def next_time(*, waiting_since: datetime, now: datetime) -> datetime:
    """When to ask again if no answer comes: the longer it has taken, the later."""
    return now + min(max((now - waiting_since) / 4, SOONEST), LATEST)


def _claim(now: datetime) -> Application | None:
    """The next question, its repetition set before it is asked: who is killed while asking loses nothing."""
    with transaction.atomic(), pghistory.context(reason="asking the exchange"):
        found = _next_due(now)
        if found is not None:
            found.exchange_due_at = next_time(waiting_since=found.saved_at, now=now)
            found.save(update_fields=["exchange_due_at"])
    return found


def _next_due(now: datetime) -> Application | None:
    due = Application.objects.filter(exchange_due_at__lte=now, state__in=OPEN_STATES).exclude(account_id="")
    return due.select_for_update(skip_locked=True, of=("self",)).order_by("exchange_due_at", "pk").first()
