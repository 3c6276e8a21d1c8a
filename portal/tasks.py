"""Thin tasks: Celery wakes them, rows say what there is to do. Web processes never publish any.

What a task returns is how much it found to do: `portal.celery` counts it and writes the line of the log.
"""

from celery import shared_task
from django.utils import timezone

from portal import notices
from portal.application import asking, erasure
from portal.health import actions as health
from portal.letters import digest, sending
from portal.notices import staff_digests
from portal.statements import expiry, making


@shared_task
def write_notices() -> int:
    """Letters about what happened: to applications, standings, appeals, accounts, statements and credits."""
    return notices.write_due(now=timezone.now())


@shared_task
def send_letters() -> int:
    """Letters that wait to be sent, or to be tried again."""
    return sending.send_due(clock=timezone.now)


@shared_task
def write_digests() -> int:
    """Letters of the day: of what members want gathered, and of what waits for staff."""
    now = timezone.now()
    return digest.gather_due(now=now) + staff_digests.write_due(now=now)


@shared_task
def ask_exchange() -> int:
    """What applications still have to hear from the exchange."""
    return asking.ask_due(clock=timezone.now)


@shared_task
def erase_documents() -> int:
    """Documents whose time is up."""
    return erasure.erase_due(now=timezone.now())


@shared_task
def make_exports() -> int:
    """Files that members asked for because they are long."""
    return making.make_due(clock=timezone.now)


@shared_task
def expire_exports() -> int:
    """Prepared files whose week is over."""
    return expiry.expire_due(now=timezone.now())


@shared_task
def beat_canary() -> None:
    """That this runs is the sign of life of beat and worker."""
    health.beat(now=timezone.now())
