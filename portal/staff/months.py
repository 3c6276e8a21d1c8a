"""Months on the staff site: the list with what each waits for, and each one at a glance."""

from typing import Any

from django.contrib import admin
from django.db.models import DecimalField, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payouts.monthend.models import Payout, Run
from portal.accounts.staff_roles import Act
from portal.staff import month_doors, month_page
from portal.staff.money_doors import run_of
from portal.staff.money_words import dollars
from portal.staff.window import Window, acts, must_be_able

_CENTS = DecimalField(max_digits=62, decimal_places=2)


@admin.register(Run)
class RunWindow(Window):
    see = Act.SEE_PAYOUTS
    list_display = ("month_named", "standing", "brokers_", "payouts_", "waits", "held_", "calculated_")
    list_display_links = ("month_named",)
    ordering = ("-month",)
    sortable_by = ()

    def get_urls(self) -> list[URLPattern]:
        return [*month_doors.urls(self), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        sums = Payout.objects.filter(run=OuterRef("pk")).order_by().values("run")
        totals = sums.annotate(total=Sum("payout")).values("total")
        return month_page.with_counts(Run.objects.all()).annotate(
            total=Coalesce(Subquery(totals), 0, output_field=_CENTS)
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The month at a glance."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        must_be_able(request, self.see)
        run = run_of(object_id)
        context = month_page.page(
            run,
            login=request.user,
            acts=acts(request),
            wanted=request.GET.get("show", ""),
            order=request.GET.get("order", ""),
            now=timezone.now(),
        )
        return TemplateResponse(
            request,
            "staff/months/detail.html",
            self.admin_site.each_context(request)
            | {"title": _("Payouts of %(month)s") % {"month": run}, "opts": self.opts}
            | context,
        )

    @admin.display(description=gettext_lazy("month"))
    def month_named(self, run: Run) -> str:
        return str(run)

    @admin.display(description=gettext_lazy("state"))
    def standing(self, run: Any) -> str:
        words, looks = month_page.STATES[
            month_page.state_of(
                working=run.left,
                parked=run.parked,
                calculated=run.calculated,
                prepared=run.prepared,
                under_way=run.under_way,
                all_=run.brokers,
            )
        ]
        return format_html('<span class="badge {}">{}</span>', looks, words)

    @admin.display(description=gettext_lazy("brokers"))
    def brokers_(self, run: Any) -> int:
        return int(run.brokers)

    @admin.display(description=gettext_lazy("payouts"))
    def payouts_(self, run: Any) -> str:
        return dollars(run.total)

    @admin.display(description=gettext_lazy("parked / to prepare / to approve"))
    def waits(self, run: Any) -> str:
        return f"{run.parked} / {run.calculated} / {run.prepared}"

    @admin.display(description=gettext_lazy("held"), empty_value="–")
    def held_(self, run: Any) -> int | None:
        return run.held or None

    @admin.display(description=gettext_lazy("calculated"))
    def calculated_(self, run: Run) -> str:
        return f"{run.calculated_at:%Y-%m-%d %H:%M} UTC"
