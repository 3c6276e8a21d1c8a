"""The doors of cases and appeals: each translates, makes one call, and tells what came of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from payouts.desk import queries
from payouts.desk.models import Appeal, Case
from payouts.program import queries as program
from payouts.refusal import Refusal
from portal.accounts.staff_roles import Act, NotYourRole, OwnBroker
from portal.files.saving import to_save
from portal.staff import case_actions, case_forms, case_page
from portal.staff.acting import Asked, act_page
from portal.staff.own import must_not_be_own
from portal.staff.window import must_be_able

View = Callable[..., HttpResponse]
#: What no login is: a form that does not say who had the case matches nobody.
_NOBODY_KNOWN = -1
_PAGE, _BUTTON, _READ = ("GET", "HEAD", "POST"), ("POST",), ("GET", "HEAD")


def urls(window: Any) -> list[URLPattern]:
    def door(
        address: str, view: View, name: str, methods: tuple[str, ...], act: Act = Act.WORK_CASES
    ) -> URLPattern:
        found: URLPattern = path(
            address, window.admin_site.admin_view(_door(window, view, methods, act)), name=name
        )
        return found

    return [
        path("open/<int:code>/", window.admin_site.admin_view(_opening(window)), name="case_open"),
        door("<int:number>/take/", take, "case_take", _BUTTON),
        door("<int:number>/note/", note, "case_note", _BUTTON),
        door("<int:number>/evidence/", evidence, "case_evidence", _BUTTON),
        door("<int:number>/close/", close, "case_close", _PAGE),
        door("<int:number>/reopen/", reopen, "case_reopen", _PAGE),
        door("<int:number>/files/<uuid:file>/", file, "case_file", _READ, Act.SEE_CASES),
        door("<int:number>/appeals/<uuid:reference>/answer/", answer, "appeal_answer", _BUTTON),
        door("<int:number>/appeals/<uuid:reference>/decide/", decide, "appeal_decide", _PAGE),
    ]


def page_of(case: Case) -> str:
    return reverse("admin:payouts_case_change", args=[case.pk])


def case_of(request: HttpRequest, number: str | int) -> Case:
    """The case or a 404; a 403 when it is about a broker whose team the login belongs to."""
    text = str(number)
    is_number = text.isascii() and text.isdigit() and len(text) <= 18
    found = Case.objects.select_related("broker", "owner", "opened_by", "closed_by")
    case = found.filter(pk=int(text)).first() if is_number else None
    if case is None:
        raise Http404(_("There is no such case."))
    try:
        must_not_be_own(request.user, case.broker_id)
    except OwnBroker as refusal:
        raise PermissionDenied(str(refusal)) from None
    return case


def _door(window: Any, view: View, methods: tuple[str, ...], act: Act) -> View:
    def knock(request: HttpRequest, number: int, **rest: Any) -> HttpResponse:
        if request.method not in methods:
            return HttpResponseNotAllowed(methods)
        must_be_able(request, act)
        try:
            return view(window, request, case_of(request, number), **rest)
        except (NotYourRole, OwnBroker) as refusal:
            raise PermissionDenied(str(refusal)) from None

    return knock


def _opening(window: Any) -> View:
    def knock(request: HttpRequest, code: int) -> HttpResponse:
        must_be_able(request, Act.WORK_CASES)
        broker = program.broker_with(code)
        if broker is None:
            raise Http404(_("There is no such broker."))
        try:
            must_not_be_own(request.user, code)
        except OwnBroker as refusal:
            raise PermissionDenied(str(refusal)) from None
        asked = Asked(
            title=_("Open a case"),
            will=[
                _("A case about %(broker)s is opened, and you look after it.") % {"broker": broker},
                _("The broker learns nothing of it, and nothing changes for it."),
                _("Evidence is added on the page of the case."),
            ],
            button=_("Open the case"),
            done=_("The case is opened."),
            back=reverse("admin:payouts_broker_change", args=[code]),
            of=str(broker),
        )
        opened: list[Case] = []
        answer = act_page(
            window,
            request,
            asked,
            case_forms.Opened,
            lambda data: opened.append(
                case_actions.open_case(broker_code=code, by=request.user, now=timezone.now(), **data)
            ),
        )
        return HttpResponseRedirect(page_of(opened[0])) if opened else answer

    return knock


def take(window: Any, request: HttpRequest, case: Case) -> HttpResponse:
    form = case_forms.Held(request.POST)
    holder = form.cleaned_data["holder"] if form.is_valid() else _NOBODY_KNOWN

    def do(now: datetime) -> None:
        case_actions.take(case_id=case.pk, holder=holder, by=request.user, now=now)

    return _done(window, request, case, do, said=_("It is yours now."))


def note(window: Any, request: HttpRequest, case: Case) -> HttpResponse:
    form = case_forms.Note(request.POST)

    def do(now: datetime) -> None:
        case_actions.note(case_id=case.pk, by=request.user, now=now, **form.cleaned_data)

    return _done(window, request, case, do, said=_("The note is kept."), form=form, name="note_form")


def evidence(window: Any, request: HttpRequest, case: Case) -> HttpResponse:
    form = case_forms.Evidence(request.POST, request.FILES)

    def do(now: datetime) -> None:
        data = form.cleaned_data
        case_actions.add_evidence(
            case_id=case.pk, text=data["text"], files=data["attachments"], by=request.user, now=now
        )

    said = _("The evidence is kept.")
    return _done(window, request, case, do, said=said, form=form, name="evidence_form")


def answer(window: Any, request: HttpRequest, case: Case, reference: UUID) -> HttpResponse:
    appeal = _appeal(case, reference)
    form = case_forms.Answer(request.POST, request.FILES, appeal=appeal.reference)

    def do(now: datetime) -> None:
        data = form.cleaned_data
        case_actions.answer(
            reference=reference, text=data["text"], files=data["attachments"], by=request.user, now=now
        )

    said = _("Your answer is sent.")
    return _done(window, request, case, do, said=said, form=form, name="answered")


def _done(
    window: Any,
    request: HttpRequest,
    case: Case,
    do: Callable[[datetime], object],
    *,
    said: str,
    form: forms.Form | None = None,
    name: str = "",
) -> HttpResponse:
    """Does what a button of the page asks; what is wrong is told on the same page, with what was typed."""
    status, refused = 422, ""
    if form is None or form.is_valid():
        try:
            do(timezone.now())
        except (NotYourRole, OwnBroker):
            raise
        except Refusal as refusal:
            status, refused = 409, str(refusal)
            case = case_of(request, case.pk)
        else:
            messages.success(request, said)
            return HttpResponseRedirect(page_of(case))
    bound = {name: form} if form is not None else {}
    found: HttpResponse = window.page(request, case, status=status, refused=refused, **bound)
    return found


def close(window: Any, request: HttpRequest, case: Case) -> HttpResponse:
    asked = Asked(
        title=_("Close the case"),
        will=[
            _("The case is closed with its outcome; it can be opened again."),
            _("The standing of %(broker)s stays as it is.") % {"broker": case.broker},
            _("Payouts that the case holds stay held."),
        ],
        button=_("Close it"),
        done=_("The case is closed."),
        back=page_of(case),
        of=str(case),
    )
    return act_page(
        window,
        request,
        asked,
        case_forms.Outcome,
        lambda data: case_actions.close(case_id=case.pk, by=request.user, now=timezone.now(), **data),
    )


def reopen(window: Any, request: HttpRequest, case: Case) -> HttpResponse:
    asked = Asked(
        title=_("Open the case again"),
        will=[_("The case is open again; its outcome stays in the timeline.")],
        button=_("Open it again"),
        done=_("The case is open again."),
        back=page_of(case),
        of=str(case),
    )
    return act_page(
        window,
        request,
        asked,
        case_forms.Reopening,
        lambda data: case_actions.reopen(case_id=case.pk, by=request.user, now=timezone.now(), **data),
    )


def decide(window: Any, request: HttpRequest, case: Case, reference: UUID) -> HttpResponse:
    """Grant or refuse; a suspension that holds is granted by lifting it: what is told is then what is so."""
    appeal = _appeal(case, reference)
    now = timezone.now()
    shown = next(
        each
        for each in case_page.appeals_of(case, case_page.changes_of(case, now))
        if each.appeal.pk == appeal.pk
    )
    will = [
        _("The broker reads the decision in its appeal and gets a letter. The appeal is over then."),
        _("The standing of %(broker)s stays as it is: the decision changes nothing by itself.")
        % {"broker": case.broker},
    ]
    if shown.is_of_what_holds:
        will.append(
            _("To grant this appeal, lift the suspension: that grants it with the words of the lifting.")
        )
    asked = Asked(
        title=_("Refuse the appeal") if shown.is_of_what_holds else _("Decide the appeal"),
        will=will,
        button=_("Refuse it") if shown.is_of_what_holds else _("Decide it"),
        done=_("The appeal is decided."),
        back=page_of(case),
        of=str(case),
        is_danger=shown.is_of_what_holds,
    )
    return act_page(
        window,
        request,
        asked,
        case_forms.Refused if shown.is_of_what_holds else case_forms.Decision,
        lambda data: case_actions.decide(
            reference=reference,
            granted=data["verdict"] == "granted",
            decision=data["decision"],
            by=request.user,
            now=timezone.now(),
        ),
    )


def file(window: Any, request: HttpRequest, case: Case, file: UUID) -> HttpResponse:
    found = queries.file_bytes(file)
    if found is None or found.case_id != case.pk:
        raise Http404(_("There is no such file."))
    return to_save(name=found.name, media_type=found.media_type, content=found.content)


def _appeal(case: Case, reference: UUID) -> Appeal:
    found = Appeal.objects.filter(case=case, reference=reference).first()
    if found is None:
        raise Http404(_("There is no such appeal."))
    return found
