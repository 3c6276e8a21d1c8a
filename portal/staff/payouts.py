"""Payouts on the staff site: those of all months, and each one opened."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payouts.monthend.models import Payout
from portal.staff import money_waiting, month_rows, payout_doors, payout_page
from portal.staff.money_doors import payout_of
from portal.staff.money_words import dollars
from portal.staff.waiting import own
from portal.staff.window import MoneyWindow, acts, must_be_able


class WaitsFilter(SimpleListFilter):
    title = gettext_lazy("waits for")
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(word, label) for word, (label, _which) in money_waiting.PAYOUTS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payout]) -> QuerySet[Payout]:
        return money_waiting.those(queryset, self.value() or "", login=request.user)


class StateFilter(SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Payout.State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payout]) -> QuerySet[Payout]:
        return queryset.filter(state=self.value()) if self.value() in Payout.State.values else queryset


@admin.register(Payout)
class PayoutWindow(MoneyWindow):
    """Reached from months, brokers and what waits; never those of a broker of one's own."""

    list_display = ("month_", "broker_", "standing", "tier", "payout_", "due_", "prepared_", "approved_")
    list_display_links = ("broker_",)
    list_filter = (WaitsFilter, StateFilter)
    search_fields = ("=broker__code", "broker__name", "account_id")
    search_help_text = gettext_lazy("Code, name or exchange account of the broker")
    ordering = ("-run__month", "broker")

    def get_urls(self) -> list[URLPattern]:
        return [*payout_doors.urls(self), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payout]:
        return (
            month_rows.waiting_payouts()
            .filter(~own(request.user))
            .select_related("run", "broker", "prepared_by", "approved_by")
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        must_be_able(request, self.see)
        return self.page(request, payout_of(request, object_id))

    def page(
        self, request: HttpRequest, payout: Payout, *, status: int = 200, **context: Any
    ) -> HttpResponse:
        """A payout, with the sentence of a refusal and the form that it came from, if there was one."""
        return TemplateResponse(
            request,
            "staff/payouts/detail.html",
            self.admin_site.each_context(request)
            | {
                "title": _("%(broker)s, %(month)s") % {"broker": payout.broker, "month": payout.run},
                "opts": self.opts,
            }
            | payout_page.page(
                payout, login=request.user, acts=acts(request), lines_page=request.GET.get("page", "1")
            )
            | context,
            status=status,
        )

    @admin.display(description=gettext_lazy("month"))
    def month_(self, payout: Payout) -> str:
        return str(payout.run)

    @admin.display(description=gettext_lazy("broker"))
    def broker_(self, payout: Payout) -> str:
        return str(payout.broker)

    @admin.display(description=gettext_lazy("state"))
    def standing(self, payout: Any) -> str:
        held = _("held") if payout.is_held else ""
        state = format_html('<span class="badge">{}</span>', payout.get_state_display())
        return format_html('{} <span class="badge warn">{}</span>', state, held) if held else state

    @admin.display(description=gettext_lazy("payout"))
    def payout_(self, payout: Payout) -> str:
        return dollars(payout.payout)

    @admin.display(description=gettext_lazy("due"), empty_value="–")
    def due_(self, payout: Payout) -> str | None:
        return None if payout.due is None else dollars(payout.due)

    @admin.display(description=gettext_lazy("prepared by"), empty_value="–")
    def prepared_(self, payout: Payout) -> str | None:
        return None if payout.prepared_by is None else str(payout.prepared_by)

    @admin.display(description=gettext_lazy("approved by"), empty_value="–")
    def approved_(self, payout: Payout) -> str | None:
        return None if payout.approved_by is None else str(payout.approved_by)
