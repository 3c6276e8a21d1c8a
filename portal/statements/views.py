"""Shows the months of a broker, the statement of each, and hands out their documents."""

import re
from tempfile import TemporaryFile

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from payouts.month import Month
from payouts.statements import faces
from payouts.statements import queries as engine
from payouts.statements.queries import Draft
from portal.access import Seat, broker_page
from portal.statements import handing, lengths, prepared, queries, showing, zips
from portal.statements.handing import File
from portal.team import log
from portal.team.roles import May


@require_safe
@broker_page(May.SEE_STATEMENTS)
def statements(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The list of months, of one year where the address asks for it."""
    now = timezone.now()
    asked = request.GET.get("year", "")
    year = int(asked) if re.fullmatch("[0-9]{4}", asked) else None
    context = {
        "seat": seat,
        "shown": queries.months(broker_code=seat.code, now=now, year=year),
        "prepared": prepared.of_login(broker_code=seat.code, login=request.user, now=now),
    }
    return render(request, "statements/page.html", context)


@require_safe
@broker_page(May.SEE_STATEMENTS)
def statement(request: HttpRequest, seat: Seat, month: Month) -> HttpResponse:
    """The statement of a month on the screen."""
    now = timezone.now()
    _must_have_begun(month)
    shown = showing.shown(broker_code=seat.code, month=month, now=now)
    return render(request, "statements/statement.html", {"seat": seat, "shown": shown})


@require_safe
@broker_page(May.SEE_STATEMENTS)
def as_json(request: HttpRequest, seat: Seat, month: Month) -> HttpResponseBase:
    return _of_month(request, seat, month, "json")


@require_safe
@broker_page(May.SEE_STATEMENTS)
def as_csv(request: HttpRequest, seat: Seat, month: Month) -> HttpResponseBase:
    return _of_month(request, seat, month, "csv")


@require_safe
@broker_page(May.SEE_STATEMENTS)
def as_pdf(request: HttpRequest, seat: Seat, month: Month) -> HttpResponseBase:
    return _of_month(request, seat, month, "pdf")


@require_safe
@broker_page(May.SEE_STATEMENTS)
def year_zip(request: HttpRequest, seat: Seat, year: int) -> HttpResponseBase:
    return _packed(request, seat, year)


@require_safe
@broker_page(May.SEE_STATEMENTS)
def all_zip(request: HttpRequest, seat: Seat) -> HttpResponseBase:
    return _packed(request, seat, None)


def _of_month(request: HttpRequest, seat: Seat, month: Month, kind: str) -> HttpResponseBase:
    """Issued: the bytes as they are kept. Else the draft as it stands."""
    _must_have_begun(month)
    issued = engine.issued_of(broker_code=seat.code, month=month)
    if issued is None:
        if lengths.of_month(seat.code, month) > lengths.LONG:
            return _to_be_asked_for(request, seat, kind="draft", of=str(month), file_format=kind)
        draft = engine.draft(broker_code=seat.code, month=month, with_pseudonyms=True)
        return _hand_out(
            request,
            seat,
            handing.of_bytes(name=f"{draft.file_name}.{kind}", kind=kind, content=_content(draft, kind)),
        )
    face = issued.faces.get(kind)
    if face is None:
        if issued.lines > lengths.LONG:
            return _to_be_asked_for(request, seat, kind="draft", of=str(month), file_format=kind)
        face = faces.ensure(statement_id=issued.id, kind=kind, now=timezone.now())
    return _hand_out(request, seat, handing.of_face(face, name=f"{issued.file_name}.{kind}"))


def _content(draft: Draft, kind: str) -> bytes:
    return {"json": draft.as_json, "csv": draft.as_csv, "pdf": draft.as_pdf}[kind]()


def _packed(request: HttpRequest, seat: Seat, year: int | None) -> HttpResponseBase:
    found = zips.statements(broker_code=seat.code, year=year)
    if not found:
        raise Http404(_("No statement is issued yet for that time."))
    if sum(each.lines for each in found) > lengths.LONG:
        kind = "all" if year is None else "year"
        return _to_be_asked_for(request, seat, kind=kind, of="" if year is None else str(year))
    file = TemporaryFile()  # noqa: SIM115 - closed with the response
    zips.pack(file, found, now=timezone.now())
    name = zips.file_name(broker_code=seat.code, year=year)
    return _hand_out(request, seat, handing.of_temporary(name=name, kind="zip", file=file))


def _hand_out(request: HttpRequest, seat: Seat, file: File) -> HttpResponseBase:
    return handing.hand_out(request, file, taken=lambda: write_down(request, seat, file.name))


def write_down(request: HttpRequest, seat: Seat, file_name: str) -> None:
    """Who takes a file away is written down; of staff who look, the look says it."""
    if seat.look is None:
        log.downloaded(broker_code=seat.code, file_name=file_name, by=request.user, now=timezone.now())


def _to_be_asked_for(
    request: HttpRequest, seat: Seat, *, kind: str, of: str, file_format: str = ""
) -> HttpResponse:
    """It is long: a page with the button that asks for it. Reading an address makes nothing."""
    asked = {"kind": kind, "of": of, "file_format": file_format}
    return render(request, "statements/long.html", {"seat": seat, "asked": asked}, status=409)


def _must_have_begun(month: Month) -> None:
    if month > Month.of(timezone.now()):
        raise Http404(_("This month has not begun."))
