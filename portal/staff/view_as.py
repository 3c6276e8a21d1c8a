"""The doors of a look at a broker's pages: begin, end, log out; and the window where auditors read them."""

from typing import Any

from allauth.account import views as account
from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payouts.program import queries as program
from portal.accounts.staff_roles import Act, OwnBroker
from portal.staff.acting import Asked, act_page
from portal.staff.own import must_not_be_own
from portal.staff.waiting import own
from portal.staff.window import Window, must_be_able
from portal.team import view_as
from portal.team.models import ViewAs


class Why(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Why do you look?"),
        max_length=view_as.LONGEST_REASON,
        help_text=gettext_lazy(
            "Recorded with the look and every page that you open, for ever; auditors read it."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


def urls(window: Any) -> list[URLPattern]:
    """Where a look begins: under the broker's own address."""
    view = window.admin_site.admin_view(lambda request, code: begin(window, request, code))
    return [path("<int:code>/view-as/", view, name="broker_view_as")]


def begin(window: Any, request: HttpRequest, code: int) -> HttpResponse:
    """It opens what is private to a broker, so the login proves itself once more before the page is shown."""
    must_be_able(request, Act.VIEW_AS)
    answer: HttpResponse = reauthentication_required(lambda request: _begin(window, request, code))(request)
    return answer


def _begin(window: Any, request: HttpRequest, code: int) -> HttpResponse:
    broker = program.broker_with(code) if code <= 65_535 else None
    if broker is None:
        raise Http404(_("There is no such broker."))
    try:
        must_not_be_own(request.user, code)
    except OwnBroker:
        raise PermissionDenied(
            _("You are a member of this broker's team: open its pages as yourself.")
        ) from None
    minutes = int(view_as.LASTS.total_seconds() // 60)
    asked = Asked(
        title=_("View as this broker"),
        will=[
            _("You see every page of %(broker)s as its members see them, with figures that are theirs alone.")
            % {"broker": broker.name},
            _("You can do nothing there: no button is shown, and whatever is sent is refused."),
            _("It ends after %(minutes)d minutes, when you end it, or when you log out.")
            % {"minutes": minutes},
            _("Your name, your reason and every page and file that you open are recorded."),
        ],
        button=_("Begin to look"),
        done=_("You look at the pages of %(broker)s.") % {"broker": broker.name},
        back=reverse("admin:payouts_broker_change", args=[code]),
        of=str(broker),
        then=reverse("dashboard", args=[code]),
    )

    def do(data: dict[str, Any]) -> None:
        look = view_as.begin(
            broker_code=code,
            reason=data["reason"],
            by=request.user,
            address=request.META.get("REMOTE_ADDR", ""),
            now=timezone.now(),
        )
        view_as.remember(request, look)

    return act_page(window, request, asked, Why, do)


def log_out(request: HttpRequest) -> HttpResponse:
    """Logs a login out; a look of this session ends with it, on record."""
    if request.method == "POST" and request.user.is_authenticated:
        view_as.end_here(request, now=timezone.now())
    answer: HttpResponse = account.logout(request)
    return answer


@admin.register(ViewAs)
class LookWindow(Window):
    see = Act.SEE_HISTORY
    list_display = ("who", "at_broker", "reason", "began", "until", "pages")
    list_display_links = ("who",)
    search_fields = ("login__email", "=broker__code", "broker__name", "reason")
    search_help_text = gettext_lazy("Login, broker or reason")
    ordering = ("-pk",)
    sortable_by = ()

    def get_urls(self) -> list[URLPattern]:
        return [path("end/", self.admin_site.admin_view(self.end), name="view_as_end"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ViewAs]:
        """All but those at brokers whose team the login belongs to."""
        looks = ViewAs.objects.filter(~own(request.user)).select_related("login", "broker")
        return looks.annotate(number_of_pages=Count("pages"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One look and every page that was opened in it."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        must_be_able(request, self.see)
        look = self.get_object(request, object_id)
        if look is None:
            raise Http404(_("There is no such look."))
        context = self.admin_site.each_context(request) | {
            "title": _("%(who)s looked at %(broker)s") % {"who": look.login, "broker": look.broker},
            "opts": self.opts,
            "look": look,
            "now": timezone.now(),
            "pages": look.pages.order_by("pk"),
        }
        return TemplateResponse(request, "staff/looks/detail.html", context)

    def end(self, request: HttpRequest) -> HttpResponse:
        """Ends every look of the login, in whichever session it was begun."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        code = view_as.remembered(request)
        now = timezone.now()
        view_as.end_here(request, now=now)
        view_as.end(by=request.user, now=now)
        messages.success(request, _("The look has ended."))
        return HttpResponseRedirect(
            reverse("admin:index") if code is None else reverse("admin:payouts_broker_change", args=[code])
        )

    @admin.display(description=gettext_lazy("who"))
    def who(self, look: ViewAs) -> str:
        return str(look.login)

    @admin.display(description=gettext_lazy("broker"))
    def at_broker(self, look: ViewAs) -> str:
        return str(look.broker)

    @admin.display(description=gettext_lazy("began"))
    def began(self, look: ViewAs) -> str:
        return f"{look.started_at:%Y-%m-%d %H:%M:%S} UTC"

    @admin.display(description=gettext_lazy("until"))
    def until(self, look: ViewAs) -> str:
        return f"{look.ended_at or look.expires_at:%Y-%m-%d %H:%M:%S} UTC"

    @admin.display(description=gettext_lazy("pages opened"))
    def pages(self, look: Any) -> int:
        return int(look.number_of_pages)
