"""Shows the months of a broker and hands out their documents."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from payouts.month import Month
from payouts.statements import queries as drafts
from portal.access import Seat, broker_page
from portal.statements import queries
from portal.team import log
from portal.team.roles import May


@require_safe
@broker_page(May.SEE_STATEMENTS)
def statements(request: HttpRequest, seat: Seat) -> HttpResponse:
    shown = queries.months(broker_code=seat.code, now=timezone.now())
    return render(request, "statements/page.html", {"seat": seat, "shown": shown})


@require_safe
@broker_page(May.SEE_STATEMENTS)
def as_json(request: HttpRequest, seat: Seat, month: Month) -> HttpResponse:
    draft = _draft(seat, month)
    return _file(request, seat, draft.as_json(), name=f"{draft.file_name}.json", kind="application/json")


@require_safe
@broker_page(May.SEE_STATEMENTS)
def as_csv(request: HttpRequest, seat: Seat, month: Month) -> HttpResponse:
    draft = _draft(seat, month)
    return _file(request, seat, draft.as_csv(), name=f"{draft.file_name}.csv", kind="text/csv; charset=utf-8")


def _draft(seat: Seat, month: Month) -> drafts.Draft:
    if month > Month.of(timezone.now()):
        raise Http404(_("This month has not begun."))
    return drafts.draft(broker_code=seat.code, month=month, with_pseudonyms=True)


def _file(request: HttpRequest, seat: Seat, content: bytes, *, name: str, kind: str) -> HttpResponse:
    """Who takes a statement away is written down; of staff who look, the look says it."""
    if request.method == "GET" and seat.look is None:
        log.downloaded(broker_code=seat.code, file_name=name, by=request.user, now=timezone.now())
    return HttpResponse(
        content,
        content_type=kind,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
