"""One letter each working day to each of staff: what waits for them, unless nothing does."""

import logging
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, Min, OuterRef, QuerySet
from django.utils import translation
from django.utils.formats import date_format

from payouts.feed.quarantine_models import QuarantinePlace
from payouts.ledger.models import BooksCheck
from payouts.monthend.models import Payout
from portal.accounts.models import User
from portal.application.models import Application
from portal.application.review_queue import WAITING
from portal.letters.models import Letter
from portal.notices import rows
from portal.preferences import queries as preferences
from portal.team.models import Membership

log = logging.getLogger(__name__)

#: UTC. What begins to wait after the morning is told of on the next working day.
FROM, UNTIL = time(7), time(12)
_FRIDAY = 4


@dataclass(frozen=True, slots=True)
class _Common:
    """What is the same for everybody, asked once."""

    applications: dict[str, Any]
    quarantine: dict[str, Any]
    books: dict[str, Any]


def write_due(*, now: datetime) -> int:
    """Write this morning's letters to staff that are missing; how many were written.

    One transaction a letter, and the letter's unique key decides. A letter that fails keeps nobody else from
    theirs; what went wrong is raised at the end as an `ExceptionGroup`.
    """
    if now.weekday() > _FRIDAY or not FROM <= now.time() < UNTIL:
        return 0
    written, failed = 0, []
    logins = _without_letter(now)
    common = _common(now) if logins else None
    for login in logins:
        try:
            written += common is not None and _write(login, common, now=now)
        except Exception as problem:
            problem.add_note(f"while writing the letter of the day to login {login.pk}")
            failed.append(problem)
    if failed:
        raise ExceptionGroup("letters of the day that could not be written", failed)
    return written


def key(login: int, day: datetime) -> str:
    return f"staff:{login}:{day.date().isoformat()}"


def _without_letter(now: datetime) -> list[User]:
    staff = list(User.objects.filter(is_staff=True, is_active=True).order_by("pk"))
    had = set(
        Letter.objects.filter(key__in=[key(each.pk, now) for each in staff]).values_list("key", flat=True)
    )
    return [each for each in staff if key(each.pk, now) not in had]


@transaction.atomic
def _write(login: User, common: _Common, *, now: datetime) -> bool:
    facts: dict[str, Any] = {}
    for _broker, topic in preferences.staff_ones(login.pk):
        facts |= _months(login) if topic == "months" else getattr(common, topic)
    if not facts:
        return False
    return rows.write(
        key=key(login.pk, now),
        kind="staff_digest",
        login=login.pk,
        facts={"day": now.date().isoformat()} | facts,
        unsubscribe={"login": login.pk, "broker": None, "topic": "staff"},
        now=now,
    )


def _common(now: datetime) -> _Common:
    return _Common(_applications(), _quarantine(now), _books())


def _applications() -> dict[str, Any]:
    found = Application.objects.filter(state__in=WAITING).aggregate(
        waiting=Count("pk"), oldest=Min("submitted_at")
    )
    if not found["waiting"]:
        return {}
    return {"applications": found["waiting"], "applications_oldest": found["oldest"].isoformat()}


def _months(login: User) -> dict[str, Any]:
    """Payouts that wait to be approved, but for those of the login's own brokers and its own preparing."""
    own = Membership.objects.filter(login=login, broker=OuterRef("broker"))
    waiting: QuerySet[Payout] = Payout.objects.filter(~Exists(own), state=Payout.State.PREPARED)
    counts = list(
        waiting.exclude(prepared_by=login)
        .order_by("run__month")
        .values_list("run__month")
        .annotate(payouts=Count("pk"))
    )
    if not counts:
        return {}
    with translation.override(settings.LANGUAGE_CODE):
        lines = [f"{date_format(month, 'F Y')}: {payouts}" for month, payouts in counts]
    return {"months": sum(payouts for _month, payouts in counts), "months_waiting": "\n".join(lines)}


def _quarantine(now: datetime) -> dict[str, Any]:
    """What came since this hour of the last working day, wherever it is now, and all that still waits."""
    until = datetime.combine(now.date(), FROM, tzinfo=now.tzinfo)
    since = until - timedelta(days=3 if now.weekday() == 0 else 1)
    places = QuarantinePlace.objects
    came = _by_reason(places.filter(received_at__gte=since, received_at__lt=until), "record__reason")
    waiting = _by_reason(places.filter(state=QuarantinePlace.State.WAITING), "reason")
    return _told("quarantine_came", came) | _told("quarantine", waiting)


def _by_reason(places: QuerySet[QuarantinePlace], reason: str) -> list[tuple[str, int]]:
    return list(places.order_by(reason).values_list(reason).annotate(records=Count("pk")))


def _told(name: str, counts: list[tuple[str, int]]) -> dict[str, Any]:
    if not counts:
        return {}
    lines = [f"{' '.join(reason.split())}: {records}" for reason, records in counts]
    return {name: sum(records for _reason, records in counts), f"{name}_reasons": "\n".join(lines)}


def _books() -> dict[str, Any]:
    """What the latest check found."""
    check = BooksCheck.objects.order_by("-checked_at", "-pk").values_list("breaches", flat=True).first()
    if not check:
        return {}
    return {
        "books": len(check),
        "books_breaches": "\n".join(f"{each['invariant']}: not so for {each['rows']} rows" for each in check),
    }
