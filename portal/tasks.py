"""Thin tasks: Celery wakes them, rows say what there is to do. Web processes never publish any."""

import logging

from celery import shared_task
from django.utils import timezone

from portal import notices
from portal.application import asking, erasure
from portal.health import actions as health
from portal.letters import sending

log = logging.getLogger(__name__)


@shared_task
def write_notices() -> None:
    """Letters about what happened: to applications, standings, appeals and accounts."""
    written = notices.write_due(now=timezone.now())
    if written:
        log.info("wrote %d letters", written)


@shared_task
def send_letters() -> None:
    """Letters that wait to be sent, or to be tried again."""
    sent = sending.send_due(clock=timezone.now)
    if sent:
        log.info("sent %d letters", sent)


@shared_task
def ask_exchange() -> None:
    """What applications still have to hear from the exchange."""
    asking.ask_due(clock=timezone.now)


@shared_task
def erase_documents() -> None:
    """Documents whose time is up."""
    erasure.erase_due(now=timezone.now())


@shared_task
def beat_canary() -> None:
    """That this runs is the sign of life of beat and worker."""
    health.beat(now=timezone.now())
