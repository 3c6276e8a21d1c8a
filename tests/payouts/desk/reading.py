"""What the tests of the desk read back: cases, timelines, files and appeals, as they are kept."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from payouts.desk.models import Appeal, AppealMessage, Case, CaseEntry, CaseFile, CaseFileContent
from payouts.program.models import StandingChange, StandingRange


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case as staff see it; logins by their pk, None is the portal itself or nobody."""

    id: int
    broker_code: int
    broker_name: str
    kind: str
    kind_label: str
    title: str
    state: str
    state_label: str
    is_flagged: bool
    opened_at: datetime
    opened_by: int | None
    owner: int | None
    outcome: str
    closed_at: datetime | None
    closed_by: int | None
    has_open_appeal: bool

    @property
    def is_open(self) -> bool:
        return self.state == "open"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a case's timeline; `by` None is the portal itself."""

    kind: str
    label: str
    at: datetime
    by: int | None
    text: str


@dataclass(frozen=True, slots=True)
class File:
    """What is known of a file of a case; `size` in bytes."""

    reference: UUID
    name: str
    media_type: str
    size: int
    sha256: str
    uploaded_by: int
    uploaded_at: datetime
    #: Evidence of staff; otherwise it came with a message of an appeal, which the broker sees.
    is_evidence: bool


@dataclass(frozen=True, slots=True)
class FileBytes:
    """A file to hand out, and the case and broker that it belongs to."""

    name: str
    media_type: str
    content: bytes
    case_id: int
    broker_code: int


@dataclass(frozen=True, slots=True)
class Message:
    """What one side said in an appeal."""

    by: int
    is_from_exchange: bool
    text: str
    at: datetime
    files: list[File]


@dataclass(frozen=True, slots=True)
class AppealView:
    """An appeal as staff see it, with what it is about."""

    reference: UUID
    broker_code: int
    broker_name: str
    case_id: int
    change_id: int
    #: "suspended" or "terminated".
    change_kind: str
    state: str
    state_label: str
    opened_by: int
    opened_at: datetime
    decision: str
    decided_by: int | None
    decided_at: datetime | None
    messages: list[Message]

    @property
    def is_open(self) -> bool:
        return self.state == "open"


def cases_of(broker_code: int) -> list[CaseView]:
    """A broker's cases, the open ones first, newest first."""
    return _cases(Case.objects.filter(broker_id=broker_code))


def all_cases() -> list[CaseView]:
    """Every case, the open ones first, newest first."""
    return _cases(Case.objects.all())


def flagged() -> list[CaseView]:
    """Open cases that opened by themselves and nobody has taken yet."""
    return _cases(Case.objects.filter(is_flagged=True, state=Case.State.OPEN))


def case(case_id: int) -> CaseView | None:
    return next(iter(_cases(Case.objects.filter(pk=case_id))), None)


def timeline(case_id: int) -> list[Entry]:
    """What happened in a case, oldest first."""
    rows = CaseEntry.objects.filter(case_id=case_id).order_by("pk")
    return [Entry(row.kind, row.get_kind_display(), row.at, row.by_id, row.text) for row in rows]


def files_of(case_id: int) -> list[File]:
    """Every file of a case, evidence and appeals, oldest first."""
    return [_file(row) for row in CaseFile.objects.filter(case_id=case_id).order_by("pk")]


def file_bytes(reference: UUID) -> FileBytes | None:
    """A file for staff, whatever it is; None if there is none."""
    row = CaseFileContent.objects.select_related("file__case").filter(file__reference=reference).first()
    if row is None:
        return None
    file = row.file
    return FileBytes(file.name, file.media_type, bytes(row.content), file.case_id, file.case.broker_id)


def appeal(reference: UUID) -> AppealView | None:
    return next(iter(_appeals(Appeal.objects.filter(reference=reference))), None)


def appeal_of(change_id: int) -> AppealView | None:
    """The appeal of a change of standing."""
    return next(iter(_appeals(Appeal.objects.filter(change_id=change_id))), None)


def appeals_in(case_id: int) -> list[AppealView]:
    """The appeals of a case, oldest first."""
    return _appeals(Appeal.objects.filter(case_id=case_id))


def open_appeals() -> list[AppealView]:
    """Appeals that wait for a decision, the longest first."""
    return _appeals(Appeal.objects.filter(state=Appeal.State.OPEN))


def is_terminated(broker_code: int, now: datetime) -> bool:
    return StandingRange.objects.filter(
        broker_id=broker_code, kind=StandingChange.Kind.TERMINATED, starts_at__lte=now
    ).exists()


def _cases(rows: QuerySet[Case]) -> list[CaseView]:
    appealed = Appeal.objects.filter(case=OuterRef("pk"), state=Appeal.State.OPEN)
    rows = rows.select_related("broker").annotate(has_open_appeal=Exists(appealed))
    return [
        CaseView(
            id=row.pk,
            broker_code=row.broker_id,
            broker_name=row.broker.name,
            kind=row.kind,
            kind_label=row.get_kind_display(),
            title=row.title,
            state=row.state,
            state_label=row.get_state_display(),
            is_flagged=row.is_flagged,
            opened_at=row.opened_at,
            opened_by=row.opened_by_id,
            owner=row.owner_id,
            outcome=row.outcome,
            closed_at=row.closed_at,
            closed_by=row.closed_by_id,
            has_open_appeal=row.has_open_appeal,
        )
        for row in rows.order_by("-state", "-opened_at", "-pk")
    ]


def _appeals(rows: QuerySet[Appeal]) -> list[AppealView]:
    return [
        AppealView(
            reference=row.reference,
            broker_code=row.broker_id,
            broker_name=row.broker.name,
            case_id=row.case_id,
            change_id=row.change_id,
            change_kind=row.change.kind,
            state=row.state,
            state_label=row.get_state_display(),
            opened_by=row.opened_by_id,
            opened_at=row.opened_at,
            decision=row.decision,
            decided_by=row.decided_by_id,
            decided_at=row.decided_at,
            messages=[_message(each) for each in sorted(row.messages.all(), key=lambda each: each.pk)],
        )
        for row in rows.select_related("broker", "change")
        .prefetch_related("messages__files")
        .order_by("opened_at", "pk")
    ]


def _message(row: AppealMessage) -> Message:
    files = sorted(row.files.all(), key=lambda each: each.pk)
    return Message(row.by_id, row.is_from_exchange, row.text, row.at, [_file(each) for each in files])


def _file(row: CaseFile) -> File:
    return File(
        reference=row.reference,
        name=row.name,
        media_type=row.media_type,
        size=row.size,
        sha256=row.sha256,
        uploaded_by=row.uploaded_by_id,
        uploaded_at=row.uploaded_at,
        is_evidence=row.message_id is None,
    )
