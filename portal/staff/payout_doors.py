"""The doors of one payout: acknowledge, calculate again, send again, and the fills behind its figures."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payouts.settlement.models import Attempt
from portal.accounts.staff_roles import Act
from portal.application.typed import Text
from portal.staff import payout_actions, payout_opened, payout_statement, proposal_preparing
from portal.staff.acting import Asked, Nothing, act_page
from portal.staff.money_doors import BUTTON, READ, attempted, door, page_of_payout, payout_of
from portal.staff.window import acts


class Acknowledgement(forms.Form):
    use_required_attribute = False
    name = forms.CharField(max_length=50, widget=forms.HiddenInput)
    value = forms.CharField(max_length=200, widget=forms.HiddenInput)
    note = Text(
        label=gettext_lazy("Why it is in order"),
        max_length=500,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


def urls(window: Any) -> list[URLPattern]:
    return [
        door(
            window,
            "<int:number>/acknowledge/",
            acknowledge,
            "payout_acknowledge",
            Act.ACKNOWLEDGE_BOUNDS,
            methods=BUTTON,
            is_proven=False,
        ),
        door(
            window,
            "<int:number>/recalculate/",
            recalculate,
            "payout_recalculate",
            Act.RECALCULATE,
            is_proven=False,
        ),
        door(window, "<int:number>/retry/", retry, "payout_retry", Act.RETRY_CREDITS),
        door(
            window,
            "<int:number>/release/<int:hold>/",
            proposal_preparing.release,
            "release_prepare",
            Act.PREPARE_MONEY,
        ),
        door(
            window,
            "<int:number>/forfeit/",
            proposal_preparing.forfeit,
            "forfeit_prepare",
            Act.PREPARE_MONEY,
        ),
        door(
            window,
            "<int:number>/fills/",
            fills,
            "payout_fills",
            Act.SEE_PAYOUTS,
            methods=READ,
            is_proven=False,
        ),
        door(
            window,
            "<int:number>/statement.<str:kind>",
            payout_statement.file,
            "payout_statement",
            Act.SEE_PAYOUTS,
            methods=READ,
            is_proven=False,
        ),
    ]


def acknowledge(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    """What is wrong is told on the page of the payout, with what was typed."""
    payout = payout_of(request, number)
    form = Acknowledgement(request.POST)
    status, refused = 422, _("Nothing was done: say in a few words why it is in order.")
    if form.is_valid():
        refused = attempted(
            lambda: payout_actions.acknowledge(
                payout_id=payout.pk, by=request.user, now=timezone.now(), **form.cleaned_data
            )
        )
        if not refused:
            messages.success(request, _("It is acknowledged."))
            return HttpResponseRedirect(f"{page_of_payout(payout.pk)}#bounds-heading")
        status = 409
    found: HttpResponse = window.page(
        request, payout, status=status, refused=refused, typed=request.POST.get("name", ""), form=form
    )
    return found


def recalculate(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    payout = payout_of(request, number)
    asked = Asked(
        title=_("Calculate this payout again"),
        will=[
            _("The payout of %(broker)s for %(month)s is calculated from the fills as they stand.")
            % {"broker": payout.broker, "month": payout.run},
            _("If anything changes, its preparation is taken back and it is looked at anew."),
        ],
        button=_("Calculate again"),
        done=_("It is calculated."),
        back=page_of_payout(payout.pk),
        of=str(payout.broker),
    )
    return act_page(
        window,
        request,
        asked,
        Nothing,
        lambda _data: payout_actions.recalculate_one(
            payout_id=payout.pk, by=request.user, now=timezone.now()
        ),
    )


def retry(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    """Only after proof of rejection: the engine refuses anything else."""
    payout = payout_of(request, number)
    last = Attempt.objects.filter(payout=payout).order_by("-number").first()
    will = [
        _("The payout of %(broker)s for %(month)s is sent again with a new key.")
        % {"broker": payout.broker, "month": payout.run},
        _("It goes to the account that the broker has now: %(account)s.")
        % {"account": payout.broker.account_id},
    ]
    if last is not None:
        will.insert(
            0,
            _("Attempt %(number)s is %(state)s: %(detail)s")
            % {"number": last.number, "state": last.get_state_display(), "detail": last.detail or "–"},
        )
    asked = Asked(
        title=_("Send it again"),
        will=will,
        button=_("Send it again"),
        done=_("It is sent again within minutes."),
        back=page_of_payout(payout.pk),
        of=str(payout.broker),
    )
    return act_page(
        window,
        request,
        asked,
        Nothing,
        lambda _data: payout_actions.retry(payout_id=payout.pk, by=request.user, now=timezone.now()),
    )


def fills(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    payout = payout_of(request, number)
    return TemplateResponse(
        request,
        "staff/payouts/fills.html",
        window.admin_site.each_context(request)
        | {
            "title": _("Fills of %(broker)s, %(month)s") % {"broker": payout.broker, "month": payout.run},
            "opts": window.opts,
            "payout": payout,
            "back": page_of_payout(payout.pk),
            "opened": payout_opened.opened(payout, request.GET.dict()),
            "can_prepare_money": Act.PREPARE_MONEY in acts(request),
        },
    )
