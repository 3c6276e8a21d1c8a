"""What a broker is told of its standing and appeals: never staff's notes, evidence or names."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from payouts.desk.models import Appeal, CaseFileContent
from payouts.program.models import StandingChange


@dataclass(frozen=True, slots=True)
class ToldFile:
    """A file of an appeal; `size` in bytes."""

    reference: UUID
    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class ToldMessage:
    """What one side said in an appeal. `by` is the member's login; None: the exchange."""

    by: int | None
    text: str
    at: datetime
    files: list[ToldFile]

    @property
    def is_from_exchange(self) -> bool:
        return self.by is None


@dataclass(frozen=True, slots=True)
class ToldAppeal:
    """An appeal as the broker reads it."""

    reference: UUID
    change_id: int
    state: str
    state_label: str
    opened_by: int
    opened_at: datetime
    #: What the exchange decided, in its own words; empty while it is open, and when it was withdrawn.
    decision: str
    decided_at: datetime | None
    messages: list[ToldMessage]

    @property
    def is_open(self) -> bool:
        return self.state == "open"


@dataclass(frozen=True, slots=True)
class ToldChange:
    """A suspension, lifting or termination as the broker reads it."""

    id: int
    #: "suspended", "lifted" or "terminated".
    kind: str
    effective_at: datetime
    recorded_at: datetime
    #: The category in words; empty at a lifting.
    reason: str
    message: str
    #: When this suspension ended or ends: lifted, cancelled before its start, or cut off by a termination.
    ends_at: datetime | None
    is_lifted: bool
    #: The appeal of it, once there is one.
    appeal: UUID | None
    #: Whether it can be appealed: a suspension or termination, not lifted, not appealed yet.
    can_be_appealed: bool


@dataclass(frozen=True, slots=True)
class ToldFileBytes:
    """A file of an appeal to hand out."""

    name: str
    media_type: str
    content: bytes


def changes(broker_code: int) -> list[ToldChange]:
    """What was decided about a broker since its enrolment, newest first."""
    rows = (
        StandingChange.objects.filter(broker_id=broker_code)
        .exclude(kind=StandingChange.Kind.ENROLLED)
        .select_related("range", "appeal", "ended_by")
        .order_by("-recorded_at", "-pk")
    )
    return [_change(row) for row in rows]


def appeals(broker_code: int) -> list[ToldAppeal]:
    """A broker's appeals, newest first."""
    rows = Appeal.objects.filter(broker_id=broker_code).prefetch_related("messages__files")
    return [_appeal(row) for row in rows.order_by("-opened_at", "-pk")]


def appeal(*, broker_code: int, reference: UUID) -> ToldAppeal | None:
    """An appeal of this broker; None if there is none or it is another's."""
    row = (
        Appeal.objects.filter(broker_id=broker_code, reference=reference)
        .prefetch_related("messages__files")
        .first()
    )
    return None if row is None else _appeal(row)


def file_bytes(*, broker_code: int, reference: UUID) -> ToldFileBytes | None:
    """A file that came with a message of this broker's appeals; None for evidence and for others' files."""
    row = (
        CaseFileContent.objects.select_related("file")
        .filter(file__reference=reference, file__message__appeal__broker_id=broker_code)
        .first()
    )
    return None if row is None else ToldFileBytes(row.file.name, row.file.media_type, bytes(row.content))


def _change(row: StandingChange) -> ToldChange:
    stopped = getattr(row, "range", None)
    appealed = getattr(row, "appeal", None)
    is_lifted = getattr(row, "ended_by", None) is not None
    return ToldChange(
        id=row.pk,
        kind=row.kind,
        effective_at=row.effective_at,
        recorded_at=row.recorded_at,
        reason=str(row.get_reason_display()),
        message=row.message,
        ends_at=stopped.ends_at if stopped else None,
        is_lifted=is_lifted,
        appeal=appealed.reference if appealed else None,
        can_be_appealed=row.kind != StandingChange.Kind.LIFTED and not is_lifted and appealed is None,
    )


def _appeal(row: Appeal) -> ToldAppeal:
    return ToldAppeal(
        reference=row.reference,
        change_id=row.change_id,
        state=row.state,
        state_label=str(row.get_state_display()),
        opened_by=row.opened_by_id,
        opened_at=row.opened_at,
        decision=row.decision,
        decided_at=row.decided_at,
        messages=[
            ToldMessage(
                by=None if each.is_from_exchange else each.by_id,
                text=each.text,
                at=each.at,
                files=[
                    ToldFile(file.reference, file.name, file.media_type, file.size)
                    for file in sorted(each.files.all(), key=lambda file: file.pk)
                ],
            )
            for each in sorted(row.messages.all(), key=lambda each: each.pk)
        ],
    )
