"""The filters of the queue; without any it shows what waits, so that it empties as one works."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.application.models import Application, State
from portal.application.review_queue import WAITING, promised
from portal.application.risk import Level
from portal.application.risk_facts import cards

Applications = QuerySet[Application]


class StateFilter(SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        states = [State.INFORMATION_REQUESTED, State.APPROVED, State.REJECTED, State.WITHDRAWN]
        return [*((state.value, state.label) for state in states), ("all", _("all"))]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        yield {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": _("waiting for us"),
        }
        yield from list(super().choices(changelist))[1:]

    def queryset(self, request: HttpRequest, queryset: Applications) -> Applications:
        if self.value() is None:
            return queryset.filter(state__in=WAITING)
        return queryset if self.value() == "all" else queryset.filter(state=self.value())


class AssigneeFilter(SimpleListFilter):
    title = _("assigned to")
    parameter_name = "assigned"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("me", _("me")), ("nobody", _("nobody"))]

    def queryset(self, request: HttpRequest, queryset: Applications) -> Applications:
        if self.value() == "me":
            return queryset.filter(assignee=request.user.pk)
        return queryset.filter(assignee__isnull=True) if self.value() == "nobody" else queryset


class RiskFilter(SimpleListFilter):
    title = _("risk")
    parameter_name = "risk"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("high", _("high")), ("medium", _("medium")), ("low", _("low"))]

    def queryset(self, request: HttpRequest, queryset: Applications) -> Applications:
        if self.value() not in {level.word for level in Level}:
            return queryset
        found = [pk for pk, card in cards(queryset).items() if card.level.word == self.value()]
        return queryset.filter(pk__in=found)


class OverdueFilter(SimpleListFilter):
    title = _("age")
    parameter_name = "overdue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("overdue"))]

    def queryset(self, request: HttpRequest, queryset: Applications) -> Applications:
        if self.value() != "yes":
            return queryset
        now = timezone.now()
        found = [each.pk for each in queryset.filter(state__in=WAITING) if promised(each, now=now).is_overdue]
        return queryset.filter(pk__in=found)
