"""The doors of standing under a broker's address; here those that lift, confirm and withdraw."""

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _

from payouts.desk import consequences as desk_consequences
from payouts.desk import terminate as desk_terminate
from payouts.desk.models import Appeal, Case, Termination
from payouts.program import queries as program
from payouts.program.models import Broker, StandingChange
from payouts.refusal import Refusal
from portal.accounts.staff_roles import Act, NotYourRole, OwnBroker
from portal.staff import standing_actions, standing_forms, standing_steps, standing_words
from portal.staff.acting import Asked, act_page
from portal.staff.held import held_by
from portal.staff.own import must_not_be_own
from portal.staff.standing_pages import page_of, people, shown
from portal.staff.window import must_be_able

View = Callable[..., HttpResponse]


def urls(window: Any) -> list[URLPattern]:
    """The addresses of standing under a broker's own; the window of brokers takes them in."""

    def page(address: str, view: View, name: str, act: Act, *, is_proven: bool = True) -> URLPattern:
        found: URLPattern = path(
            f"<int:code>/{address}",
            window.admin_site.admin_view(_door(window, view, act, is_proven=is_proven)),
            name=name,
        )
        return found

    return [
        page("suspend/", standing_steps.suspend, "broker_suspend", Act.SUSPEND),
        page("terminate/", standing_steps.terminate, "broker_terminate", Act.PREPARE_TERMINATION),
        page("standing/<int:change>/lift/", lift, "standing_lift", Act.SUSPEND),
        page("terminations/<int:number>/confirm/", confirm, "termination_confirm", Act.CONFIRM_TERMINATION),
        page(
            "terminations/<int:number>/withdraw/",
            withdraw,
            "termination_withdraw",
            Act.PREPARE_TERMINATION,
            is_proven=False,
        ),
    ]


def _door(window: Any, view: View, act: Act, *, is_proven: bool) -> View:
    """The role's act or 403, the login proved anew where money stops, the broker or 404, not one's own."""

    def enter(request: HttpRequest, code: int, **rest: Any) -> HttpResponse:
        broker = program.broker_with(code)
        if broker is None:
            raise Http404(_("There is no such broker."))
        try:
            must_not_be_own(request.user, code)
            return view(window, request, broker, **rest)
        except (NotYourRole, OwnBroker) as refusal:
            raise PermissionDenied(str(refusal)) from None

    proved = reauthentication_required(enter) if is_proven else enter

    def knock(request: HttpRequest, code: int, **rest: Any) -> HttpResponse:
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        must_be_able(request, act)  # before the login is asked to prove itself in vain
        found: HttpResponse = proved(request, code=code, **rest)
        return found

    return knock


def lift(window: Any, request: HttpRequest, broker: Broker, change: int) -> HttpResponse:
    """Which suspension ends, what is held all the same, and what the broker is told."""
    suspension = StandingChange.objects.filter(pk=change, broker=broker, kind="suspended").first()
    if suspension is None:
        raise Http404(_("There is no such suspension."))
    now = timezone.now()
    is_planned = suspension.effective_at > now
    at = f"{suspension.effective_at:%Y-%m-%d %H:%M:%S}"
    if is_planned:
        will = [
            _("The suspension that was planned from %(at)s UTC on does not begin: %(reason)s.")
            % {"at": at, "reason": suspension.get_reason_display()},
            _("The code stays live at the gateway."),
        ]
    else:
        will = [
            _("The suspension that holds since %(at)s UTC ends: %(reason)s.")
            % {"at": at, "reason": suspension.get_reason_display()},
            _("The code is live again at the gateway from the moment you press the button."),
            *_held_sentences(suspension.case),
        ]
    if Appeal.objects.filter(change=suspension, state=Appeal.State.OPEN).exists():
        will.append(_("Its appeal is granted, with what you write to the broker."))
    will.append(_("Letters go to %(people)s.") % {"people": people(broker)})
    asked = Asked(
        title=_("Cancel the planned suspension") if is_planned else _("Lift the suspension"),
        will=will,
        button=_("Cancel it") if is_planned else _("Lift it"),
        done=_("The suspension is cancelled.") if is_planned else _("The suspension is lifted."),
        back=page_of(broker),
        of=str(broker),
    )
    return act_page(
        window,
        request,
        asked,
        standing_forms.Lifting,
        lambda data: standing_actions.lift(
            suspension_id=suspension.pk, by=request.user, now=timezone.now(), **data
        ),
        initial={
            "message": standing_words.CANCELLED if is_planned else standing_words.LIFTED,
            "is_planned": is_planned,
        },
    )


def confirm(window: Any, request: HttpRequest, broker: Broker, number: int) -> HttpResponse:
    """Who prepared it and all that will happen; done exactly as shown, by another person."""
    # What is confirmed is what was shown: the digest comes first, so that whatever changes while the page is
    # made differs from it.
    digest = desk_terminate.shown(_termination(broker, number).pk, now=timezone.now())
    termination = _termination(broker, number)
    said, status = "", 200
    if request.method == "POST":
        form = standing_forms.Confirmation(request.POST)
        try:
            if form.is_valid():
                change = standing_actions.confirm(
                    termination_id=termination.pk,
                    shown=form.cleaned_data["shown"],
                    by=request.user,
                    clock=timezone.now,
                )
                messages.success(
                    request,
                    _("Terminated from %(at)s UTC on. The letters go out within seconds.")
                    % {"at": f"{change.effective_at:%Y-%m-%d %H:%M:%S}"},
                )
                return HttpResponseRedirect(page_of(broker))
            said, status = _("Nothing was done: open this page anew and press the button there."), 422
        except (NotYourRole, OwnBroker):
            raise
        except Refusal as refusal:
            said, status = str(refusal), 409
            digest = desk_terminate.shown(termination.pk, now=timezone.now())
            termination = _termination(broker, number)
    now = timezone.now()
    follows = None
    if termination.state == Termination.State.PREPARED:
        try:
            follows = desk_consequences.of_termination(
                broker_code=broker.code, effective_at=termination.effective_at, now=now
            )
        except Refusal as refusal:
            said, status = said or str(refusal), max(status, 409)
    return shown(
        window,
        request,
        broker,
        "confirm",
        _("Confirm the termination"),
        termination=termination,
        follows=follows,
        is_own=termination.prepared_by_id == request.user.pk,
        said=said,
        form=standing_forms.Confirmation(initial={"shown": digest}),
        now=now,
        status=status,
    )


def withdraw(window: Any, request: HttpRequest, broker: Broker, number: int) -> HttpResponse:
    termination = _termination(broker, number)
    asked = Asked(
        title=_("Withdraw the prepared termination"),
        will=[
            _("What %(who)s prepared on %(at)s UTC can no longer be confirmed; nothing else changes.")
            % {"who": termination.prepared_by, "at": f"{termination.prepared_at:%Y-%m-%d %H:%M}"},
            _("The broker learns nothing of it."),
        ],
        button=_("Withdraw it"),
        done=_("The prepared termination is withdrawn."),
        back=page_of(broker),
        of=str(broker),
    )
    return act_page(
        window,
        request,
        asked,
        standing_forms.Withdrawal,
        lambda data: standing_actions.withdraw(
            termination_id=termination.pk, note=data["note"], by=request.user, now=timezone.now()
        ),
    )


def _termination(broker: Broker, number: int) -> Termination:
    found = (
        Termination.objects.filter(pk=number, broker=broker)
        .select_related("prepared_by", "decided_by", "case")
        .first()
    )
    if found is None:
        raise Http404(_("There is no such termination."))
    return found


def _held_sentences(case: Case | None) -> list[str]:
    held = held_by(case)
    if not held:
        return [_("No payout is held by its case.")]
    return [
        _("The payout of %(month)s, $%(amount)s, stays held until it is released by an act of its own.")
        % {"month": f"{each.month:%Y-%m}", "amount": f"{each.amount:,}"}
        for each in held
    ]
