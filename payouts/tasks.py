"""Thin tasks: Celery wakes them, rows say what there is to do.

What a task returns is how much it found to do: whoever runs it counts that and writes the line of the log.
"""

import logging

from celery import shared_task
from django.utils import timezone

from payouts import books
from payouts.desk import account_change, affiliates, hold
from payouts.exchange import chosen
from payouts.feed import forgetting, partitions, replaying
from payouts.monthend import actions as monthend
from payouts.settlement import asking, reconciling, sending
from payouts.statements import faces

log = logging.getLogger(__name__)


@shared_task
def close_due_months() -> int:
    """The 1st at 00:30 UTC, and any month that was missed; the books are checked before and after."""
    now = timezone.now()
    due = monthend.due_months(now=now)
    try:
        if due:
            closed = books.around_run(due[0], lambda: monthend.close_due_months(now=now), clock=timezone.now)
        else:
            closed = monthend.close_due_months(now=now)
        for month in closed:
            log.info("calculated %s", month)
        return len(closed)
    finally:
        # Also when one month failed: the others are calculated and may belong to brokers that are stopped.
        hold_payouts()


@shared_task
def work_runs() -> int:
    """What of a run is asked for again, or was left by a worker that ended."""
    done = monthend.work_due(clock=timezone.now)
    if done:
        hold_payouts()
    return done


@shared_task
def hold_payouts() -> int:
    """Payouts of brokers that are suspended or terminated: also when a planned suspension begins."""
    return hold.hold_due(now=timezone.now())


@shared_task
def send_credits() -> int:
    """Approved payouts, each credited exactly once."""
    return sending.send_due(exchange=chosen.exchange(clock=timezone.now), clock=timezone.now)


@shared_task
def ask_credits() -> int:
    """What became of credits that were not answered."""
    return asking.ask_due(exchange=chosen.exchange(clock=timezone.now), clock=timezone.now)


@shared_task
def reconcile() -> int:
    """Each finished day of the exchange's list of credits, compared with ours."""
    return reconciling.reconcile_due(exchange=chosen.exchange(clock=timezone.now), clock=timezone.now)


@shared_task
def make_faces() -> int:
    """CSV and PDF of statements that were issued."""
    return faces.make_due(clock=timezone.now)


@shared_task
def check_books() -> int:
    """The night's check of every invariant."""
    checked = books.check_due(now=timezone.now())
    if checked is not None and checked.breaches:
        log.error("%d invariants of the books do not hold", len(checked.breaches))
    return 0 if checked is None else 1


@shared_task
def make_partitions() -> int:
    """Tables for the fills of this month and the next two, before the first of them comes."""
    made = partitions.make_ahead(now=timezone.now())
    if made:
        log.info("made partitions for %s", ", ".join(map(str, made)))
    return len(made)


@shared_task
def replay_quarantine() -> int:
    """The replay that somebody asked for, or that a worker left when it ended."""
    return replaying.work(clock=timezone.now)


@shared_task
def forget_pushes() -> int:
    """Answers of pushes that are older than a week."""
    return forgetting.forget_answers(now=timezone.now())


@shared_task
def check_affiliates() -> int:
    """Every broker's account once a day: whether it has enrolled in the Affiliate Program."""
    exchange = chosen.exchange(clock=timezone.now)
    return affiliates.check_due(exchange=exchange, clock=timezone.now)


@shared_task
def apply_account_changes() -> int:
    """Changes of account whose 72 hours are over."""
    exchange = chosen.exchange(clock=timezone.now)
    return account_change.apply_due(exchange=exchange, clock=timezone.now)
