"""Documents of an application: added and taken back by the applicant; row and bytes in one transaction."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from payouts.refusal import Refusal
from portal.application import course
from portal.application.models import Application, Document, DocumentContent, State, TimelineEntry
from portal.files import checking as files

MOST = 10
_CHANGEABLE = (State.DRAFT, State.INFORMATION_REQUESTED)


class TooManyDocuments(Refusal):
    """The application has as many documents as it may have."""


class AlreadyThere(Refusal):
    """The same file was added before."""


class NotChangeable(Refusal):
    """Documents can be added and taken back before submission, and while we ask for information."""


class NoSuchDocument(Refusal):
    """The application has no such document, or not any more."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came."""

    kind: str
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class CheckedUpload:
    kind: str
    content: bytes
    checked: files.Checked


def checked(reference: UUID, uploads: list[Upload]) -> list[CheckedUpload]:
    """The files with the verdict on each, before any transaction: it takes time.

    Files for which there is no room are refused before the first is looked at. Refuses `FileRefused`,
    `TooManyDocuments`.
    """
    if any(upload.kind not in Document.Kind.values for upload in uploads):
        raise ValueError(f"no kind of document: {[upload.kind for upload in uploads]!r}")
    there = _there(application__reference=reference).count()
    if uploads:
        _must_have_room(there)
    if there + len(uploads) > MOST:
        raise TooManyDocuments(
            _("There is room for %(room)d more documents: send fewer of them.") % {"room": MOST - there}
        )
    return [
        CheckedUpload(upload.kind, upload.content, files.check(upload.content, name=upload.name))
        for upload in uploads
    ]


def add(*, reference: UUID, upload: Upload, now: datetime) -> Document:
    """Add a document. Refuses `FileRefused`, `TooManyDocuments`, `AlreadyThere`, `NotChangeable`."""
    [file] = checked(reference, [upload])
    with transaction.atomic():
        application = _locked(reference)
        document = put(application, file, by=application.applicant, now=now)
        _touch(application, now)
    return document


def put(application: Application, file: CheckedUpload, *, by: Any, now: datetime) -> Document:
    """Add a checked file to an application that the caller has locked. Refuses as `add`."""
    there = _there(application=application)
    _must_have_room(there.count())
    digest = sha256(file.content).hexdigest()
    if there.filter(sha256=digest).exists():
        raise AlreadyThere(_("This file is there already: choose another one."))
    document = Document.objects.create(
        application=application,
        kind=file.kind,
        name=file.checked.name,
        media_type=file.checked.media_type,
        size=len(file.content),
        sha256=digest,
        uploaded_at=now,
        uploaded_by=by,
    )
    DocumentContent.objects.create(document=document, content=file.content)
    return document


def remove(*, reference: UUID, document: UUID, now: datetime) -> None:
    """Take a document back: its bytes go at once, its hash and the fact remain.

    What a reviewer has had before them stays: while we ask for information only documents added since the
    question can go. Refuses `NoSuchDocument`, `NotChangeable`.
    """
    with transaction.atomic():
        application = _locked(reference)
        found = _there(application=application).filter(reference=document).first()
        if found is None:
            raise NoSuchDocument(_("This document is not there any more."))
        if not is_removable(application, found.uploaded_at, asked_at=asked_at(application)):
            raise NotChangeable(
                _("This document was submitted already and stays: add the right one beside it.")
            )
        found.removed_at = found.erased_at = now
        found.save(update_fields=["removed_at", "erased_at"])
        DocumentContent.objects.filter(document=found).delete()
        _touch(application, now)


def asked_at(application: Application) -> datetime | None:
    """When we last asked for information."""
    asked = application.timeline.filter(kind=TimelineEntry.Kind.INFORMATION_REQUESTED)
    return asked.order_by("-pk").values_list("at", flat=True).first()


def is_removable(application: Application, uploaded_at: datetime, *, asked_at: datetime | None) -> bool:
    if application.state == State.DRAFT:
        return True
    return (
        application.state == State.INFORMATION_REQUESTED and asked_at is not None and uploaded_at >= asked_at
    )


def kinds_of(application: Application) -> set[str]:
    """The kinds of the documents that are there."""
    return set(_there(application=application).values_list("kind", flat=True))


def _there(**of: Any) -> QuerySet[Document]:
    return Document.objects.filter(removed_at__isnull=True, erased_at__isnull=True, **of)


def _must_have_room(there: int) -> None:
    if there >= MOST:
        raise TooManyDocuments(
            _("There are %(most)d documents already: remove one that we do not need.") % {"most": MOST}
        )


def _locked(reference: UUID) -> Application:
    try:
        return course.locked(reference, seen=None, states=_CHANGEABLE)
    except course.WrongState:
        raise NotChangeable(
            _("Documents can be changed before you submit, and while we ask for information.")
        ) from None


def _touch(application: Application, now: datetime) -> None:
    application.version += 1
    application.saved_at = now
    application.save(update_fields=["version", "saved_at"])
