"""Erases documents whose time is up: their bytes go, hash, name and fact remain."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from portal.application.models import Document, DocumentContent, State, TimelineEntry

#: Days after refusal or withdrawal, or after a draft was last saved.
KEPT_DAYS = 180
_AT_ONCE = 100


def erase_due(*, now: datetime) -> int:
    """Erase what is due; how many documents. Harmless to repeat, and to run twice at the same time.

    Due are documents of applications refused or withdrawn 180 days ago, of drafts not touched for 180
    days, and whatever the applicant removed.
    """
    erased = 0
    while True:
        with transaction.atomic():
            due = list(
                Document.objects.filter(_due(now), erased_at__isnull=True)
                .select_related("application")
                .order_by("pk")
                # With its application: one that is being submitted at this moment is skipped.
                .select_for_update(of=("self", "application"), skip_locked=True)[:_AT_ONCE]
            )
            DocumentContent.objects.filter(document__in=due).delete()
            Document.objects.filter(pk__in=[each.pk for each in due]).update(erased_at=now)
        erased += len(due)
        if len(due) < _AT_ONCE:
            return erased


def _due(now: datetime) -> Q:
    until = now - timedelta(days=KEPT_DAYS)
    withdrawn = TimelineEntry.objects.filter(kind=TimelineEntry.Kind.WITHDRAWN, at__lte=until)
    return (
        Q(removed_at__isnull=False)
        | Q(application__state=State.REJECTED, application__decided_at__lte=until)
        | Q(application__state=State.WITHDRAWN, application__in=withdrawn.values("application"))
        | Q(application__state=State.DRAFT, application__saved_at__lte=until)
    )
