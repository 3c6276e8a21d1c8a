"""Shows what a figure is made of, level by level, and finds what was typed into the one box."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from payouts.month import Month, NotAMonth
from portal.access import Seat, broker_page
from portal.explain import asking, cursors, queries, searching, sheets
from portal.explain.asking import NotAsked
from portal.explain.cursors import FillKey, LineName
from portal.explain.levels import FillsPage, LinesPage
from portal.explain.queries import NotThere
from portal.explain.searching import GoTo
from portal.team.roles import May

_Page = Callable[..., HttpResponseBase]


def explain_page(page: _Page) -> _Page:
    """A page of explanations for whoever sees the statements; what the broker does not have is no page."""

    @require_safe
    @broker_page(May.SEE_STATEMENTS)
    @wraps(page)
    def opened(request: HttpRequest, seat: Seat, **rest: Any) -> HttpResponseBase:
        month = rest.get("month")
        if month is not None and month > Month.of(timezone.now()):
            raise Http404(_("This month has not begun."))
        try:
            return page(request, seat, **rest)
        except (NotThere, NotAsked):
            raise Http404(_("There is no such figure of yours: look it up by the search.")) from None

    return opened


@explain_page
def explain(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The one box; what was typed leads to its page, or is looked up here."""
    text, chosen = request.GET.get("q", ""), request.GET.get("month", "")
    try:
        month = Month.parse(chosen) if chosen else None
    except NotAMonth:
        raise NotAsked from None
    found = searching.search(broker_code=seat.code, text=text, month=month, now=timezone.now())
    if isinstance(found, GoTo):
        address = reverse(found.page, kwargs={"code": seat.code, "month": found.month, **found.named})
        return redirect(f"{address}?{urlencode(found.asks)}" if found.asks else address)
    return render(request, "explain/search.html", {"seat": seat, "page": found})


@explain_page
def month(request: HttpRequest, seat: Seat, month: Month) -> HttpResponse:
    """The payout of a month, and what it is the sum of."""
    page = queries.month_page(broker_code=seat.code, month=month, now=timezone.now())
    return render(request, "explain/month.html", {"seat": seat, "page": page})


@explain_page
def month_csv(request: HttpRequest, seat: Seat, month: Month) -> HttpResponse:
    page = queries.month_page(broker_code=seat.code, month=month, now=timezone.now())
    return _csv(request, seat, month, "payout", sheets.of_month(page))


@explain_page
def lines(request: HttpRequest, seat: Seat, month: Month) -> HttpResponse:
    """Lines of a month, the largest first."""
    page = queries.lines_page(
        broker_code=seat.code,
        month=month,
        asked=asking.asked(request.GET),
        after=_after_line(request),
        now=timezone.now(),
    )
    return render(request, "explain/lines.html", {"seat": seat, "page": page})


@explain_page
def lines_csv(request: HttpRequest, seat: Seat, month: Month) -> HttpResponse:
    page = queries.lines_page(
        broker_code=seat.code,
        month=month,
        asked=asking.asked(request.GET),
        now=timezone.now(),
        limit=sheets.MOST_ROWS,
    )
    if page.lines > sheets.MOST_ROWS:
        return _too_long(request, seat, page)
    return _csv(request, seat, month, "lines", sheets.of_lines(page))


@explain_page
def line(request: HttpRequest, seat: Seat, month: Month, line: LineName) -> HttpResponse:
    """One line: which arm bound it, in words and numbers, and its days."""
    page = queries.line_page(broker_code=seat.code, month=month, name=line, now=timezone.now())
    return render(request, "explain/line.html", {"seat": seat, "page": page})


@explain_page
def fills(request: HttpRequest, seat: Seat, month: Month) -> HttpResponse:
    """Fills of a day, an order or a trade one by one; any others by day."""
    asked = asking.asked(request.GET)
    if asked.names_fills:
        page = queries.fills_page(
            broker_code=seat.code,
            month=month,
            asked=asked,
            after=_after_fill(request),
            now=timezone.now(),
        )
        return render(request, "explain/fills.html", {"seat": seat, "page": page})
    days = queries.days_page(broker_code=seat.code, month=month, asked=asked, now=timezone.now())
    return render(request, "explain/days.html", {"seat": seat, "page": days})


@explain_page
def fills_csv(request: HttpRequest, seat: Seat, month: Month) -> HttpResponse:
    asked = asking.asked(request.GET)
    if not asked.names_fills:
        days = queries.days_page(broker_code=seat.code, month=month, asked=asked, now=timezone.now())
        return _csv(request, seat, month, "days", sheets.of_days(days))
    page = queries.fills_page(
        broker_code=seat.code,
        month=month,
        asked=asked,
        now=timezone.now(),
        limit=sheets.MOST_ROWS,
    )
    if page.sums.fills > sheets.MOST_ROWS:
        return _too_long(request, seat, page)
    return _csv(request, seat, month, "fills", sheets.of_fills(page))


@explain_page
def fill(request: HttpRequest, seat: Seat, month: Month, fill: FillKey) -> HttpResponse:
    """One fill, by its natural key: everything known of it, what it earns, and where it counts."""
    page = queries.fill_page(broker_code=seat.code, month=month, key=fill, now=timezone.now())
    return render(request, "explain/fill.html", {"seat": seat, "page": page})


@explain_page
def caps(request: HttpRequest, seat: Seat, month: Month) -> HttpResponse:
    """What the affiliates' shares cost in a month, at every tier."""
    page = queries.caps_page(broker_code=seat.code, month=month, now=timezone.now())
    return render(request, "explain/caps.html", {"seat": seat, "page": page})


@explain_page
def caps_csv(request: HttpRequest, seat: Seat, month: Month) -> HttpResponse:
    page = queries.caps_page(broker_code=seat.code, month=month, now=timezone.now())
    return _csv(request, seat, month, "affiliate-caps", sheets.of_caps(page))


def _csv(request: HttpRequest, seat: Seat, month: Month, what: str, rows: Any) -> HttpResponse:
    name = f"backpack-broker-{seat.code}-{month}-{what}.csv"
    return sheets.answer(request, seat, name=name, rows=rows)


def _too_long(request: HttpRequest, seat: Seat, page: LinesPage | FillsPage) -> HttpResponse:
    """Never a part of a table that passes for the whole."""
    context = {"seat": seat, "page": page, "most": sheets.MOST_ROWS}
    return render(request, "explain/long.html", context, status=409)


def _after_line(request: HttpRequest) -> LineName | None:
    cursor = request.GET.get("after", "")
    found = cursors.line_at(cursor) if cursor else None
    if cursor and found is None:
        raise NotAsked
    return found


def _after_fill(request: HttpRequest) -> cursors.FillName | None:
    cursor = request.GET.get("after", "")
    found = cursors.fill_at(cursor) if cursor else None
    if cursor and found is None:
        raise NotAsked
    return found
