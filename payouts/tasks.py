"""Thin tasks: Celery wakes them, rows say what there is to do."""

import logging

from celery import shared_task
from django.utils import timezone

from payouts.monthend import actions as monthend

log = logging.getLogger(__name__)


@shared_task
def close_due_months() -> None:
    """The 1st at 00:30 UTC, and any month that was missed."""
    for month in monthend.close_due_months(now=timezone.now()):
        log.info("calculated %s", month)
