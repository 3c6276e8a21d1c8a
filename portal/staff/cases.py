"""Cases: the list and the page of each one. What staff do with them goes through `case_doors`."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payouts.desk.models import Case
from portal.accounts.staff_roles import Act
from portal.staff import case_doors, case_filters, case_forms, case_page
from portal.staff.waiting import own, unanswered_appeals
from portal.staff.window import Window, must_be_able


@admin.register(Case)
class CaseWindow(Window):
    see = Act.SEE_CASES
    list_display = ("number", "subject", "about", "kind", "mark", "looked_after", "opened")
    list_display_links = ("subject",)
    list_filter = (
        case_filters.StateFilter,
        case_filters.FlaggedFilter,
        case_filters.AppealFilter,
        case_filters.OwnerFilter,
        case_filters.KindFilter,
    )
    search_fields = ("=pk", "title", "=broker__code", "broker__name")
    search_help_text = gettext_lazy("Number or title of the case, code or name of the broker")
    ordering = ("-is_flagged", "-opened_at", "-pk")
    sortable_by = ()

    def get_urls(self) -> list[URLPattern]:
        return [*case_doors.urls(self), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        """All but those about brokers whose team the login belongs to."""
        waits = unanswered_appeals(request.user).filter(case=OuterRef("pk"))
        return (
            Case.objects.filter(~own(request.user))
            .select_related("broker", "owner")
            .annotate(has_unanswered=Exists(waits))
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The whole case on one screen."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        must_be_able(request, self.see)
        return self.page(request, case_doors.case_of(request, object_id))

    def page(
        self,
        request: HttpRequest,
        case: Case,
        *,
        status: int = 200,
        answered: case_forms.Answer | None = None,
        **context: Any,
    ) -> HttpResponse:
        """The page of a case, with the form that came back with a fault in its place, if one did."""
        context = (
            self.admin_site.each_context(request)
            | {"title": case.title, "opts": self.opts}
            | case_page.shown(request, case, now=timezone.now(), answered=answered)
            | context
        )
        return TemplateResponse(request, "staff/cases/detail.html", context, status=status)

    @admin.display(description=gettext_lazy("case"))
    def number(self, case: Case) -> int:
        return case.pk

    @admin.display(description=gettext_lazy("title"))
    def subject(self, case: Case) -> str:
        return case.title

    @admin.display(description=gettext_lazy("broker"))
    def about(self, case: Case) -> str:
        return str(case.broker)

    @admin.display(description=gettext_lazy("waits"), empty_value="–")
    def mark(self, case: Any) -> str | None:
        if case.is_flagged:
            return format_html('<span class="badge warn">{}</span>', _("flagged"))
        if case.has_unanswered:
            return format_html('<span class="badge warn">{}</span>', _("appeal"))
        return _("closed") if case.state == Case.State.CLOSED else None

    @admin.display(description=gettext_lazy("owner"), empty_value="–")
    def looked_after(self, case: Case) -> str | None:
        return (case.owner.name or case.owner.email) if case.owner else None

    @admin.display(description=gettext_lazy("opened"))
    def opened(self, case: Case) -> str:
        return f"{case.opened_at:%Y-%m-%d %H:%M} UTC"
