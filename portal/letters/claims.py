"""A letter is claimed by one sweep at a time: a lease says until when, the attempt's number is the fence."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from portal.letters.models import Letter
from portal.letters.pace import MOST_ATTEMPTS

State = Letter.State
WAITING = (State.WRITTEN, State.FAILED)


def due(*, now: datetime) -> QuerySet[Letter]:
    """Letters whose time has come and that nobody holds."""
    return Letter.objects.filter(
        Q(leased_until__isnull=True) | Q(leased_until__lte=now), state__in=WAITING, due_at__lte=now
    )


def claim(*, now: datetime, lease: timedelta) -> Letter | None:
    """The letter that has been due longest, now ours until the lease ends; None when none is due.

    Committed before anything is sent, so a sweep that dies leaves a counted attempt behind, and its
    letter to the next sweep once the lease is over.
    """
    with transaction.atomic(durable=True):
        letter = _for_us_alone(due(now=now).order_by("due_at", "pk")).first()
        if letter is None:
            return None
        letter.attempts += 1
        letter.leased_until = now + lease
        letter.save(update_fields=["attempts", "leased_until"])
    return letter


def give_up_broken_off(*, now: datetime) -> int:
    """Give up letters during which the process died time and again; how many."""
    broken_off = due(now=now).filter(leased_until__isnull=False, attempts__gte=MOST_ATTEMPTS)
    return broken_off.update(
        state=State.DEAD, leased_until=None, last_error="every attempt was broken off from our side"
    )


def _for_us_alone(letters: QuerySet[Letter]) -> QuerySet[Letter]:
    return letters.select_for_update(skip_locked=True)


def settle(letter: Letter, **fields: Any) -> bool:
    """Write down how the attempt ended and give the letter back; whether it still was ours.

    When the lease was lost, another sweep counts attempts by now and its word stands.
    """
    ours = Letter.objects.filter(pk=letter.pk, attempts=letter.attempts, state__in=WAITING)
    return ours.update(leased_until=None, **fields) == 1
