"""What waits for a reviewer: the queue, how old it is, and by when we promised an answer."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Min, OuterRef, Q, QuerySet, Subquery

from portal.application.models import Application, Document, State, TimelineEntry
from portal.application.promise import Promise, promise

#: Applications that wait for staff, not for the applicant.
WAITING = (State.SUBMITTED, State.IN_REVIEW)


@dataclass(frozen=True, slots=True)
class Work:
    """The queue in four numbers."""

    waiting: int
    mine: int
    unassigned: int
    oldest: datetime | None


def sent() -> QuerySet[Application]:
    """Every application that was ever sent; drafts are their applicants' own."""
    answers = TimelineEntry.objects.filter(application=OuterRef("pk"), kind=TimelineEntry.Kind.ANSWERED)
    return (
        Application.objects.filter(submitted_at__isnull=False)
        .exclude(state=State.DRAFT)
        .select_related("applicant", "assignee", "decided_by", "broker")
        .annotate(answered_at=Subquery(answers.order_by("-pk").values("at")[:1]))
    )


def work(*, login: Any) -> Work:
    """What waits, as the first page of the staff site shows it to a login."""
    found = Application.objects.filter(state__in=WAITING).aggregate(
        waiting=Count("pk"),
        mine=Count("pk", filter=Q(assignee=login)),
        unassigned=Count("pk", filter=Q(assignee__isnull=True)),
        oldest=Min("submitted_at"),
    )
    return Work(**found)


def promised(application: Any, *, now: datetime) -> Promise:
    """What the applicant of one of `sent()` was promised, and whether we are late."""
    return promise(
        state=application.state,
        submitted_at=application.submitted_at,
        answered_at=application.answered_at,
        now=now,
    )


def working_days(since: date, until: date) -> int:
    """Days from Monday to Friday after `since` up to and with `until`."""
    days = (since + timedelta(days=passed) for passed in range(1, (until - since).days + 1))
    return sum(day.weekday() < 5 for day in days)


def documents(application: Application) -> list[Document]:
    """Every document, removed and erased ones too: their facts remain."""
    return list(application.documents.order_by("pk").select_related("uploaded_by"))
