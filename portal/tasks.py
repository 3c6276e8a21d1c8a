"""Thin tasks: Celery wakes them, rows say what there is to do. Web processes never publish any."""

import logging

from celery import shared_task
from django.utils import timezone

from portal import notices
from portal.application import asking, erasure
from portal.health import actions as health
from portal.letters import digest, sending
from portal.notices import staff_digests
from portal.statements import expiry, making

log = logging.getLogger(__name__)


@shared_task
def write_notices() -> None:
    """Letters about what happened: to applications, standings, appeals, accounts, statements and credits."""
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
def write_digests() -> None:
    """Letters of the day: of what members want gathered, and of what waits for staff."""
    now = timezone.now()
    written = digest.gather_due(now=now) + staff_digests.write_due(now=now)
    if written:
        log.info("wrote %d letters of the day", written)


@shared_task
def ask_exchange() -> None:
    """What applications still have to hear from the exchange."""
    asking.ask_due(clock=timezone.now)


@shared_task
def erase_documents() -> None:
    """Documents whose time is up."""
    erasure.erase_due(now=timezone.now())


@shared_task
def make_exports() -> None:
    """Files that members asked for because they are long."""
    made = making.make_due(clock=timezone.now)
    if made:
        log.info("made %d files", made)


@shared_task
def expire_exports() -> None:
    """Prepared files whose week is over."""
    expiry.expire_due(now=timezone.now())


@shared_task
def beat_canary() -> None:
    """That this runs is the sign of life of beat and worker."""
    health.beat(now=timezone.now())
