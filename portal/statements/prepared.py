"""Reads of files that are made in the background: how far they are, and their bytes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.dateformat import format as formatted
from django.utils.translation import gettext as _

from portal.statements.handing import File
from portal.statements.models import Export, ExportPart

_State = Export.State
#: So long after it was asked for a file stays in the list.
_LISTED = timedelta(days=8)
_MOST_LISTED = 20


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that somebody asked for, as it stands at an instant."""

    id: int
    reference: UUID
    kind: str
    of: str
    file_format: str
    #: due, working, ready, failed or expired.
    state: str
    asked_at: datetime
    asked_by: str
    #: Lines or files that are done, and that there are; 0 until that is known.
    done: int
    total: int
    fence: int
    file_name: str
    media_type: str
    sha256: str
    size: int
    expires_at: datetime | None

    @property
    def is_under_way(self) -> bool:
        return self.state in (_State.DUE, _State.WORKING)

    @property
    def what(self) -> str:
        """What it holds, for people."""
        if self.kind == Export.Kind.ALL:
            return _("All statements as ZIP")
        if self.kind == Export.Kind.YEAR:
            return _("Statements of %(year)s as ZIP") % {"year": self.of}
        month = formatted(date.fromisoformat(f"{self.of}-01"), "F Y")
        return _("%(month)s as %(kind)s") % {"month": month, "kind": self.file_format.upper()}


def of_reference(
    reference: UUID, *, broker_code: int, login: Any, sees_all: bool, now: datetime
) -> Prepared | None:
    """The file, for who asked for it and for who sees all of the broker's; None for everybody else."""
    rows = Export.objects.filter(reference=reference, broker=broker_code)
    if not sees_all:
        rows = rows.filter(asked_by=login)
    found = rows.select_related("asked_by").first()
    return None if found is None else _prepared(found, now)


def of_login(*, broker_code: int, login: Any, now: datetime) -> list[Prepared]:
    """What a login has asked for lately, the newest first. One query."""
    rows = Export.objects.filter(broker=broker_code, asked_by=login, asked_at__gt=now - _LISTED)
    return [_prepared(each, now) for each in rows.select_related("asked_by").order_by("-pk")[:_MOST_LISTED]]


def file_of(of: Prepared) -> File:
    """The bytes of a file that is ready: one query and one stretch in memory at a time."""
    return File(of.file_name, of.media_type, of.size, of.sha256, lambda: _parts(of.id, of.fence))


def _parts(export_id: int, fence: int) -> Iterator[bytes]:
    parts = ExportPart.objects.filter(export=export_id, fence=fence)
    number = 0
    while (content := parts.filter(number=number).values_list("content", flat=True).first()) is not None:
        yield bytes(content)
        number += 1


def _prepared(row: Export, now: datetime) -> Prepared:
    is_over = row.state == _State.READY and row.expires_at is not None and row.expires_at <= now
    return Prepared(
        id=row.pk,
        reference=row.reference,
        kind=row.kind,
        of=row.of,
        file_format=row.file_format,
        state=_State.EXPIRED if is_over else row.state,
        asked_at=row.asked_at,
        asked_by=str(row.asked_by),
        done=row.done,
        total=row.total,
        fence=row.fence,
        file_name=row.file_name,
        media_type=row.media_type,
        sha256=row.sha256,
        size=row.size,
        expires_at=row.expires_at,
    )
