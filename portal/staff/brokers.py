"""Brokers on the staff site: the list, and the page of each one with the doors that lead from it."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payouts.program.models import Broker
from portal.accounts.staff_roles import Act
from portal.staff import broker_page, invitation_doors, standing_doors, view_as
from portal.staff.broker_list import ConcernFilter, OwnerFilter, StandingFilter, listed
from portal.staff.window import Window, acts, must_be_able


@admin.register(Broker)
class BrokerWindow(Window):
    see = Act.SEE_BROKERS
    list_display = (
        "code",
        "name",
        "standing",
        "account_id",
        "held",
        "members",
        "owner",
        "invited",
        "enrolled",
    )
    list_display_links = ("name",)
    list_filter = (StandingFilter, ConcernFilter, OwnerFilter)
    search_fields = ("=code", "name", "account_id")
    search_help_text = gettext_lazy("Code, name or exchange account")
    ordering = ("code",)
    sortable_by = ("code", "name", "enrolled", "held")

    def get_urls(self) -> list[URLPattern]:
        return [
            *invitation_doors.urls(self),
            *standing_doors.urls(self),
            *view_as.urls(self),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> Any:
        return listed(super().get_queryset(request), now=timezone.now())

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """All that is known of a broker on one page."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        must_be_able(request, self.see)
        broker = self.get_object(request, object_id)
        if broker is None:
            raise Http404(_("There is no such broker."))
        context = self.admin_site.each_context(request) | {"title": broker.name, "opts": self.opts}
        context |= broker_page.page(broker, login=request.user, acts=acts(request), now=timezone.now())
        return TemplateResponse(request, "staff/brokers/detail.html", context)

    @admin.display(description=gettext_lazy("enrolled"), ordering="enrolled_at")
    def enrolled(self, broker: Broker) -> str:
        return f"{broker.enrolled_at:%Y-%m-%d}"

    @admin.display(description=gettext_lazy("standing"))
    def standing(self, broker: Any) -> str:
        badges = [_STANDING[broker_page.state_of(broker)]]
        if broker.is_planned and not broker.is_terminated:
            badges.append(("badge warn", gettext_lazy("to be stopped")))
        if broker.is_affiliate:
            badges.append(("badge risk-high", gettext_lazy("affiliate conflict")))
        return format_html_join(" ", '<span class="{}">{}</span>', badges)

    @admin.display(description=gettext_lazy("held"), ordering="held_dollars", empty_value="–")
    def held(self, broker: Any) -> str | None:
        return f"${broker.held_dollars:,.2f}" if broker.held_dollars else None  # whole cents, nothing rounded

    @admin.display(description=gettext_lazy("members"))
    def members(self, broker: Any) -> int:
        return int(broker.number_of_members)

    @admin.display(description=gettext_lazy("owner"))
    def owner(self, broker: Any) -> str:
        return _("yes") if broker.has_owner else _("no")

    @admin.display(description=gettext_lazy("invited"), empty_value="–")
    def invited(self, broker: Any) -> str | None:
        return broker.open_invitation or None


#: Standing → how its badge looks, and what it says.
_STANDING: dict[str, tuple[str, Any]] = {
    "active": ("badge", gettext_lazy("active")),
    "suspended": ("badge warn", gettext_lazy("suspended")),
    "terminated": ("badge risk-high", gettext_lazy("terminated")),
}
