"""Removes the bytes of prepared files whose time is up; that there was a file stays known."""

from datetime import datetime, timedelta

from django.db import transaction

from portal.statements.models import Export, ExportPart

#: Who began to read a file in its last minute reads it to its end.
GRACE = timedelta(hours=1)


def expire_due(*, now: datetime) -> int:
    """Expire every file whose week, and an hour more, is over; how many. One transaction each."""
    expired = 0
    while _expire_one(now):
        expired += 1
    return expired


@transaction.atomic
def _expire_one(now: datetime) -> bool:
    over = Export.objects.filter(state=Export.State.READY, expires_at__lte=now - GRACE)
    export = over.order_by("expires_at").select_for_update(skip_locked=True).first()
    if export is None:
        return False
    ExportPart.objects.filter(export=export).delete()
    Export.objects.filter(pk=export.pk).update(state=Export.State.EXPIRED)
    return True
