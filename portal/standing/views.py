"""The page of a broker's standing, and the appeals on it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from payouts.desk import appeals
from payouts.desk.evidence import NotAFile, SameFile, TooManyFiles
from payouts.refusal import Refusal
from portal.access import Seat, broker_page
from portal.files.checking import FileRefused
from portal.files.saving import to_save
from portal.standing import attachments, queries
from portal.standing.forms import AppealForm, MessageForm
from portal.standing.limits import TooOften, must_not_be_too_often
from portal.team.roles import May

#: The program in its own words, which are English.
SENTENCE = (
    "Backpack reserves the right, at its sole discretion, to suspend or terminate any participant’s access to"
    " the program, including but not limited to cases involving fraudulent activity, violations of the User"
    " Agreement, non-compliance with applicable laws or regulations, or any conduct deemed harmful to the"
    " platform or its users."
)
_GONE = gettext_lazy("This cannot be appealed any more: here is how it stands now.")
#: What is wrong with a file stands beside the field of files.
_OF_FILES = (FileRefused, NotAFile, SameFile, TooManyFiles)
_read_or_send = require_http_methods(["GET", "HEAD", "POST"])


@broker_page(May.SEE_STANDING)
@require_safe
def standing(request: HttpRequest, seat: Seat) -> HttpResponse:
    return _page(request, seat)


@broker_page(May.APPEAL)
@_read_or_send
def appeal_open(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The first message of an appeal, against the change that was on the screen."""
    if request.method != "POST":
        return redirect("standing", code=seat.code)
    form = AppealForm(request.POST, request.FILES)
    number = form.cleaned_data.get("change") if form.is_valid() else request.POST.get("change")
    form.auto_id = f"id_{number}_%s"
    if not form.is_valid():
        return _page(request, seat, failed=form, about=str(number), status=422)
    try:
        must_not_be_too_often(request, "appeal")
        appeals.open_appeal(
            broker_code=seat.code,
            change_id=form.cleaned_data["change"],
            text=form.cleaned_data["text"],
            files=attachments.checked(form.cleaned_data["attachments"]),
            by=_login(request),
            now=timezone.now(),
        )
    except Refusal as refusal:
        return _refused(request, seat, form, refusal, about=str(number))
    messages.success(request, _("Your appeal is sent. We answer on this page and by letter."))
    return redirect("standing", code=seat.code)


@broker_page(May.APPEAL)
@_read_or_send
def appeal_answer(request: HttpRequest, seat: Seat, reference: UUID) -> HttpResponse:
    """One more message of the broker's in an open appeal."""
    _own(seat, reference)
    if request.method != "POST":
        return redirect("standing", code=seat.code)
    form = MessageForm(request.POST, request.FILES, auto_id=f"id_{reference}_%s")
    if not form.is_valid():
        return _page(request, seat, failed=form, about=str(reference), status=422)
    try:
        must_not_be_too_often(request, "answer")
        appeals.answer(
            reference=reference,
            text=form.cleaned_data["text"],
            files=attachments.checked(form.cleaned_data["attachments"]),
            by=_login(request),
            is_from_exchange=False,
            now=timezone.now(),
        )
    except Refusal as refusal:
        return _refused(request, seat, form, refusal, about=str(reference))
    messages.success(request, _("Your message is sent."))
    return redirect("standing", code=seat.code)


@broker_page(May.APPEAL)
@_read_or_send
def appeal_withdraw(request: HttpRequest, seat: Seat, reference: UUID) -> HttpResponse:
    _own(seat, reference)
    if request.method != "POST":
        return redirect("standing", code=seat.code)
    try:
        must_not_be_too_often(request, "withdraw")
        appeals.withdraw(reference=reference, by=_login(request), now=timezone.now())
    except Refusal as refusal:
        return _page(request, seat, refusal=refusal, status=_status(refusal))
    messages.success(request, _("Your appeal is withdrawn."))
    return redirect("standing", code=seat.code)


@broker_page(May.SEE_STANDING)
@require_safe
def appeal_file(request: HttpRequest, seat: Seat, reference: UUID) -> HttpResponse:
    found = queries.file_content(seat.code, reference)
    if found is None:
        raise Http404(_("There is no such file."))
    return to_save(name=found.name, media_type=found.media_type, content=found.content)


def _login(request: HttpRequest) -> int:
    login: Any = request.user  # nobody comes here without one
    return int(login.pk)


def _own(seat: Seat, reference: UUID) -> None:
    if not queries.has_appeal(seat.code, reference):
        raise Http404(_("There is no such appeal."))


def _refused(
    request: HttpRequest, seat: Seat, form: MessageForm, refusal: Refusal, *, about: str
) -> HttpResponse:
    form.add_error("attachments" if isinstance(refusal, _OF_FILES) else None, str(refusal))
    return _page(request, seat, failed=form, about=about, refusal=refusal, status=_status(refusal))


def _status(refusal: Refusal) -> int:
    if isinstance(refusal, _OF_FILES):
        return 422
    return 429 if isinstance(refusal, TooOften) else 409


def _page(
    request: HttpRequest,
    seat: Seat,
    *,
    failed: MessageForm | None = None,
    about: str = "",
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page; a form that failed stands where it was, if what it is about can still be written to."""
    shown = queries.page(seat.code, now=timezone.now())
    to_appeal: list[tuple[queries.Change, Any]] = []
    for change in shown.appealable:
        form = failed if failed is not None and about == str(change.number) else None
        to_appeal.append(
            (change, form or AppealForm(initial={"change": change.number}, auto_id=f"id_{change.number}_%s"))
        )
    threads: list[tuple[queries.Thread, Any]] = []
    for thread in shown.threads:
        form = failed if failed is not None and about == str(thread.appeal.reference) else None
        threads.append((thread, form or MessageForm(auto_id=f"id_{thread.appeal.reference}_%s")))
    forms = [form for _thing, form in to_appeal] + [form for thing, form in threads if thing.appeal.is_open]
    context = {
        "seat": seat,
        "shown": shown,
        "to_appeal": to_appeal,
        "threads": threads,
        "sentence": SENTENCE,
        # What a form says stands in it, as long as it is on the page at all.
        "refusal": None if failed is not None and failed in forms else refusal or (failed and _GONE),
    }
    return render(request, "standing/page.html", context, status=status)
