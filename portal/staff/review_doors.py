"""The doors of a review: each translates, makes one call, and tells what came of it."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from payouts.desk.enrol import CodeTaken, NoCodeLeft, NotACode, next_code
from payouts.exchange import chosen
from payouts.exchange.port import ExchangeUnavailable
from payouts.program import broker_code
from payouts.program import queries as program
from payouts.refusal import Refusal
from portal.accounts.staff_roles import Act, NotYourRole, OwnBroker
from portal.application import account_answer, course, review, review_queue
from portal.application.models import Application, ExchangeAnswer, RejectionReason
from portal.application.queries import document_bytes
from portal.application.risk import Level
from portal.application.risk_facts import card_of
from portal.files.saving import to_save
from portal.staff import review_forms as forms
from portal.staff.window import must_be_able

Door = Callable[..., HttpResponse]
#: What no login is: a form that does not say who had the application matches nobody.
_NOBODY_KNOWN = -1
#: The application went on while somebody looked at it: they are told on its page.
_GONE_ON = (course.Overtaken, course.WrongState, review.TakenMeanwhile)


def page_of(application: Application) -> str:
    return reverse("admin:portal_application_change", args=[application.pk])


def door(*methods: str, act: Act = Act.REVIEW) -> Callable[[Door], Door]:
    """A page or button of one application: the role's act or 403, the application or 404, these methods."""

    def made(view: Door) -> Door:
        @wraps(view)
        def knock(window: Any, request: HttpRequest, number: int, **rest: Any) -> HttpResponse:
            if request.method not in methods:
                return HttpResponseNotAllowed(methods)
            must_be_able(request, act)
            application = review_queue.sent().filter(pk=number).first()
            if application is None:
                raise Http404(_("There is no such application."))
            try:
                return view(window, request, application, **rest)
            except (NotYourRole, OwnBroker) as refusal:
                raise PermissionDenied(str(refusal)) from None
            except Refusal as refusal:
                messages.error(request, str(refusal))
                return HttpResponseRedirect(page_of(application))

        return knock

    return made


@door("POST")
def take(window: Any, request: HttpRequest, application: Application) -> HttpResponse:
    review.take(reference=application.reference, holder=_holder(request), by=request.user, now=timezone.now())
    messages.success(request, _("It is yours now."))
    return HttpResponseRedirect(page_of(application))


@door("POST")
def release(window: Any, request: HttpRequest, application: Application) -> HttpResponse:
    review.release(reference=application.reference, holder=_holder(request), by=request.user)
    messages.success(request, _("It is back in the queue."))
    return HttpResponseRedirect(page_of(application))


@door("POST")
def note(window: Any, request: HttpRequest, application: Application) -> HttpResponse:
    form = forms.Note(request.POST)
    if not form.is_valid():
        messages.error(request, _("The note was not kept: write between 1 and 4,000 characters."))
        return HttpResponseRedirect(page_of(application))
    review.note(
        reference=application.reference, text=form.cleaned_data["text"], by=request.user, now=timezone.now()
    )
    messages.success(request, _("The note is kept."))
    return HttpResponseRedirect(page_of(application))


@door("POST")
def ask_exchange(window: Any, request: HttpRequest, application: Application) -> HttpResponse:
    answer = review.asked(
        reference=application.reference,
        by=request.user,
        exchange=chosen.exchange(clock=timezone.now),
        now=timezone.now(),
    )
    messages.success(request, _("The exchange answered just now: %(answer)s.") % {"answer": answer.label})
    return HttpResponseRedirect(page_of(application))


@door("GET", "HEAD", "POST")
def ask(window: Any, request: HttpRequest, application: Application) -> HttpResponse:
    review.must_be_free(request.user, application)
    form = forms.Ask(request.POST or None, initial={"seen": application.version})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        review.ask(
            reference=application.reference,
            seen=data["seen"],
            text=data["text"],
            by=request.user,
            now=timezone.now(),
        )
        messages.success(request, _("The applicant is asked; the review waits for the answer."))
        return HttpResponseRedirect(page_of(application))
    return _shown(
        window,
        request,
        application,
        "ask",
        _("Ask for information"),
        form=form,
        status=422 if form.is_bound else 200,
    )


@door("GET", "HEAD", "POST")
def reject(window: Any, request: HttpRequest, application: Application) -> HttpResponse:
    review.must_be_free(request.user, application)
    chosen_reason = request.POST.get("reason") or request.GET.get("reason", "")
    reason = RejectionReason(chosen_reason) if chosen_reason in RejectionReason.values else None
    now = timezone.now()
    form = None
    if reason is not None:
        initial = {
            "seen": application.version,
            "reason": reason.value,
            "message": review.MESSAGES[reason],
            "reapply_from": review.reapply_proposal(reason, now.date()),
        }
        form = forms.Reject(request.POST or None, initial=initial)
    if request.method == "POST" and form is not None and form.is_valid():
        try:
            review.reject(reference=application.reference, by=request.user, now=now, **form.cleaned_data)
        except review.DateGone as refusal:
            form.add_error("reapply_from", str(refusal))
        else:
            messages.success(request, _("The application is rejected; the applicant is told."))
            return HttpResponseRedirect(page_of(application))
    return _shown(
        window,
        request,
        application,
        "reject",
        _("Reject"),
        form=form,
        reason=reason,
        reasons=RejectionReason.choices,
        status=422 if request.method == "POST" else 200,
    )


@reauthentication_required  # type: ignore[untyped-decorator]  # allauth has no types
def approve(request: HttpRequest, *, window: Any, number: int) -> HttpResponse:
    """Shows exactly what will happen, then does exactly that; both after the login proved itself again."""
    return _approve(window, request, number)


@door("GET", "HEAD", "POST")
def _approve(window: Any, request: HttpRequest, application: Application) -> HttpResponse:
    review.must_be_free(request.user, application)
    exchange = chosen.exchange(clock=timezone.now)
    refused = ""
    if request.method == "POST":
        form = forms.Approve(request.POST, is_high_risk=card_of(application).level is Level.HIGH)
        if form.is_valid():
            data = form.cleaned_data
            try:
                broker = review.approve(
                    reference=application.reference,
                    seen=data["seen"],
                    code=data["code"],
                    was_proposed=data["was_proposed"],
                    acknowledged=data.get("acknowledged", ""),
                    by=request.user,
                    exchange=exchange,
                    now=timezone.now(),
                )
            except (*_GONE_ON, NotYourRole, OwnBroker):
                raise
            except Refusal as refusal:
                refused = str(refusal)
                application.refresh_from_db()
            else:
                messages.success(request, _("Approved: %(broker)s is in the program.") % {"broker": broker})
                return HttpResponseRedirect(page_of(application))
        # Whatever was wrong: the page is shown anew as it would be done now.
    return _approval(window, request, application, exchange, refused)


def _approval(
    window: Any, request: HttpRequest, application: Application, exchange: Any, refused: str
) -> HttpResponse:
    if application.state not in review.COMPLETE:
        raise course.WrongState(
            _("This application is %(state)s: it cannot be approved now.")
            % {"state": application.get_state_display()}
        )
    answer, asked_at, outage = None, timezone.now(), ""
    try:
        answer = account_answer.meaning(exchange.account(application.account_id))
    except ExchangeUnavailable as refusal:
        outage = str(refusal)
    if answer is not None:
        application.exchange_answer = answer
    card = card_of(application)
    code, was_proposed, code_problem = _code(request)
    form = forms.Approve(
        request.POST if request.method == "POST" and not refused else None,
        initial={"seen": application.version, "code": code, "was_proposed": was_proposed},
        is_high_risk=card.level is Level.HIGH,
    )
    return _shown(
        window,
        request,
        application,
        "approve",
        _("Approve"),
        form=form,
        card=card,
        refused=refused,
        answer=answer,
        asked_at=asked_at,
        outage=outage,
        code=code,
        was_proposed=was_proposed,
        code_problem=code_problem,
        can_be_done=answer is ExchangeAnswer.BUSINESS and not code_problem,
        status=409 if refused else 422 if form.is_bound else 200,
    )


def _code(request: HttpRequest) -> tuple[int, bool, str]:
    """The code to show, whether it is the proposed one, and what is wrong with the one that was chosen."""
    text = request.GET.get("code", "").strip()
    if not text:
        try:
            return next_code(), True, ""
        except NoCodeLeft as problem:
            return 0, True, str(problem)
    if not text.isascii() or not text.isdigit() or not broker_code.is_code(int(text[:6])):
        return 0, True, str(NotACode(_("A code is a number from 0 to 65535: choose another one.")))
    code = int(text[:6])
    holder = program.broker_with(code)
    if holder is not None:
        taken = _("Code %(code)s belongs to %(broker)s: choose another one.")
        return code, False, str(CodeTaken(taken % {"code": code, "broker": holder.name}))
    return code, False, ""


@door("GET", "HEAD", act=Act.SEE_DOCUMENTS)
def document(window: Any, request: HttpRequest, application: Application, document: UUID) -> HttpResponse:
    """A document as a file to save; a browser never shows it as a page of ours."""
    found = document_bytes(application.reference, document)
    if found is None:
        raise Http404(_("There is no such document; it may have been erased."))
    return to_save(name=found.name, media_type=found.media_type, content=found.content)


def _holder(request: HttpRequest) -> int | None:
    form = forms.Held(request.POST)
    return form.cleaned_data["holder"] if form.is_valid() else _NOBODY_KNOWN


def _shown(
    window: Any,
    request: HttpRequest,
    application: Application,
    page: str,
    title: str,
    *,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    return TemplateResponse(
        request,
        f"staff/application/{page}.html",
        window.admin_site.each_context(request)
        | {"title": title, "application": application, "opts": window.opts, "page_of": page_of(application)}
        | context,
        status=status,
    )
