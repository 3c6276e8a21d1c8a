"""The pages of an applicant: the way in, the steps, the status, documents."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from payouts.refusal import Refusal
from portal.application import actions, documents, queries, steps
from portal.application.door import own_application
from portal.application.forms import AnswerForm, SeenForm, UploadForm
from portal.application.limits import TooOften, must_not_be_too_often
from portal.application.saving import ask_if_due, save, step_form
from portal.files.checking import LARGEST
from portal.files.saving import to_save
from portal.files.uploads import MOST_A_REQUEST

_read_or_send = require_http_methods(["GET", "HEAD", "POST"])
#: No version has this number: a form without its mark is never the page that was shown.
_NEVER_SEEN = -1


@never_cache
@_read_or_send
def apply(request: HttpRequest) -> HttpResponse:
    """What it takes, and the way in; who has an open application is led to it."""
    if not request.user.is_authenticated:
        if request.method == "POST":
            return redirect_to_login(request.path)
        return render(request, "application/apply.html", {"door": None})
    if request.method == "POST":
        return _start(request)
    door = queries.door(login=request.user, now=timezone.now())
    if door.open_reference:
        return redirect("application", reference=door.open_reference)
    return render(request, "application/apply.html", {"door": door})


def _start(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    try:
        must_not_be_too_often(request, "start")
        reference = actions.start(login=request.user, now=now)
    except Refusal as refusal:
        door = queries.door(login=request.user, now=now)
        context = {"door": door, "refusal": refusal}
        return render(request, "application/apply.html", context, status=_status(refusal))
    return redirect("application_step", reference=reference, step=steps.SLUGS[0])


@own_application
@require_safe
def application(request: HttpRequest, application: Any) -> HttpResponse:
    return _status_page(request, application)


@own_application
@_read_or_send
def step(request: HttpRequest, application: Any, step: str) -> HttpResponse:
    """One step: saved as it is sent, whatever is still missing; what is wrong stays on the page."""
    if step not in steps.SLUGS:
        raise Http404(_("There is no such step."))
    if not actions.may_edit(application, step):
        messages.info(request, _("This can not be changed any more; here is where your application stands."))
        return redirect("application", reference=application.reference)
    if step == "documents":
        if request.method == "POST":
            return redirect("application_step", reference=application.reference, step=steps.after(step))
        return _documents_page(request, application, UploadForm())
    now = timezone.now()
    form = step_form(request, application, step, now=now)
    if request.method != "POST":
        return _step_page(request, application, step, form)
    was_draft = application.state == "draft"
    try:
        application = save(request, application, form, now=now)
    except Refusal as refusal:
        form.add_error("account_id" if isinstance(refusal, TooOften) else None, str(refusal))
        fresh = queries.application_of(login=request.user, reference=application.reference)
        elsewhere = isinstance(refusal, actions.ChangedMeanwhile)
        return _step_page(
            request, fresh, step, form, elsewhere=elsewhere, status=_status(refusal, otherwise=200)
        )
    shown = queries.shown(application, now=now)
    if step == "account" and not (shown.account_is_confirmed or shown.account_is_refused or form.errors):
        messages.warning(request, shown.account_sentence)
    if form.is_wrong or (was_draft and step == "account" and shown.account_is_refused):
        return _step_page(request, application, step, form, is_saved=True)
    if "later" in request.POST or not was_draft:
        messages.success(request, _("Saved."))
        return redirect("application", reference=application.reference)
    if not form.is_complete:
        return _step_page(request, application, step, form, is_saved=True)
    following = steps.after(step)
    if following is None:
        return redirect("application_submit", reference=application.reference)
    return redirect("application_step", reference=application.reference, step=following)


@own_application
@_read_or_send
def submit(request: HttpRequest, application: Any) -> HttpResponse:
    """Everything on one screen, then the button."""
    if application.state != "draft":
        return redirect("application", reference=application.reference)
    if request.method != "POST":
        return _review_page(request, application)
    now = timezone.now()
    try:
        must_not_be_too_often(request, "submit")
        asked = ask_if_due(application, now=now)
        actions.submit(reference=application.reference, seen=_seen(request), asked=asked, now=now)
    except Refusal as refusal:
        fresh: Any = queries.application_of(login=request.user, reference=application.reference)
        if fresh.state != "draft":
            return redirect("application", reference=application.reference)
        return _review_page(request, fresh, refusal=refusal)
    messages.success(request, _("Your application is submitted."))
    return redirect("application", reference=application.reference)


@own_application
@_read_or_send
def answer(request: HttpRequest, application: Any) -> HttpResponse:
    """The answer to our question, with its documents; refused as a whole, so that nothing typed is lost."""
    if request.method != "POST":
        return redirect("application", reference=application.reference)
    form = AnswerForm(request.POST, request.FILES)
    if not form.is_valid():
        return _status_page(request, application, form=form)
    try:
        must_not_be_too_often(request, "answer")
        uploads = [_upload(form.cleaned_data["kind"], file) for file in _together_small(form)]
        actions.answer(
            reference=application.reference,
            seen=form.cleaned_data["seen"],
            text=form.cleaned_data["text"],
            files=uploads,
            now=timezone.now(),
        )
    except Refusal as refusal:
        field = None if isinstance(refusal, actions.WentOn | TooOften) else "attachments"
        form.add_error(field, str(refusal))
        fresh = queries.application_of(login=request.user, reference=application.reference)
        return _status_page(request, fresh, form=form, status=_status(refusal, otherwise=200))
    messages.success(request, _("Your answer is sent."))
    return redirect("application", reference=application.reference)


@own_application
@_read_or_send
def withdraw(request: HttpRequest, application: Any) -> HttpResponse:
    if request.method != "POST":
        return _withdraw_page(request, application)
    try:
        must_not_be_too_often(request, "withdraw")
        actions.withdraw(reference=application.reference, seen=_seen(request), now=timezone.now())
    except Refusal as refusal:
        fresh = queries.application_of(login=request.user, reference=application.reference)
        return _withdraw_page(request, fresh, refusal=refusal)
    messages.success(request, _("Your application is withdrawn."))
    return redirect("application", reference=application.reference)


@own_application
@_read_or_send
def upload(request: HttpRequest, application: Any) -> HttpResponse:
    """One document of a draft."""
    if request.method != "POST" or application.state != "draft":
        return redirect("application_step", reference=application.reference, step="documents")
    form = UploadForm(request.POST, request.FILES)
    status = 200
    if form.is_valid():
        try:
            must_not_be_too_often(request, "upload")
            made = documents.add(
                reference=application.reference,
                upload=_upload(form.cleaned_data["kind"], form.cleaned_data["file"]),
                now=timezone.now(),
            )
        except Refusal as refusal:
            form.add_error("file", str(refusal))
            status = _status(refusal, otherwise=200)
        else:
            messages.success(request, _("%(name)s is added.") % {"name": made.name})
            return redirect("application_step", reference=application.reference, step="documents")
    return _documents_page(request, application, form, status=status)


@own_application
@require_POST
def remove_document(request: HttpRequest, application: Any, document: UUID) -> HttpResponse:
    try:
        documents.remove(reference=application.reference, document=document, now=timezone.now())
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The document is removed; its content is erased."))
    if application.state == "draft":
        return redirect("application_step", reference=application.reference, step="documents")
    return redirect("application", reference=application.reference)


@own_application
@require_safe
def document(request: HttpRequest, application: Any, document: UUID) -> HttpResponse:
    """A document to take away: never shown inside the portal, whatever it holds."""
    found = queries.document_bytes(application.reference, document)
    if found is None:
        raise Http404(_("There is no such document, or it was erased."))
    return to_save(name=found.name, media_type=found.media_type, content=found.content)


def _status_page(
    request: HttpRequest, application: Any, *, form: AnswerForm | None = None, status: int = 200
) -> HttpResponse:
    found = queries.status(application, now=timezone.now())
    context = {
        "status": found,
        "shown": found.shown,
        "application": application,
        "form": form or AnswerForm(),
    }
    return render(request, "application/status.html", context, status=status)


def _step_page(
    request: HttpRequest,
    application: Any,
    slug: str,
    form: Any,
    *,
    is_saved: bool = False,
    elsewhere: bool = False,
    status: int = 200,
) -> HttpResponse:
    shown = queries.shown(application, now=timezone.now())
    context = _of_step(application, shown, slug) | {
        "form": form,
        "mark": queries.mark(application, slug),
        "is_saved": is_saved,
        "elsewhere": queries.lines_of(shown, slug) if elsewhere else [],
    }
    return render(request, f"application/step_{slug}.html", context, status=status)


def _documents_page(
    request: HttpRequest, application: Any, form: UploadForm, *, status: int = 200
) -> HttpResponse:
    shown = queries.shown(application, now=timezone.now())
    context = _of_step(application, shown, "documents") | {"form": form}
    return render(request, "application/step_documents.html", context, status=status)


def _of_step(application: Any, shown: queries.Shown, slug: str) -> dict[str, Any]:
    return {
        "application": application,
        "shown": shown,
        "step": next(each for each in shown.steps if each.slug == slug),
        "number": steps.SLUGS.index(slug) + 1,
        "before": steps.before(slug),
        "after": steps.after(slug),
        "formula": steps.FORMULA,
    }


def _review_page(request: HttpRequest, application: Any, *, refusal: Refusal | None = None) -> HttpResponse:
    shown = queries.shown(application, now=timezone.now())
    context = {
        "application": application,
        "shown": shown,
        "sections": queries.sections(shown),
        "form": SeenForm(initial={"seen": application.version}),
        "refusal": refusal,
    }
    status = _status(refusal, otherwise=200) if refusal else 200
    return render(request, "application/submit.html", context, status=status)


def _withdraw_page(request: HttpRequest, application: Any, *, refusal: Refusal | None = None) -> HttpResponse:
    if application.state in ("approved", "rejected", "withdrawn"):
        return redirect("application", reference=application.reference)
    context = {
        "application": application,
        "form": SeenForm(initial={"seen": application.version}),
        "refusal": refusal,
    }
    return render(request, "application/withdraw.html", context, status=_status(refusal) if refusal else 200)


def _upload(kind: str, file: UploadedFile[Any]) -> documents.Upload:
    """Never more than one byte beyond the limit is read: the rule then says what is wrong."""
    return documents.Upload(kind, file.name or "", file.read(LARGEST + 1))


def _together_small(form: AnswerForm) -> list[UploadedFile[Any]]:
    files: list[UploadedFile[Any]] = form.cleaned_data["attachments"]
    if sum(file.size or 0 for file in files) > MOST_A_REQUEST:
        raise documents.TooManyDocuments(
            _("The documents are larger than 20 MB together: send fewer of them, then ask us for the rest.")
        )
    return files


def _seen(request: HttpRequest) -> int:
    form = SeenForm(request.POST)
    return form.cleaned_data["seen"] if form.is_valid() else _NEVER_SEEN


def _status(refusal: Refusal | None, *, otherwise: int = 409) -> int:
    return 429 if isinstance(refusal, TooOften) else otherwise
