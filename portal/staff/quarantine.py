"""Records in quarantine on the staff site: why they wait, the list, and the page of each one."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payouts.feed import quarantine, replaying
from payouts.feed.quarantine_models import QuarantinePlace
from portal.accounts.models import User
from portal.accounts.staff_roles import Act
from portal.staff import quarantine_doors, quarantine_list, quarantine_page
from portal.staff.money_doors import READ, door, must_not_be_ones_own, number_of
from portal.staff.own import own_codes
from portal.staff.window import Window, acts, must_be_able


@admin.register(QuarantinePlace)
class QuarantineWindow(Window):
    """Its first page tells why records wait and what comes next; the list of them stands behind it."""

    see = Act.SEE_QUARANTINE
    called = gettext_lazy("quarantine")

    def get_urls(self) -> list[URLPattern]:
        def page(address: str, view: Any, name: str) -> URLPattern:
            return door(self, address, view, name, self.see, methods=READ, is_proven=False)

        return [
            page("records/", records, "quarantine_records"),
            page("replays/<int:number>/", replay, "quarantine_replay"),
            *quarantine_doors.urls(self),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """By reason: how many wait, since when, and the next step."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        must_be_able(request, self.see)
        found = quarantine_page.overview(now=timezone.now())
        return self.show(request, "overview", _("Quarantine"), can_mind=_can_mind(request), **found)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A record: its bytes made safe, what is wrong, what became of it, what holds its key."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        must_be_able(request, self.see)
        record = quarantine.record(number_of(object_id))
        if record is None:
            raise Http404(_("There is no such record."))
        must_not_be_ones_own(request, record.broker_code)
        title = _("Record %(number)s") % {"number": record.number}
        found = quarantine_page.page(record, can_mind=_can_mind(request))
        return self.show(request, "record", title, **found)

    def show(self, request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
        context = self.admin_site.each_context(request) | {"title": title, "opts": self.opts} | context
        return TemplateResponse(request, f"staff/quarantine/{template}.html", context)


def records(window: QuarantineWindow, request: HttpRequest) -> HttpResponse:
    """The list, as it was asked for."""
    own = own_codes(request.user)
    found = quarantine_list.listed(request.GET.dict(), own=own)
    return window.show(
        request, "records", _("Records"), listed=found, has_own=bool(own), can_mind=_can_mind(request)
    )


def replay(window: QuarantineWindow, request: HttpRequest, number: int) -> HttpResponse:
    """How far a replay is, and where its records went."""
    found = replaying.progress(number) if number < 2**63 else None
    if found is None:
        raise Http404(_("There is no such replay."))
    return window.show(
        request,
        "replay",
        _("Replay %(number)s") % {"number": number},
        replay=found,
        all=found.looked_at + found.left,
        target=quarantine_page.target(found),
        who=None if found.asked_by is None else User.objects.filter(pk=found.asked_by).first(),
        now=timezone.now(),
        can_mind=_can_mind(request),
    )


def _can_mind(request: HttpRequest) -> bool:
    return Act.MIND_QUARANTINE in acts(request)
