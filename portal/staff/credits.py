"""Credits on the staff site: attempts, days compared with the exchange's list, and where they differ."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payouts.desk.money_models import Proposal
from payouts.settlement import queries
from payouts.settlement.models import Attempt, Difference, ExchangeCredit, Reconciliation
from portal.accounts.staff_roles import Act
from portal.staff import proposal_preparing
from portal.staff.history import history_of
from portal.staff.money_doors import door, must_not_be_ones_own, number_of
from portal.staff.money_words import dollars
from portal.staff.waiting import own
from portal.staff.window import MoneyWindow, Window, acts, must_be_able
from portal.team.models import Membership

_LOOKS = {
    Attempt.State.CONFIRMED: "on",
    Attempt.State.UNKNOWN: "risk-high",
    Attempt.State.REJECTED: "risk-high",
    Attempt.State.SENDING: "warn",
    Attempt.State.PENDING: "warn",
}


class AttemptFilter(SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("flight", gettext_lazy("in flight")),
            ("person", gettext_lazy("waits for people")),
            *Attempt.State.choices,
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Attempt]) -> QuerySet[Attempt]:
        if self.value() == "flight":
            return queryset.filter(state__in=["pending", "sending", "unknown"])
        if self.value() == "person":
            return queryset.filter(queries.must_be_decided_by_people(timezone.now()))
        return queryset.filter(state=self.value()) if self.value() in Attempt.State.values else queryset


class DifferenceFilter(SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Difference.State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Difference]) -> QuerySet[Difference]:
        return queryset.filter(state=self.value()) if self.value() in Difference.State.values else queryset


@admin.register(Attempt)
class AttemptWindow(Window):
    called = gettext_lazy("credits")
    see = Act.SEE_PAYOUTS
    list_display = ("about", "month_", "number", "standing", "amount_", "account_id", "sent", "detail_")
    list_display_links = ("about",)
    list_filter = (AttemptFilter,)
    search_fields = ("=payout__broker__code", "payout__broker__name", "account_id", "credit_id", "=key")
    search_help_text = gettext_lazy("Broker, exchange account, key, or the exchange's number")
    ordering = ("-pk",)
    sortable_by = ()
    change_list_template = "staff/credits/list.html"

    def get_urls(self) -> list[URLPattern]:
        resolve = proposal_preparing.resolve
        return [
            door(self, "<int:number>/resolve/", resolve, "attempt_resolve", Act.PREPARE_MONEY),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        mine = Membership.objects.filter(login_id=request.user.pk).values("broker")
        return Attempt.objects.exclude(payout__broker__in=mine).select_related(
            "payout__run", "payout__broker", "decided_by"
        )

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        now = timezone.now()
        found = {
            "reconciled": queries.last_reconciliation(),
            "for_people": self.get_queryset(request).filter(queries.must_be_decided_by_people(now)).count()
            if self.has_view_permission(request)
            else 0,
            "now": now,
        }
        return super().changelist_view(request, found | (extra_context or {}))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        must_be_able(request, self.see)
        attempt = (
            Attempt.objects.select_related("payout__run", "payout__broker", "decided_by")
            .filter(pk=number_of(object_id))
            .first()
        )
        if attempt is None:
            raise Http404(_("There is no such attempt."))
        must_not_be_ones_own(request, attempt.payout.broker_id)
        mine, now = acts(request), timezone.now()
        needs_people = Attempt.objects.filter(queries.must_be_decided_by_people(now), pk=attempt.pk).exists()
        proposals = Proposal.objects.filter(attempt=attempt).select_related("prepared_by").order_by("-pk")
        waiting = next((each for each in proposals if each.state == Proposal.State.PREPARED), None)
        return TemplateResponse(
            request,
            "staff/credits/attempt.html",
            self.admin_site.each_context(request)
            | {
                "title": _("Credit of %(broker)s, %(month)s")
                % {"broker": attempt.payout.broker, "month": attempt.payout.run},
                "opts": self.opts,
                "attempt": attempt,
                "looks": _LOOKS[Attempt.State(attempt.state)],
                "listed": ExchangeCredit.objects.filter(key=str(attempt.key)).order_by("pk"),
                "differences": Difference.objects.filter(attempt=attempt).order_by("-pk"),
                "needs_people": needs_people,
                "waiting": waiting,
                "proposals": proposals,
                "can_resolve": needs_people and waiting is None and Act.PREPARE_MONEY in mine,
                "sees_history": Act.SEE_HISTORY in mine,
                "history": history_of(attempt) if Act.SEE_HISTORY in mine else [],
            },
        )

    @admin.display(description=gettext_lazy("broker"))
    def about(self, attempt: Attempt) -> str:
        return str(attempt.payout.broker)

    @admin.display(description=gettext_lazy("month"))
    def month_(self, attempt: Attempt) -> str:
        return str(attempt.payout.run)

    @admin.display(description=gettext_lazy("state"))
    def standing(self, attempt: Attempt) -> str:
        looks = _LOOKS[Attempt.State(attempt.state)]
        return format_html('<span class="badge {}">{}</span>', looks, attempt.get_state_display())

    @admin.display(description=gettext_lazy("amount"))
    def amount_(self, attempt: Attempt) -> str:
        return dollars(attempt.amount)

    @admin.display(description=gettext_lazy("sent"), empty_value="–")
    def sent(self, attempt: Attempt) -> str | None:
        return f"{attempt.sent_at:%Y-%m-%d %H:%M:%S} UTC" if attempt.sent_at else None

    @admin.display(description=gettext_lazy("what the exchange said"), empty_value="–")
    def detail_(self, attempt: Attempt) -> str | None:
        return attempt.detail[:160] or None


@admin.register(Difference)
class DifferenceWindow(MoneyWindow):
    list_display = ("what", "about", "standing", "found", "detail_")
    list_display_links = ("what",)
    list_filter = (DifferenceFilter,)
    ordering = ("state", "-pk")

    def get_urls(self) -> list[URLPattern]:
        resolve = proposal_preparing.resolve_difference
        return [
            door(self, "<int:number>/resolve/", resolve, "difference_resolve", Act.PREPARE_MONEY),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Difference]:
        return Difference.objects.filter(Q(broker=None) | ~own(request.user)).select_related(
            "broker", "attempt__payout__run", "credit", "resolved_by"
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        must_be_able(request, self.see)
        found = (
            Difference.objects.select_related(
                "broker",
                "attempt__payout__run",
                "credit",
                "resolved_by__prepared_by",
                "resolved_by__decided_by",
            )
            .filter(pk=number_of(object_id))
            .first()
        )
        if found is None:
            raise Http404(_("There is no such difference."))
        must_not_be_ones_own(request, found.broker_id)
        waiting = Proposal.objects.filter(difference=found, state=Proposal.State.PREPARED).first()
        is_open = found.state == Difference.State.OPEN
        return TemplateResponse(
            request,
            "staff/credits/difference.html",
            self.admin_site.each_context(request)
            | {
                "title": _("Difference: %(what)s") % {"what": found.get_kind_display()},
                "opts": self.opts,
                "difference": found,
                "waiting": waiting,
                "is_open": is_open,
                "can_resolve": is_open and waiting is None and Act.PREPARE_MONEY in acts(request),
            },
        )

    @admin.display(description=gettext_lazy("difference"))
    def what(self, difference: Difference) -> str:
        return str(difference.get_kind_display())

    @admin.display(description=gettext_lazy("broker"), empty_value="–")
    def about(self, difference: Difference) -> str | None:
        return str(difference.broker) if difference.broker else None

    @admin.display(description=gettext_lazy("state"))
    def standing(self, difference: Difference) -> str:
        looks = "risk-high" if difference.state == Difference.State.OPEN else "on"
        return format_html('<span class="badge {}">{}</span>', looks, difference.get_state_display())

    @admin.display(description=gettext_lazy("found"))
    def found(self, difference: Difference) -> str:
        return f"{difference.found_at:%Y-%m-%d %H:%M} UTC"

    @admin.display(description=gettext_lazy("what differs"))
    def detail_(self, difference: Difference) -> str:
        return difference.detail[:160]


@admin.register(Reconciliation)
class ReconciliationWindow(MoneyWindow):
    list_display = ("day_", "done", "listed_", "confirmed_", "failures")
    list_display_links = None
    ordering = ("-day",)

    @admin.display(description=gettext_lazy("day"))
    def day_(self, row: Reconciliation) -> str:
        return f"{row.day:%Y-%m-%d}"

    @admin.display(description=gettext_lazy("compared"))
    def done(self, row: Reconciliation) -> str:
        if row.done_at is None:
            return format_html('<span class="badge warn">{}</span>', _("not yet"))
        return f"{row.done_at:%Y-%m-%d %H:%M} UTC"

    @admin.display(description=gettext_lazy("the exchange lists"))
    def listed_(self, row: Reconciliation) -> str:
        return f"{row.listed}: {dollars(row.listed_total)}"

    @admin.display(description=gettext_lazy("we have confirmed"))
    def confirmed_(self, row: Reconciliation) -> str:
        return f"{row.confirmed}: {dollars(row.confirmed_total)}"
