"""Files of a case: evidence of staff, or what came with a message of an appeal. Added, never changed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from payouts.desk.models import AppealMessage, Case, CaseFile, CaseFileContent
from payouts.refusal import Refusal

MOST_FILES = 10
#: Bytes of one file.
LARGEST = 10 * 1024 * 1024
LONGEST_NAME = 200
MEDIA_TYPES = frozenset({"application/pdf", "image/png", "image/jpeg"})


class TooManyFiles(Refusal):
    """More files at once than are taken."""


class NotAFile(Refusal):
    """Empty, too large, of another kind, or without a usable name."""


class SameFile(Refusal):
    """The very same bytes lie there already."""


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file as it was uploaded, its content already checked by the door that took it."""

    name: str
    media_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@transaction.atomic
def put(
    case: Case,
    files: Sequence[NewFile],
    *,
    by: int,
    now: datetime,
    message: AppealMessage | None = None,
) -> list[CaseFile]:
    """Add files to a case: evidence, or what came with a message of one of its appeals.

    Evidence is compared with evidence and messages with their own appeal's alone: a broker must not learn
    from a refusal what staff have. Refuses `TooManyFiles`, `NotAFile`, `SameFile`; then none is kept.
    """
    if not files:
        return []
    must_be_usable(files)
    # One after the other, or two could bring the same file at once.
    Case.objects.select_for_update(no_key=True).get(pk=case.pk)
    _must_be_new(case, files, message)
    made = CaseFile.objects.bulk_create(
        [
            CaseFile(
                case=case,
                message=message,
                name=each.name,
                media_type=each.media_type,
                size=len(each.content),
                sha256=each.sha256,
                uploaded_by_id=by,
                uploaded_at=now,
            )
            for each in files
        ]
    )
    for row, each in zip(made, files, strict=True):
        CaseFileContent.objects.create(file=row, content=each.content)
    return made


def must_be_usable(files: Sequence[NewFile]) -> None:
    """Refuse `TooManyFiles` or `NotAFile`."""
    if len(files) > MOST_FILES:
        raise TooManyFiles(f"{len(files)} files are too many at once: choose at most {MOST_FILES}.")
    for each in files:
        _must_be_a_file(each)


def _must_be_a_file(file: NewFile) -> None:
    if not file.name.strip() or len(file.name) > LONGEST_NAME or "\0" in file.name:
        raise NotAFile(f"A file's name has 1 to {LONGEST_NAME} characters: rename it.")
    if file.media_type not in MEDIA_TYPES:
        raise NotAFile(f"{file.name} is neither PDF, PNG nor JPEG: convert it first.")
    if not file.content:
        raise NotAFile(f"{file.name} is empty: choose another file.")
    if len(file.content) > LARGEST:
        raise NotAFile(f"{file.name} has more than {LARGEST // 1024**2} MB: choose a smaller file.")


def _must_be_new(case: Case, files: Sequence[NewFile], message: AppealMessage | None) -> None:
    beside = CaseFile.objects.filter(case=case)
    if message is None:
        beside = beside.filter(message__isnull=True)
    else:
        beside = beside.filter(message__appeal=message.appeal_id)
    known = set(beside.filter(sha256__in=[each.sha256 for each in files]).values_list("sha256", flat=True))
    for each in files:
        if each.sha256 in known:
            raise SameFile(f"{each.name} was added before: leave it out.")
        known.add(each.sha256)
