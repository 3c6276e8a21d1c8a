"""Reads of prepared acts and holds for staff's pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Prefetch, QuerySet

from payouts.desk.models import PayoutHold
from payouts.desk.money_models import Adjustment, Proposal, ProposalFile
from payouts.desk.proposal_files import DocumentBytes, bytes_of
from payouts.month import Month

__all__ = [
    "Act",
    "AdjustmentRow",
    "Document",
    "DocumentBytes",
    "HoldOfPayout",
    "act",
    "acts",
    "adjustments_of",
    "bytes_of",
    "holds_of_payout",
    "withdrawn_because",
]

_WITHDRAWN = """
    SELECT pgh_context ->> 'reason' FROM payouts_proposalhistory
    WHERE pgh_obj_id = %s AND state = 'withdrawn' ORDER BY pgh_id DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Document:
    """A document of an act; `size` in bytes."""

    reference: UUID
    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Act:
    """A prepared act as lists and pages show it."""

    id: int
    kind: str
    kind_label: str
    state: str
    state_label: str
    broker_code: int | None
    broker_name: str
    payout_id: int | None
    #: Of the payout.
    month: Month | None
    hold_id: int | None
    case_id: int | None
    attempt_id: int | None
    difference_id: int | None
    mode: str
    #: Of an adjustment; signed dollars in whole cents.
    amount: Decimal | None
    text: str
    note: str
    #: How many fills a void names.
    fills: int
    prepared_by: int
    prepared_at: datetime
    #: Who confirmed or withdrew it.
    decided_by: int | None
    decided_at: datetime | None
    documents: list[Document]


@dataclass(frozen=True, slots=True)
class HoldOfPayout:
    """That a case holds or held a payout, and how that ended."""

    id: int
    case_id: int
    case_title: str
    held_at: datetime
    #: "in full", "without suspended days", "forfeited"; empty while it is held.
    released: str
    released_at: datetime | None
    withheld: Decimal
    #: The release that waits for its second person.
    proposal_id: int | None


@dataclass(frozen=True, slots=True)
class AdjustmentRow:
    """An adjustment of a broker's ledger; signed dollars in whole cents."""

    id: int
    proposal_id: int
    amount: Decimal
    text: str
    at: datetime
    #: The first day of the month on whose statement it is shown; None until one is approved.
    shown_month: date | None


def act(proposal_id: int) -> Act | None:
    """One act, whatever became of it; None if there is none."""
    return next(iter(_acts(Proposal.objects.filter(pk=proposal_id))), None)


def acts(
    *,
    broker_code: int | None = None,
    payout_id: int | None = None,
    kinds: Iterable[str] = (),
    waiting: bool = False,
    most: int = 200,
) -> list[Act]:
    """Acts, newest first; `waiting` leaves out those that are decided. Two queries."""
    rows = Proposal.objects.all()
    if broker_code is not None:
        rows = rows.filter(broker=broker_code)
    if payout_id is not None:
        rows = rows.filter(payout=payout_id)
    if kinds:
        rows = rows.filter(kind__in=list(kinds))
    if waiting:
        rows = rows.filter(state=Proposal.State.PREPARED)
    return _acts(rows.order_by("-pk")[:most])


def withdrawn_because(proposal_id: int) -> str:
    """Why an act was withdrawn, from its history; empty if it was not."""
    with connection.cursor() as cursor:
        cursor.execute(_WITHDRAWN, [proposal_id])
        return next((reason or "" for (reason,) in cursor.fetchall()), "")


def holds_of_payout(payout_id: int) -> list[HoldOfPayout]:
    """Every hold of a payout, released ones too, oldest first."""
    rows = PayoutHold.objects.filter(payout=payout_id).select_related("case", "release").order_by("pk")
    waiting = dict(
        Proposal.objects.filter(
            payout=payout_id, kind=Proposal.Kind.RELEASE, state=Proposal.State.PREPARED
        ).values_list("hold_id", "pk")
    )
    found = []
    for row in rows:
        ended = getattr(row, "release", None)
        found.append(
            HoldOfPayout(
                id=row.pk,
                case_id=row.case_id,
                case_title=row.case.title,
                held_at=row.held_at,
                released=ended.mode if ended else "",
                released_at=ended.released_at if ended else None,
                withheld=ended.withheld if ended else Decimal("0.00"),
                proposal_id=waiting.get(row.pk),
            )
        )
    return found


def adjustments_of(broker_code: int) -> list[AdjustmentRow]:
    """A broker's adjustments, newest first."""
    rows = Adjustment.objects.filter(broker=broker_code).select_related("shown_on__payout__run")
    return [
        AdjustmentRow(
            id=row.pk,
            proposal_id=row.proposal_id,
            amount=row.amount,
            text=row.text,
            at=row.at,
            shown_month=row.shown_on.payout.run.month if hasattr(row, "shown_on") else None,
        )
        for row in rows.order_by("-pk")
    ]


def _acts(rows: QuerySet[Proposal]) -> list[Act]:
    documents = ProposalFile.objects.defer("content").order_by("pk")
    return [
        _act(row)
        for row in rows.select_related("broker", "payout__run", "hold")
        .annotate(fills=Count("proposed_voids"))
        .prefetch_related(Prefetch("files", documents))
    ]


def _act(row: Any) -> Act:
    return Act(
        id=row.pk,
        kind=row.kind,
        kind_label=str(row.get_kind_display()),
        state=row.state,
        state_label=str(row.get_state_display()),
        broker_code=row.broker_id,
        broker_name=row.broker.name if row.broker else "",
        payout_id=row.payout_id,
        month=Month.of_date(row.payout.run.month) if row.payout else None,
        hold_id=row.hold_id,
        case_id=row.hold.case_id if row.hold else None,
        attempt_id=row.attempt_id,
        difference_id=row.difference_id,
        mode=row.mode,
        amount=row.amount,
        text=row.text,
        note=row.note,
        fills=row.fills,
        prepared_by=row.prepared_by_id,
        prepared_at=row.prepared_at,
        decided_by=row.decided_by_id,
        decided_at=row.decided_at,
        documents=[
            Document(each.reference, each.name, each.media_type, each.size) for each in row.files.all()
        ],
    )
