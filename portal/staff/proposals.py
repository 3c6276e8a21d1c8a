"""Prepared acts on the staff site: what waits for its second person first, and all about each."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy

from payouts.desk.money_models import Proposal
from portal.accounts.staff_roles import Act
from portal.staff import proposal_doors, proposal_page, proposal_preparing
from portal.staff.money_doors import door
from portal.staff.proposal_page import proposal_of
from portal.staff.waiting import own
from portal.staff.window import Window, acts, must_be_able

_LOOKS = {Proposal.State.PREPARED: "warn", Proposal.State.CONFIRMED: "on"}


class StateFilter(SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Proposal.State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> QuerySet[Proposal]:
        return queryset.filter(state=self.value()) if self.value() in Proposal.State.values else queryset


class KindFilter(SimpleListFilter):
    title = gettext_lazy("act")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Proposal.Kind.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> QuerySet[Proposal]:
        return queryset.filter(kind=self.value()) if self.value() in Proposal.Kind.values else queryset


@admin.register(Proposal)
class ProposalWindow(Window):
    see = Act.SEE_PAYOUTS
    list_display = ("number", "what", "about", "standing", "by", "age")
    list_display_links = ("what",)
    list_filter = (StateFilter, KindFilter)
    search_fields = ("=pk", "=broker__code", "broker__name", "note")
    search_help_text = gettext_lazy("Number of the act, code or name of the broker, words of the note")
    sortable_by = ()

    def get_urls(self) -> list[URLPattern]:
        act = Act.PREPARE_MONEY
        return [
            door(self, "adjust/<int:code>/", proposal_preparing.adjust, "adjust_prepare", act),
            door(self, "void/<int:code>/", proposal_preparing.void, "void_prepare", act),
            *proposal_doors.urls(self),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Proposal]:
        """What waits first, the oldest of it on top; never about a broker of one's own."""
        turn = Case(
            When(state=Proposal.State.PREPARED, then=Value(0)), default=Value(1), output_field=IntegerField()
        )
        return (
            Proposal.objects.filter(~own(request.user))
            .select_related("broker", "payout__run", "prepared_by")
            .annotate(turn=turn)
        )

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("turn", "-prepared_at", "-pk")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        must_be_able(request, self.see)
        return self.page(request, proposal_of(request, object_id))

    def page(
        self,
        request: HttpRequest,
        proposal: Proposal,
        *,
        template: str = "detail",
        title: str = "",
        status: int = 200,
        said: str = "",
    ) -> HttpResponse:
        """An act, with the sentence of a refusal if there was one."""
        heading = str(proposal.get_kind_display())
        return TemplateResponse(
            request,
            f"staff/proposals/{template}.html",
            self.admin_site.each_context(request)
            | {
                "title": f"{title}: {heading}" if title else heading[:1].upper() + heading[1:],
                "opts": self.opts,
                "said": said,
            }
            | proposal_page.page(proposal, login=request.user, acts=acts(request)),
            status=status,
        )

    @admin.display(description=gettext_lazy("act"))
    def number(self, proposal: Proposal) -> int:
        return proposal.pk

    @admin.display(description=gettext_lazy("what"))
    def what(self, proposal: Proposal) -> str:
        return str(proposal.get_kind_display())

    @admin.display(description=gettext_lazy("about"), empty_value="–")
    def about(self, proposal: Proposal) -> str | None:
        if proposal.broker is None:
            return None
        month = f", {proposal.payout.run}" if proposal.payout is not None else ""
        return f"{proposal.broker}{month}"

    @admin.display(description=gettext_lazy("state"))
    def standing(self, proposal: Proposal) -> str:
        looks = _LOOKS.get(Proposal.State(proposal.state), "")
        return format_html('<span class="badge {}">{}</span>', looks, proposal.get_state_display())

    @admin.display(description=gettext_lazy("prepared by"))
    def by(self, proposal: Proposal) -> str:
        return str(proposal.prepared_by)

    @admin.display(description=gettext_lazy("age"))
    def age(self, proposal: Proposal) -> str:
        return timesince(proposal.prepared_at, timezone.now())
