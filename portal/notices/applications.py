"""Letters to an applicant about what happened to the application."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import CharField, Exists, F, OuterRef, Value
from django.db.models.functions import Cast, Concat

from portal.application.models import TimelineEntry
from portal.letters import actions as letters
from portal.letters.models import Letter

Kind = TimelineEntry.Kind
#: The letter that an applicant gets about an entry of the timeline; other entries need none.
LETTERS = {
    Kind.SUBMITTED: "application_submitted",
    Kind.INFORMATION_REQUESTED: "information_requested",
    Kind.APPROVED: "application_approved",
    Kind.REJECTED: "application_rejected",
    Kind.WITHDRAWN: "application_withdrawn",
}


def without_letter(*, since: datetime, now: datetime) -> list[int]:
    """Entries of the timeline whose letter is missing."""
    key = Concat(
        Value("timeline:"),
        Cast(OuterRef("pk"), CharField()),
        Value(":"),
        Cast(OuterRef("login"), CharField()),
    )
    return list(
        TimelineEntry.objects.filter(kind__in=LETTERS, at__gt=since)
        .annotate(login=F("application__applicant_id"))
        .filter(~Exists(Letter.objects.filter(key=key)))
        .order_by("pk")
        .values_list("pk", flat=True)
    )


@transaction.atomic
def write(entry_id: int, *, now: datetime) -> bool:
    """The letter about an entry; whether it was not there before."""
    entry = TimelineEntry.objects.select_related("application__applicant", "application__broker").get(
        pk=entry_id
    )
    login = entry.application.applicant
    return letters.write(
        key=f"timeline:{entry.pk}:{login.pk}",
        kind=LETTERS[Kind(entry.kind)],
        to=login.email,
        facts=_facts(entry),
        now=now,
    )


def _facts(entry: TimelineEntry) -> dict[str, Any]:
    application = entry.application
    facts: dict[str, Any] = {
        "legal_name": application.legal_name,
        "reference": str(application.reference),
    }
    match Kind(entry.kind):
        case Kind.INFORMATION_REQUESTED:
            facts |= {"text": entry.text}
        case Kind.APPROVED:
            broker = application.broker
            assert broker is not None, "approved has its broker, by constraint"  # noqa: S101
            facts |= {"code": broker.code, "broker": broker.name}
        case Kind.REJECTED:
            reapply_from = application.reapply_from
            assert reapply_from is not None, "rejected says until when, by constraint"  # noqa: S101
            facts |= {
                "reason": application.get_rejection_reason_display(),
                "message": application.decision_message,
                "reapply_from": reapply_from.isoformat(),
            }
    return facts
