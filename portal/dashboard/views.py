"""Opens the way to a broker and shows its dashboard."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal import charts
from portal.access import Seat, broker_page, seats_with_standing
from portal.dashboard import queries
from portal.team.roles import May


@require_safe
@never_cache
@login_required
def brokers(request: HttpRequest) -> HttpResponse:
    return render(
        request, "home/brokers.html", {"seats": seats_with_standing(request.user, now=timezone.now())}
    )


@require_safe
@broker_page(May.SEE_DASHBOARD)
def dashboard(request: HttpRequest, seat: Seat) -> HttpResponse:
    shown = queries.dashboard(broker_code=seat.code, now=timezone.now())
    chart = charts.volume_by_day(shown.days)
    return render(request, "dashboard/page.html", {"seat": seat, "shown": shown, "chart": chart})
