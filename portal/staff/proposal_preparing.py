"""Where the first of the two prepares an act about money: what would follow stands above the form."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from payouts.desk import release as desk_release
from payouts.desk import void as desk_void
from payouts.desk.hold import to_be_sent
from payouts.desk.models import PayoutHold
from payouts.desk.money_models import Proposal
from payouts.money import plain
from payouts.program import queries as program
from payouts.program.models import Broker
from payouts.refusal import Refusal
from payouts.settlement.models import Attempt, Difference, ExchangeCredit
from portal.accounts.staff_roles import NotYourRole, OwnBroker
from portal.staff import ledger_lines, proposal_actions, proposal_forms
from portal.staff.money_doors import (
    came_through_the_password,
    must_not_be_ones_own,
    number_of,
    page_of_payout,
    payout_of,
)

Do = Callable[[dict[str, Any]], Proposal]


def release(window: Any, request: HttpRequest, number: int, hold: int) -> HttpResponse:
    """Both ways of releasing, with what each would come to."""
    payout = payout_of(request, number)
    held = PayoutHold.objects.filter(pk=number_of(hold), payout=payout).select_related("case").first()
    if held is None:
        raise Http404(_("No case holds this payout so."))
    return _page(
        window,
        request,
        "release",
        _("Prepare the release"),
        form_class=proposal_forms.Release,
        do=lambda data: proposal_actions.release(
            hold_id=held.pk,
            mode=data["mode"],
            note=data["note"],
            evidence=data["attachments"],
            by=request.user,
            now=timezone.now(),
        ),
        back=page_of_payout(payout.pk),
        of=str(payout.broker),
        payout=payout,
        hold=held,
        ways=[
            found
            for mode in (desk_release.IN_FULL, desk_release.WITHOUT)
            if (found := _release(held.pk, mode)) is not None
        ],
    )


def forfeit(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    payout = payout_of(request, number)
    return _page(
        window,
        request,
        "forfeit",
        _("Prepare the forfeit"),
        form_class=proposal_forms.Forfeit,
        do=lambda data: proposal_actions.forfeit(
            payout_id=payout.pk,
            text=data["text"],
            note=data["note"],
            evidence=data["attachments"],
            by=request.user,
            now=timezone.now(),
        ),
        back=page_of_payout(payout.pk),
        of=str(payout.broker),
        payout=payout,
        lost=to_be_sent(payout) if payout.due is not None else None,
    )


def adjust(window: Any, request: HttpRequest, code: int) -> HttpResponse:
    broker = _broker(request, code)
    return _page(
        window,
        request,
        "adjust",
        _("Prepare an adjustment"),
        form_class=proposal_forms.Adjustment,
        do=lambda data: proposal_actions.adjust(
            broker_code=broker.code,
            amount=data["amount"],
            text=data["text"],
            note=data["note"],
            evidence=data["attachments"],
            by=request.user,
            now=timezone.now(),
        ),
        back=reverse("admin:broker_ledger", args=[broker.code]),
        of=str(broker),
        broker=broker,
        balances=ledger_lines.balances(broker.code),
    )


def resolve(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    attempt = (
        Attempt.objects.filter(pk=number_of(number)).select_related("payout__run", "payout__broker").first()
    )
    if attempt is None:
        raise Http404(_("There is no such attempt."))
    must_not_be_ones_own(request, attempt.payout.broker_id)
    return _page(
        window,
        request,
        "resolve",
        _("Prepare what became of the credit"),
        form_class=proposal_forms.Resolution,
        do=lambda data: proposal_actions.resolve(
            attempt_id=attempt.pk,
            mode=data["mode"],
            credit_id=data["credit_id"],
            note=data["note"],
            evidence=data["attachments"],
            by=request.user,
            now=timezone.now(),
        ),
        back=reverse("admin:payouts_attempt_change", args=[attempt.pk]),
        of=str(attempt.payout.broker),
        attempt=attempt,
        listed=ExchangeCredit.objects.filter(key=str(attempt.key)).order_by("pk"),
    )


def resolve_difference(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    difference = (
        Difference.objects.filter(pk=number_of(number)).select_related("broker", "attempt", "credit").first()
    )
    if difference is None:
        raise Http404(_("There is no such difference."))
    must_not_be_ones_own(request, difference.broker_id)
    return _page(
        window,
        request,
        "difference",
        _("Prepare the end of the difference"),
        form_class=proposal_forms.Preparing,
        do=lambda data: proposal_actions.resolve_difference(
            difference_id=difference.pk,
            note=data["note"],
            evidence=data["attachments"],
            by=request.user,
            now=timezone.now(),
        ),
        back=reverse("admin:payouts_difference_change", args=[difference.pk]),
        of=str(difference.get_kind_display()),
        difference=difference,
    )


def void(window: Any, request: HttpRequest, code: int) -> HttpResponse:
    """Which fills; then what voiding them would do, month by month; then it is prepared."""
    broker = _broker(request, code)
    fills = proposal_forms.Fills(
        request.POST if request.method == "POST" else None, initial=request.GET.dict()
    )
    shared: dict[str, Any] = {
        "broker": broker,
        "fills": fills,
        "back": reverse("admin:broker_ledger", args=[broker.code]),
        "of": str(broker),
    }
    title = _("Prepare a void")
    if request.method != "POST" or request.POST.get("step") == "change":
        return _shown(window, request, "void", title, **shared)
    if not fills.is_valid():
        return _shown(window, request, "void", title, status=422, **shared)
    try:
        found = desk_void.preview(broker_code=broker.code, selection=fills.selection())
    except Refusal as refusal:
        return _shown(window, request, "void", title, said=str(refusal), status=409, **shared)
    digest = digest_of_preview(found)
    shared |= {"found": found, "form": proposal_forms.Voiding(initial={"shown": digest})}
    if request.POST.get("step") != "do":
        return _shown(window, request, "void", title, **shared)
    form = proposal_forms.Voiding(request.POST, request.FILES)
    if came_through_the_password(request):
        return _shown(window, request, "void", title, said=_once_more(), **shared)
    if not form.is_valid():
        return _shown(window, request, "void", title, status=422, **shared | {"form": form})
    if form.cleaned_data["shown"] != digest:
        said = _("Nothing was done: these are not the fills that were shown. Look at them again.")
        return _shown(window, request, "void", title, said=said, status=409, **shared)

    def do(data: dict[str, Any]) -> Proposal:
        return proposal_actions.void(
            broker_code=broker.code,
            selection=fills.selection(),
            note=data["note"],
            evidence=data["attachments"],
            by=request.user,
            now=timezone.now(),
        )

    del shared["form"]
    return _prepared(window, request, "void", title, form, do, **shared)


def _page(
    window: Any,
    request: HttpRequest,
    template: str,
    title: str,
    *,
    form_class: type[forms.Form],
    do: Do,
    **context: Any,
) -> HttpResponse:
    """Asks, and on a POST with a good form prepares. A refusal is told on the same page."""
    if request.method != "POST":
        return _shown(window, request, template, title, form=form_class(), **context)
    form = form_class(request.POST, request.FILES)
    if came_through_the_password(request):
        fresh = form_class(initial=request.POST.dict())
        return _shown(window, request, template, title, form=fresh, said=_once_more(), **context)
    if not form.is_valid():
        return _shown(window, request, template, title, form=form, status=422, **context)
    return _prepared(window, request, template, title, form, do, **context)


def _prepared(
    window: Any,
    request: HttpRequest,
    template: str,
    title: str,
    form: forms.Form,
    do: Do,
    **context: Any,
) -> HttpResponse:
    try:
        made = do(form.cleaned_data)
    except (NotYourRole, OwnBroker):
        raise
    except Refusal as refusal:
        rest = context | {"form": form, "said": str(refusal)}
        return _shown(window, request, template, title, status=409, **rest)
    messages.success(request, _("It is prepared: another person confirms it, or it is withdrawn."))
    return HttpResponseRedirect(reverse("admin:payouts_proposal_change", args=[made.pk]))


def _shown(
    window: Any, request: HttpRequest, template: str, title: str, *, status: int = 200, **context: Any
) -> HttpResponse:
    return TemplateResponse(
        request,
        f"staff/proposals/{template}.html",
        window.admin_site.each_context(request) | {"title": title, "opts": window.opts} | context,
        status=status,
    )


def _once_more() -> str:
    return _("Nothing is done yet: choose the documents again, if there are any, and press the button.")


def _broker(request: HttpRequest, code: int) -> Broker:
    found = program.broker_with(code)
    if found is None:
        raise Http404(_("There is no such broker."))
    must_not_be_ones_own(request, code)
    return found


def _release(hold_id: int, mode: desk_release.Mode) -> desk_release.Preview | None:
    """None where it cannot be released so: the desk says why when it is tried."""
    try:
        return desk_release.preview(hold_id=hold_id, mode=mode)
    except Refusal:
        return None


def digest_of_preview(found: desk_void.Preview) -> str:
    """What of it must still be so when it is prepared: the fills, by number and worth."""
    told = [found.fills, plain(found.volume), plain(found.fees), [each.id for each in found.first]]
    return sha256(repr(told).encode()).hexdigest()
