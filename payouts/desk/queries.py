"""Reads of the desk for staff, beside their windows. What a broker may read is in `told`."""

from dataclasses import dataclass
from uuid import UUID

from payouts.desk.models import Case, CaseFileContent


@dataclass(frozen=True, slots=True)
class FileBytes:
    """A file to hand out, and the case and broker that it belongs to."""

    name: str
    media_type: str
    content: bytes
    case_id: int
    broker_code: int


def has_cases(broker_code: int) -> bool:
    return Case.objects.filter(broker_id=broker_code).exists()


def file_bytes(reference: UUID) -> FileBytes | None:
    """A file for staff, whatever it is; None if there is none."""
    row = CaseFileContent.objects.select_related("file__case").filter(file__reference=reference).first()
    if row is None:
        return None
    file = row.file
    return FileBytes(file.name, file.media_type, bytes(row.content), file.case_id, file.case.broker_id)
