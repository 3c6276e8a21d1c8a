"""An asked file is made by one worker at a time: a lease says until when, and the fence who may write."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from portal.statements.models import Export, ExportPart

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
State = Export.State

#: A worker that is silent for so long has ended: another begins anew.
LEASE = timedelta(minutes=2)
#: How long a file that is ready is kept.
KEPT = timedelta(days=7)
#: So often it is begun; then a person has to look why.
MOST_ATTEMPTS = 5
_AGAIN = timedelta(seconds=30)
#: Between two notes of how far it is.
_TOLD_EVERY = timedelta(seconds=1)


class ClaimLost(Exception):
    """The lease ran out and somebody else has begun: nothing more may be written."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An export that is ours until the lease ends."""

    export_id: int
    fence: int
    broker_code: int
    kind: str
    of: str
    file_format: str


def claim(*, now: datetime) -> Claim | None:
    """The export that has waited longest, now ours; None when there is none to make.

    Committed before anything is made. What a worker that ended left behind is removed. One that was begun
    too often is given up.
    """
    with transaction.atomic(durable=True):
        export = _for_us_alone(_waiting(now).order_by("asked_at", "pk")).first()
        if export is None:
            return None
        if export.fence >= MOST_ATTEMPTS:
            log.error("export %d was broken off %d times: it is given up", export.pk, export.fence)
            _give_up(export)
            return None
        export.fence += 1
        export.state, export.lease_until, export.done, export.total = State.WORKING, now + LEASE, 0, 0
        export.save(update_fields=["fence", "state", "lease_until", "done", "total"])
        ExportPart.objects.filter(export=export, fence__lt=export.fence).delete()
    return Claim(export.pk, export.fence, export.broker_id, export.kind, export.of, export.file_format)


def failed(of: Claim, *, now: datetime) -> None:
    """It could not be made: it is begun again after a pause, a few times; its parts go with it."""
    with transaction.atomic():
        export = Export.objects.select_for_update().filter(pk=of.export_id, fence=of.fence).first()
        if export is None or export.state != State.WORKING:
            return
        ExportPart.objects.filter(export=export).delete()
        if export.fence >= MOST_ATTEMPTS:
            _give_up(export)
        else:
            pause = _AGAIN * 2**export.fence
            _ours(of).update(state=State.DUE, lease_until=now + pause, done=0, total=0)


@dataclass(slots=True)
class Writing:
    """The file of a claim as it grows. Each stretch is kept by itself; a lost claim writes nothing."""

    claim: Claim
    clock: Clock
    total: int = 0
    _number: int = 0
    _size: int = 0
    _told_at: datetime | None = None
    _hashed: Any = field(default_factory=sha256)

    def went_on(self, done: int) -> None:
        """Note how far it is, at most once a second, and stay the one who makes it. Raises `ClaimLost`."""
        now = self.clock()
        if self._told_at is None or now - self._told_at >= _TOLD_EVERY:
            self._hold(now, done=min(done, self.total), total=self.total)
            self._told_at = now

    def keep(self, content: bytes) -> None:
        """Keep the next stretch of its bytes. Raises `ClaimLost`."""
        with transaction.atomic():
            self._hold(self.clock())
            ExportPart.objects.create(
                export_id=self.claim.export_id, fence=self.claim.fence, number=self._number, content=content
            )
        self._hashed.update(content)
        self._size += len(content)
        self._number += 1

    def is_over(self, *, name: str, media_type: str) -> None:
        """It is ready, from now on for `KEPT`. Raises `ClaimLost`."""
        now = self.clock()
        self._hold(
            now,
            state=State.READY,
            done=self.total,
            total=self.total,
            file_name=name,
            media_type=media_type,
            sha256=self._hashed.hexdigest(),
            size=self._size,
            ready_at=now,
            expires_at=now + KEPT,
        )

    def _hold(self, now: datetime, **fields: Any) -> None:
        if _ours(self.claim).update(lease_until=now + LEASE, **fields) != 1:
            raise ClaimLost(f"export {self.claim.export_id} is somebody else's by now")


def _waiting(now: datetime) -> QuerySet[Export]:
    """Those that nobody has begun, after the pause if one failed; and those whose worker has ended."""
    return Export.objects.filter(
        Q(state=State.DUE, lease_until__isnull=True)
        | Q(state__in=[State.DUE, State.WORKING], lease_until__lte=now)
    )


def _for_us_alone(exports: QuerySet[Export]) -> QuerySet[Export]:
    return exports.select_for_update(skip_locked=True)


def _ours(of: Claim) -> QuerySet[Export]:
    return Export.objects.filter(pk=of.export_id, fence=of.fence, state=State.WORKING)


def _give_up(export: Export) -> None:
    ExportPart.objects.filter(export=export).delete()
    Export.objects.filter(pk=export.pk).update(state=State.FAILED, lease_until=None)
