"""Thin tasks: Celery wakes them, rows say what there is to do."""

import logging

from celery import shared_task
from django.utils import timezone

from payouts.desk import account_change, affiliates, hold
from payouts.exchange import chosen
from payouts.monthend import actions as monthend

log = logging.getLogger(__name__)


@shared_task
def close_due_months() -> None:
    """The 1st at 00:30 UTC, and any month that was missed."""
    try:
        for month in monthend.close_due_months(now=timezone.now()):
            log.info("calculated %s", month)
    finally:
        # Also when one month failed: the others are calculated and may belong to brokers that are stopped.
        hold_payouts()


@shared_task
def hold_payouts() -> None:
    """Payouts of brokers that are suspended or terminated: also when a planned suspension begins."""
    held = hold.hold_due(now=timezone.now())
    if held:
        log.info("held %d payouts", held)


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
