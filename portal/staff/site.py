"""The staff site itself: who may enter, and by which door."""

from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, include, path, re_path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from portal.accounts.staff_roles import Act
from portal.application.review_queue import work
from portal.staff import health_page, money_waiting, quarantine_page
from portal.staff.broker_list import unanswered
from portal.staff.waiting import waiting
from portal.staff.window import acts


class StaffSite(AdminSite):
    site_title = site_header = gettext_lazy("Broker portal · staff")
    index_title = gettext_lazy("What waits")
    enable_nav_sidebar = False

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Only our own windows: those that packages bring could change what they show."""
        if admin_class is not None and admin_class.__module__.startswith("portal."):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(acts(request))

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Strangers go to the portal's own door, logins without a role are refused; nothing is cached."""

        @never_cache
        @csrf_protect
        @wraps(view)
        def knock(request: HttpRequest, *args: Any, **rest: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not self.has_permission(request):
                raise PermissionDenied(_("Your login has no role on the staff site."))
            found: HttpResponse = view(request, *args, **rest)
            return found

        return knock

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """The first page, the windows and a 404 for all else: of Django's extras only what they need."""
        windows = [
            path(f"{model._meta.app_label}/{model._meta.model_name}/", include(window.urls))
            for model, window in self._registry.items()
        ]
        labels = "|".join(sorted({model._meta.app_label for model in self._registry}))
        return [
            path("", self.admin_view(self.index), name="index"),
            path("login/", self.login, name="login"),
            *health_page.urls(self),
            *windows,
            re_path(f"^(?P<app_label>{labels or '-'})/$", self.admin_view(self.app_index), name="app_list"),
            re_path(r"(?P<url>.*)$", self.admin_view(self.catch_all_view)),
        ]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The windows by the names that they give themselves."""
        found = super().get_app_list(request, app_label)
        for app in found:
            for each in app["models"]:
                called = getattr(self._registry[each["model"]], "called", None)
                each["name"] = capfirst(str(called or each["name"]))
            app["models"].sort(key=lambda each: str(each["name"]))
        return found

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The portal's own login page; Django's form knows no second factor and no limits."""
        if request.user.is_authenticated:
            return HttpResponseRedirect(reverse("admin:index"))
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """What waits for this login's roles."""
        may = acts(request)
        found = {
            "not_well": health_page.not_well(now=timezone.now()),
            "work": work(login=request.user) if Act.SEE_APPLICATIONS in may else None,
            "waiting": waiting(login=request.user, acts=may),
            "money": money_waiting.waiting(login=request.user, acts=may, now=timezone.now()),
            "quarantine": quarantine_page.waiting(now=timezone.now()) if Act.SEE_QUARANTINE in may else None,
            "unanswered": unanswered(now=timezone.now()) if Act.SEE_BROKERS in may else None,
        }
        return super().index(request, found | (extra_context or {}))

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        return HttpResponseRedirect(reverse("admin:index"))
