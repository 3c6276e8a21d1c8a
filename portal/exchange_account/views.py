"""The page of the account that payouts go to; asking for another one; stopping a change."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from payouts.exchange import chosen
from payouts.refusal import Refusal
from portal.access import Seat, broker_page
from portal.accounts.proof import proven_afresh
from portal.exchange_account import actions, queries
from portal.exchange_account.forms import AskForm, CancelForm
from portal.exchange_account.limits import TooOften, must_not_be_too_often
from portal.team.roles import May

_read_or_send = require_http_methods(["GET", "HEAD", "POST"])


@broker_page(May.SEE_ACCOUNT)
@require_safe
def exchange_account(request: HttpRequest, seat: Seat) -> HttpResponse:
    shown = queries.shown(seat.code, standing=seat.standing, now=timezone.now())
    return render(request, "exchange_account/page.html", _context(seat, shown=shown))


@broker_page(May.CHANGE_ACCOUNT)
@_read_or_send
def ask(request: HttpRequest, seat: Seat) -> HttpResponseBase:
    """Asks for another account, from an owner who has just proved to be there."""
    now = timezone.now()
    shown = queries.shown(seat.code, standing=seat.standing, now=now)
    if shown.no_change or shown.open:
        messages.error(request, shown.no_change or _("Another change of the account is under way."))
        return redirect("exchange_account", code=seat.code)
    return _ask(request, seat, shown)


@proven_afresh
def _ask(request: HttpRequest, seat: Seat, shown: queries.Shown) -> HttpResponse:
    form = AskForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                must_not_be_too_often(request, "ask", broker_code=seat.code)
                actions.ask(
                    broker_code=seat.code,
                    account_id=form.cleaned_data["account_id"],
                    by=request.user,
                    address=request.META.get("REMOTE_ADDR", ""),
                    exchange=chosen.exchange(clock=timezone.now),
                    clock=timezone.now,
                )
            except Refusal as refusal:
                form.add_error("account_id", str(refusal))
                status = _status(refusal)
            else:
                messages.success(request, _("The change is asked for. Every owner gets a letter."))
                return redirect("exchange_account", code=seat.code)
    return render(request, "exchange_account/ask.html", _context(seat, shown=shown, form=form), status=status)


@broker_page(May.CHANGE_ACCOUNT)
@_read_or_send
def cancel(request: HttpRequest, seat: Seat, reference: UUID) -> HttpResponse:
    """Stops a change. Asks for no fresh proof: stopping a fraud must not wait for anything."""
    change = queries.change(seat.code, reference, now=timezone.now())
    if change is None:
        raise Http404(_("There is no such change of the account."))
    form = CancelForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                actions.cancel(
                    broker_code=seat.code,
                    reference=reference,
                    why=form.cleaned_data["why"],
                    by=request.user,
                    now=timezone.now(),
                )
            except Refusal as refusal:
                messages.error(request, str(refusal))
            else:
                messages.success(request, _("The change is cancelled. Payouts go where they went before."))
            return redirect("exchange_account", code=seat.code)
    if not change.is_open:
        messages.error(request, _("This change is %(state)s by now.") % {"state": change.state_label})
        return redirect("exchange_account", code=seat.code)
    context = _context(seat, change=change, form=form)
    return render(request, "exchange_account/cancel.html", context, status=status)


def _context(seat: Seat, **rest: Any) -> dict[str, Any]:
    return {"seat": seat, "wait_hours": queries.WAIT_HOURS} | rest


def _status(refusal: Refusal) -> int:
    if isinstance(refusal, actions.NoAnswer):
        return 503
    return 429 if isinstance(refusal, TooOften) else 409
