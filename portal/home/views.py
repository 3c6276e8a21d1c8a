"""The first page of all, and where a login goes from it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.access import seats_of
from portal.home import queries
from portal.home.forms import Calculator


@require_safe
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """The program for who is nobody yet; a login goes straight to where it belongs."""
    if not request.user.is_authenticated:
        return program(request)
    seats = seats_of(request.user)
    if len(seats) == 1:
        return redirect("dashboard", code=seats[0].code)
    if seats:
        return redirect("brokers")
    return redirect("admin:index" if request.user.is_staff else "apply")


@require_safe
def program(request: HttpRequest) -> HttpResponse:
    """The program for everybody. `?part=calculator` is only that part, for the page's script."""
    form = Calculator.asked(request.GET)
    shown = queries.program(flow=form.flow(), now=timezone.now())
    part = request.GET.get("part") == "calculator"
    return render(
        request, "home/calculator.html" if part else "home/program.html", {"form": form, "shown": shown}
    )
