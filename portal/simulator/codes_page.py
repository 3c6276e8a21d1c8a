"""The demo's running codes of second factors: a page that exists only in the demo."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.simulator.people import PASSWORD, PEOPLE, PERIOD, code_at


@never_cache
@require_safe
def codes(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    rows = [
        {"person": person, "code": code_at(person.totp_secret, now), "secret": person.totp_secret}
        for person in PEOPLE
    ]
    seconds_left = PERIOD - int(now.timestamp()) % PERIOD
    return render(
        request, "demo/codes.html", {"rows": rows, "password": PASSWORD, "seconds_left": seconds_left}
    )
