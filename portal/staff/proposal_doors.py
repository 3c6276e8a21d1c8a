"""The doors of prepared acts: confirm by another person, withdraw, and the documents."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from payouts.desk import proposal_queries
from payouts.desk.money_models import Proposal
from portal.accounts.staff_roles import Act
from portal.files.saving import to_save
from portal.staff import proposal_actions, proposal_forms
from portal.staff.acting import Asked, act_page
from portal.staff.money_doors import READ, attempted, door
from portal.staff.proposal_page import proposal_of
from portal.staff.window import acts, must_be_able


def urls(window: Any) -> list[URLPattern]:
    return [
        door(window, "<int:number>/confirm/", confirm, "proposal_confirm", Act.CONFIRM_MONEY),
        door(
            window,
            "<int:number>/withdraw/",
            withdraw,
            "proposal_withdraw",
            Act.SEE_PAYOUTS,
            is_proven=False,
        ),
        door(
            window,
            "<int:number>/files/<uuid:file>/",
            file,
            "proposal_file",
            Act.SEE_PAYOUTS,
            methods=READ,
            is_proven=False,
        ),
    ]


def page_of(proposal: Proposal) -> str:
    return reverse("admin:payouts_proposal_change", args=[proposal.pk])


def confirm(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    """What was prepared and the button; done exactly as shown, by another person."""
    proposal = proposal_of(request, number)
    said, status = "", 200
    if request.method == "POST":
        form = proposal_forms.Confirmation(request.POST)
        said, status = _("Nothing was done: open this page anew and press the button there."), 422
        if form.is_valid():
            said = attempted(
                lambda: proposal_actions.confirm(
                    proposal_id=proposal.pk,
                    shown=form.cleaned_data["shown"],
                    by=request.user,
                    now=timezone.now(),
                )
            )
            if not said:
                messages.success(request, _("It is confirmed and done."))
                return HttpResponseRedirect(page_of(proposal))
            status = 409
            proposal = proposal_of(request, number)
    found: HttpResponse = window.page(
        request, proposal, template="confirm", title=_("Confirm"), said=said, status=status
    )
    return found


def withdraw(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    if Act.CONFIRM_MONEY not in acts(request):
        must_be_able(request, Act.PREPARE_MONEY)
    proposal = proposal_of(request, number)
    asked = Asked(
        title=_("Withdraw the prepared act"),
        will=[
            _("What %(who)s prepared on %(at)s UTC can no longer be confirmed; nothing else changes.")
            % {"who": proposal.prepared_by, "at": f"{proposal.prepared_at:%Y-%m-%d %H:%M}"},
        ],
        button=_("Withdraw it"),
        done=_("It is withdrawn."),
        back=page_of(proposal),
        of=str(proposal),
    )
    return act_page(
        window,
        request,
        asked,
        proposal_forms.Withdrawal,
        lambda data: proposal_actions.withdraw(
            proposal_id=proposal.pk, note=data["note"], by=request.user, now=timezone.now()
        ),
    )


def file(window: Any, request: HttpRequest, number: int, file: UUID) -> HttpResponse:
    proposal = proposal_of(request, number)
    found = proposal_queries.bytes_of(file)
    if found is None or found.proposal_id != proposal.pk:
        raise Http404(_("There is no such file."))
    return to_save(name=found.name, media_type=found.media_type, content=found.content)
