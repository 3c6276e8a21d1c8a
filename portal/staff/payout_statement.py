"""The statement of a payout as staff see it: its number, its proof, what corrected it, and its files."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _

from payouts.month import Month
from payouts.monthend.models import Payout
from payouts.statements import faces, queries
from payouts.statements.faces import StoredFace
from payouts.statements.queries import Issued
from portal.staff.money_doors import page_of_payout, payout_of
from portal.statements import handing, lengths
from portal.statements.queries import KINDS


def of_payout(payout: Payout) -> Issued | None:
    """None before it is approved."""
    if payout.approved_at is None:
        return None
    return queries.issued_of(broker_code=payout.broker_id, month=Month.of_date(payout.run.month))


def files_of(issued: Issued | None) -> list[tuple[str, StoredFace | None]]:
    """Its three files by kind; None while one is being made."""
    return [] if issued is None else [(kind, issued.faces.get(kind)) for kind in KINDS]


def file(window: Any, request: HttpRequest, number: int, kind: str) -> HttpResponseBase:
    """One of the three files, as it is kept: the same bytes that the broker gets."""
    payout = payout_of(request, number)
    issued = of_payout(payout)
    if issued is None or kind not in KINDS:
        raise Http404(_("The payout has no such statement."))
    face = issued.faces.get(kind)
    if face is None:
        if issued.lines > lengths.LONG:
            messages.info(request, _("This file is long and is being made: look again in a minute."))
            return HttpResponseRedirect(f"{page_of_payout(payout.pk)}#statement-heading")
        face = faces.ensure(statement_id=issued.id, kind=kind, now=timezone.now())
    return handing.hand_out(
        request, handing.of_face(face, name=f"{issued.file_name}.{kind}"), taken=lambda: None
    )
