"""Health and books on the staff site: what works, what waits too long, what the books say, what runs when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from payouts.ledger.models import BooksCheck
from portal.accounts.staff_roles import Act
from portal.health import facts, words
from portal.health.signs import Sign, State, signs, worst
from portal.staff.window import acts

#: How many checks of the books are listed.
CHECKS = 10
LOOKS = {State.OK: "on", State.LATE: "warn", State.BROKEN: "risk-high"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A sign as the page shows it."""

    title: Promise
    state: State
    says: str
    helps: Promise

    @property
    def looks(self) -> str:
        return LOOKS[self.state]


@dataclass(frozen=True, slots=True)
class ShownBreach:
    """A breach as the page shows it; rows are shown to whom money is shown."""

    invariant: str
    rows: int
    helps: str
    columns: list[str]
    examples: list[list[str]]


def urls(site: AdminSite) -> list[URLPattern]:
    """For every role: whoever works here has to know whether it works."""
    return [path("health/", site.admin_view(lambda request: page(site, request)), name="health")]


def not_well(*, now: datetime) -> list[Shown]:
    """What is late or broken at this moment; three queries."""
    return [_shown(each) for each in _signs(now) if each.state != State.OK]


def page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """All of it, read-only."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    now = timezone.now()
    found = _signs(now)
    checks = list(BooksCheck.objects.order_by("-checked_at", "-pk")[:CHECKS])
    sees_rows = Act.SEE_PAYOUTS in acts(request)
    state = worst(each.state for each in found)
    return TemplateResponse(
        request,
        "staff/health.html",
        site.each_context(request)
        | {
            "title": _("Health and books"),
            "now": now,
            "state": state,
            "looks": LOOKS[state],
            "signs": [_shown(each) for each in found],
            "checks": checks,
            "breaches": [_breach(each, sees_rows=sees_rows) for each in checks[0].breaches] if checks else [],
            "sees_rows": sees_rows,
            "timetable": [(each, words.length(timedelta(seconds=each.every))) for each in settings.TIMETABLE],
        },
    )


def _signs(now: datetime) -> list[Sign]:
    with connection.cursor() as cursor:
        return signs(facts.facts(cursor, now=now), now=now)


def _shown(sign: Sign) -> Shown:
    return Shown(words.TITLES[sign.name], sign.state, words.says(sign), words.HELPS[sign.name])


def _breach(found: dict[str, Any], *, sees_rows: bool) -> ShownBreach:
    examples = found["examples"] if sees_rows else []
    columns = list(examples[0]) if examples else []
    return ShownBreach(
        found["invariant"],
        found["rows"],
        found["helps"],
        columns,
        [[row.get(column, "") for column in columns] for row in examples],
    )
