"""What every page of the staff site starts from: it shows, and changes nothing by itself."""

from typing import Any, ClassVar

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from portal.accounts.staff_roles import Act, acts_of


def acts(request: HttpRequest) -> set[Act]:
    """What the login of a request may do on the staff site, read once a request."""
    found: set[Act] | None = getattr(request, "staff_acts", None)
    if found is None:
        found = acts_of(request.user)
        request.staff_acts = found  # type: ignore[attr-defined]  # lives as long as the request
    return found


def must_be_able(request: HttpRequest, act: Act) -> None:
    """A 403 for a login whose roles do not include the act."""
    if act not in acts(request):
        raise PermissionDenied(_("Your role does not include this: ask a superuser of the staff site."))


class Window(ModelAdmin):  # type: ignore[type-arg]  # one base for windows on every model
    """A list and a page for each row, for whom `see` allows. Django's own forms never change a thing:
    what changes, changes through an action of its own, with an address and a page of its own."""

    #: The act that a role must include to look through this window.
    see: ClassVar[Act]
    #: What the bar of windows calls it, if not by its model's name.
    called: ClassVar[Any] = None
    actions = None
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Only what the list's own filters ask: any other column could be asked out letter by letter."""
        asked = {
            each if isinstance(each, str) else getattr(each, "parameter_name", "")
            for each in self.list_filter
        }
        return lookup.removesuffix("__exact") in asked and "\0" not in value

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.see in acts(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.see in acts(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        """The list and the page of a row; no adding, deleting or Django's own log."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("", self.admin_site.admin_view(self.changelist_view), name=f"{name}_changelist"),
            path(
                "<path:object_id>/change/",
                self.admin_site.admin_view(self.change_view),
                name=f"{name}_change",
            ),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return super().changelist_view(request, extra_context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        must_be_able(request, self.see)
        if self.get_object(request, object_id) is None:
            raise Http404(_("There is no such page on the staff site."))
        return super().change_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        raise PermissionDenied

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        raise PermissionDenied

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        raise PermissionDenied


class MoneyWindow(Window):
    """A window on payouts, credits or the ledger that other pages lead to: it stands in no bar of windows."""

    see = Act.SEE_PAYOUTS
    sortable_by = ()

    def get_model_perms(self, request: HttpRequest) -> dict[str, bool]:
        return {}
