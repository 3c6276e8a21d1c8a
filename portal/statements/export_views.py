"""Files that are made in the background: asking for one, watching it, taking it."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from payouts.refusal import Refusal
from portal.access import Seat, broker_page
from portal.statements import asking, handing, prepared
from portal.statements.asking import TooManyFiles
from portal.statements.forms import Asked
from portal.statements.prepared import Prepared
from portal.statements.views import write_down
from portal.team.roles import May


@require_POST
@broker_page(May.SEE_STATEMENTS)
def ask(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Asks for a file, and goes to the page that shows how far it is."""
    form = Asked(request.POST)
    if not form.is_valid():
        return _refused(request, seat, _("Choose a file from the page of statements."), status=422)
    try:
        export = asking.ask(broker_code=seat.code, by=request.user, now=timezone.now(), **form.cleaned_data)
    except Refusal as refusal:
        return _refused(request, seat, str(refusal), status=429 if isinstance(refusal, TooManyFiles) else 409)
    return redirect("export", code=seat.code, reference=export.reference)


@require_safe
@broker_page(May.SEE_STATEMENTS)
def export(request: HttpRequest, seat: Seat, reference: UUID) -> HttpResponse:
    """How far a file is, and its link once it is ready; the page's script asks for figures alone."""
    found = _found(request, seat, reference)
    if request.accepts("application/json") and not request.accepts("text/html"):
        figures = {"works": found.is_under_way, "done": found.done, "all": max(found.total, 1)}
        return JsonResponse(figures, headers={"Vary": "Accept"})
    status = 410 if found.state == "expired" else 200
    answer = render(request, "statements/export.html", {"seat": seat, "prepared": found}, status=status)
    answer.headers["Vary"] = "Accept"
    return answer


@require_safe
@broker_page(May.SEE_STATEMENTS)
def export_file(request: HttpRequest, seat: Seat, reference: UUID) -> HttpResponseBase:
    """The bytes, until they expire; then, and before, the page that says how it stands."""
    found = _found(request, seat, reference)
    if found.state != "ready":
        return redirect("export", code=seat.code, reference=reference)
    return handing.hand_out(
        request, prepared.file_of(found), taken=lambda: write_down(request, seat, found.file_name)
    )


def _found(request: HttpRequest, seat: Seat, reference: UUID) -> Prepared:
    """Of who asked for it; owners, and staff who look at the pages, see all of the broker's."""
    found = prepared.of_reference(
        reference,
        broker_code=seat.code,
        login=request.user,
        sees_all=seat.role == "owner" or seat.look is not None,
        now=timezone.now(),
    )
    if found is None:
        raise Http404(_("There is no such file."))
    return found


def _refused(request: HttpRequest, seat: Seat, sentence: str, *, status: int) -> HttpResponse:
    return render(request, "statements/refused.html", {"seat": seat, "sentence": sentence}, status=status)
