"""Turns facts into letters by sweep, each exactly once: it asks which are missing, never "id > last seen"."""

import logging
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import CharField, Exists, F, OuterRef, Value
from django.db.models.functions import Cast, Concat

from portal.application.models import TimelineEntry
from portal.letters import actions as letters
from portal.letters.models import Letter

log = logging.getLogger(__name__)

Kind = TimelineEntry.Kind
#: The letter that an applicant gets about an entry of the timeline; other entries need none.
LETTERS = {
    Kind.SUBMITTED: "application_submitted",
    Kind.INFORMATION_REQUESTED: "information_requested",
    Kind.APPROVED: "application_approved",
    Kind.REJECTED: "application_rejected",
    Kind.WITHDRAWN: "application_withdrawn",
}


def write_due(*, now: datetime) -> int:
    """Write the letters that facts still lack; how many were written.

    One transaction a fact, and the letter's unique key decides: sweeps may run side by side, and one that
    is killed anywhere leaves the rest to the next. A fact that fails keeps no other from its letter; what
    went wrong is raised at the end as an `ExceptionGroup`.
    """
    written, failed = 0, []
    for entry in _without_letter():
        try:
            written += _write(entry, now=now)
        except Exception as problem:
            problem.add_note(f"while writing the letter about entry {entry} of the timeline")
            failed.append(problem)
    if failed:
        raise ExceptionGroup("letters that could not be written", failed)
    return written


def _without_letter() -> list[int]:
    key = Concat(
        Value("timeline:"),
        Cast(OuterRef("pk"), CharField()),
        Value(":"),
        Cast(OuterRef("login"), CharField()),
    )
    return list(
        TimelineEntry.objects.filter(kind__in=LETTERS)
        .annotate(login=F("application__applicant_id"))
        .filter(~Exists(Letter.objects.filter(key=key)))
        .order_by("pk")
        .values_list("pk", flat=True)
    )


@transaction.atomic
def _write(entry_id: int, *, now: datetime) -> bool:
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
