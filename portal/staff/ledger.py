"""The ledger on the staff site: every transaction, and that of a broker with what is owed after each."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payouts.ledger.models import Entry, Transaction
from payouts.program import queries as program
from portal.accounts.staff_roles import Act
from portal.staff import ledger_lines
from portal.staff.money_doors import READ, door, must_not_be_ones_own, number_of
from portal.staff.money_words import change
from portal.staff.waiting import own
from portal.staff.window import MoneyWindow, acts, must_be_able


class KindFilter(SimpleListFilter):
    title = gettext_lazy("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Transaction.Kind.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Transaction]) -> QuerySet[Transaction]:
        return queryset.filter(kind=self.value()) if self.value() in Transaction.Kind.values else queryset


@admin.register(Transaction)
class TransactionWindow(MoneyWindow):
    list_display = ("number", "about", "kind", "month_", "owed", "held", "reference", "at_", "by_")
    list_display_links = ("number",)
    list_filter = (KindFilter,)
    search_fields = ("=broker__code", "broker__name", "reference")
    search_help_text = gettext_lazy("Code or name of the broker, or the reference, like payout:12")
    ordering = ("-pk",)

    def get_urls(self) -> list[URLPattern]:
        return [
            door(
                self,
                "broker/<int:code>/",
                broker_ledger,
                "broker_ledger",
                Act.SEE_PAYOUTS,
                methods=READ,
                is_proven=False,
            ),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transaction]:
        entries = Entry.Account
        return (
            Transaction.objects.filter(~own(request.user))
            .select_related("broker", "by")
            .annotate(
                owed_moved=Sum("entries__amount", filter=_of(entries.OWED)),
                held_moved=Sum("entries__amount", filter=_of(entries.HELD)),
            )
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        must_be_able(request, self.see)
        found = (
            Transaction.objects.select_related("broker", "by", "reverses")
            .filter(pk=number_of(object_id))
            .first()
        )
        if found is None:
            raise Http404(_("There is no such transaction."))
        must_not_be_ones_own(request, found.broker_id)
        return TemplateResponse(
            request,
            "staff/ledger/transaction.html",
            self.admin_site.each_context(request)
            | {
                "title": _("Transaction %(number)s") % {"number": found.pk},
                "opts": self.opts,
                "transaction": found,
                "entries": found.entries.order_by("account"),
                "reversed_by": Transaction.objects.filter(reverses=found).first(),
            },
        )

    @admin.display(description=gettext_lazy("number"))
    def number(self, row: Transaction) -> int:
        return row.pk

    @admin.display(description=gettext_lazy("broker"))
    def about(self, row: Transaction) -> str:
        return str(row.broker)

    @admin.display(description=gettext_lazy("month"), empty_value="–")
    def month_(self, row: Transaction) -> str | None:
        return f"{row.month:%Y-%m}" if row.month else None

    @admin.display(description=gettext_lazy("owed"), empty_value="–")
    def owed(self, row: Any) -> str | None:
        return change(row.owed_moved) if row.owed_moved is not None else None

    @admin.display(description=gettext_lazy("held"), empty_value="–")
    def held(self, row: Any) -> str | None:
        return change(row.held_moved) if row.held_moved is not None else None

    @admin.display(description=gettext_lazy("at"))
    def at_(self, row: Transaction) -> str:
        return f"{row.at:%Y-%m-%d %H:%M:%S} UTC"

    @admin.display(description=gettext_lazy("by"))
    def by_(self, row: Transaction) -> str:
        return str(row.by) if row.by else _("the portal")


def broker_ledger(window: Any, request: HttpRequest, code: int) -> HttpResponse:
    """A broker's transactions with the running balance, and what may be done about it."""
    broker = program.broker_with(code)
    if broker is None:
        raise Http404(_("There is no such broker."))
    must_not_be_ones_own(request, code)
    return TemplateResponse(
        request,
        "staff/ledger/broker.html",
        window.admin_site.each_context(request)
        | {
            "title": _("Ledger of %(broker)s") % {"broker": broker},
            "opts": window.opts,
            "broker": broker,
            "balances": ledger_lines.balances(code),
            "page": ledger_lines.page_of(code, request.GET.get("page", "1")),
            "can_prepare_money": Act.PREPARE_MONEY in acts(request),
        },
    )


def _of(account: str) -> Any:
    return Q(entries__account=account)
