"""Thin tasks: Celery wakes them, rows say what there is to do."""

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
def close_due_months() -> None:
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
    finally:
        # Also when one month failed: the others are calculated and may belong to brokers that are stopped.
        hold_payouts()


@shared_task
def work_runs() -> None:
    """What of a run is asked for again, or was left by a worker that ended."""
    done = monthend.work_due(clock=timezone.now)
    if done:
        log.info("calculated %d payouts of runs", done)
        hold_payouts()


@shared_task
def hold_payouts() -> None:
    """Payouts of brokers that are suspended or terminated: also when a planned suspension begins."""
    held = hold.hold_due(now=timezone.now())
    if held:
        log.info("held %d payouts", held)


@shared_task
def send_credits() -> None:
    """Approved payouts, each credited exactly once."""
    credited = sending.send_due(exchange=chosen.exchange(clock=timezone.now), clock=timezone.now)
    if credited:
        log.info("credited %d payouts", credited)


@shared_task
def ask_credits() -> None:
    """What became of credits that were not answered."""
    decided = asking.ask_due(exchange=chosen.exchange(clock=timezone.now), clock=timezone.now)
    if decided:
        log.info("%d unknown credits are decided", decided)


@shared_task
def reconcile() -> None:
    """Each finished day of the exchange's list of credits, compared with ours."""
    compared = reconciling.reconcile_due(exchange=chosen.exchange(clock=timezone.now), clock=timezone.now)
    if compared:
        log.info("compared %d days with the exchange's list", compared)


@shared_task
def make_faces() -> None:
    """CSV and PDF of statements that were issued."""
    made = faces.make_due(clock=timezone.now)
    if made:
        log.info("made %d files of statements", made)


@shared_task
def check_books() -> None:
    """The night's check of every invariant."""
    checked = books.check_due(now=timezone.now())
    if checked is not None and checked.breaches:
        log.error("%d invariants of the books do not hold", len(checked.breaches))


@shared_task
def make_partitions() -> None:
    """Tables for the fills of this month and the next two, before the first of them comes."""
    made = partitions.make_ahead(now=timezone.now())
    if made:
        log.info("made partitions for %s", ", ".join(map(str, made)))


@shared_task
def replay_quarantine() -> None:
    """The replay that somebody asked for, or that a worker left when it ended."""
    looked_at = replaying.work(clock=timezone.now)
    if looked_at:
        log.info("looked at %d records in quarantine again", looked_at)


@shared_task
def forget_pushes() -> None:
    """Answers of pushes that are older than a week."""
    forgotten = forgetting.forget_answers(now=timezone.now())
    if forgotten:
        log.info("forgot %d answers of pushes", forgotten)


@shared_task
def check_affiliates() -> None:
    """Every broker's account once a day: whether it has enrolled in the Affiliate Program."""
    exchange = chosen.exchange(clock=timezone.now)
    answered = affiliates.check_due(exchange=exchange, clock=timezone.now)
    if answered:
        log.info("the exchange answered about %d brokers", answered)


@shared_task
def apply_account_changes() -> None:
    """Changes of account whose 72 hours are over."""
    exchange = chosen.exchange(clock=timezone.now)
    applied = account_change.apply_due(exchange=exchange, clock=timezone.now)
    if applied:
        log.info("applied %d changes of account", applied)
