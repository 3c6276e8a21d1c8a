"""Documents of prepared acts: added with the act, never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from payouts.desk.evidence import NewFile, SameFile, must_be_usable
from payouts.desk.money_models import Proposal, ProposalFile

__all__ = ["DocumentBytes", "bytes_of", "fingerprints", "kept_fingerprints", "must_be_usable", "put"]


@dataclass(frozen=True, slots=True)
class DocumentBytes:
    """A document to hand out to staff, and the act that it belongs to."""

    name: str
    media_type: str
    content: bytes
    proposal_id: int
    broker_code: int | None


def put(proposal: Proposal, files: Sequence[NewFile], *, by: int, now: datetime) -> None:
    """Add the documents of an act that is being prepared. Refuses `TooManyFiles`, `NotAFile`, `SameFile`."""
    must_be_usable(files)
    known: set[str] = set()
    for each in files:
        if each.sha256 in known:
            raise SameFile(f"{each.name} was added before: leave it out.")
        known.add(each.sha256)
        ProposalFile.objects.create(
            proposal=proposal,
            name=each.name,
            media_type=each.media_type,
            size=len(each.content),
            sha256=each.sha256,
            content=each.content,
            uploaded_by_id=by,
            uploaded_at=now,
        )


def fingerprints(files: Sequence[NewFile]) -> list[list[str]]:
    """Names and SHA-256 of documents, as an act's digest holds them."""
    return sorted([each.name, each.sha256] for each in files)


def kept_fingerprints(proposal: Proposal) -> list[list[str]]:
    """The same of the documents that an act has."""
    return sorted([name, sha256] for name, sha256 in proposal.files.values_list("name", "sha256"))


def bytes_of(reference: UUID) -> DocumentBytes | None:
    """A document for staff; None if there is none."""
    row = ProposalFile.objects.select_related("proposal").filter(reference=reference).first()
    if row is None:
        return None
    return DocumentBytes(
        row.name, row.media_type, bytes(row.content), row.proposal_id, row.proposal.broker_id
    )
