"""The filters of cases; without any the list shows what is open, so that it empties as one works."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from payouts.desk.models import Case

Cases = QuerySet[Case]


class StateFilter(SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("closed", _("closed")), ("all", _("all"))]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        yield {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": _("open"),
        }
        yield from list(super().choices(changelist))[1:]

    def queryset(self, request: HttpRequest, queryset: Cases) -> Cases:
        if self.value() == "all":
            return queryset
        return queryset.filter(state=Case.State.CLOSED if self.value() == "closed" else Case.State.OPEN)


class KindFilter(SimpleListFilter):
    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(each.value, each.label) for each in Case.Kind]

    def queryset(self, request: HttpRequest, queryset: Cases) -> Cases:
        return queryset.filter(kind=self.value()) if self.value() in Case.Kind.values else queryset


class FlaggedFilter(SimpleListFilter):
    title = _("flagged")
    parameter_name = "flagged"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("nobody has looked at it"))]

    def queryset(self, request: HttpRequest, queryset: Cases) -> Cases:
        return queryset.filter(is_flagged=True) if self.value() == "yes" else queryset


class OwnerFilter(SimpleListFilter):
    title = _("owner")
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("mine", _("me")), ("nobody", _("nobody"))]

    def queryset(self, request: HttpRequest, queryset: Cases) -> Cases:
        if self.value() == "mine":
            return queryset.filter(owner=request.user.pk)
        return queryset.filter(owner__isnull=True) if self.value() == "nobody" else queryset


class AppealFilter(SimpleListFilter):
    title = _("appeal")
    parameter_name = "appeal"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("waits for our answer"))]

    def queryset(self, request: HttpRequest, queryset: Cases) -> Cases:
        return queryset.filter(Q(has_unanswered=True)) if self.value() == "yes" else queryset
