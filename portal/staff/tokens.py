"""Service tokens on the staff site: superusers make and revoke them; each is shown once, and watched."""

from datetime import datetime
from typing import Any

from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables

from payouts.refusal import Refusal
from portal.accounts.staff_roles import Act, NotYourRole
from portal.api import actions
from portal.api.models import ServiceToken
from portal.api.scopes import Scope
from portal.staff.acting import Asked, Reason, act_page
from portal.staff.history import history_of
from portal.staff.window import Window, acts, must_be_able

#: A token that ends within so many days is marked: its successor is due.
_SOON_DAYS = 14


class MakeForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=actions.LONGEST_NAME,
        help_text=gettext_lazy("The system that will use it, like “order gateway”. One token in use a name."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scope = forms.ChoiceField(label=gettext_lazy("It opens"), choices=Scope.choices)
    days = forms.IntegerField(
        label=gettext_lazy("Days that it lives"),
        min_value=1,
        max_value=actions.LONGEST_DAYS,
        initial=actions.DEFAULT_DAYS,
    )


class StateFilter(SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("good", gettext_lazy("good")),
            ("expired", gettext_lazy("expired")),
            ("revoked", gettext_lazy("revoked")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ServiceToken]) -> QuerySet[ServiceToken]:
        now = timezone.now()
        wanted: dict[str, dict[str, Any]] = {
            "good": {"revoked_at": None, "expires_at__gt": now},
            "expired": {"revoked_at": None, "expires_at__lte": now},
            "revoked": {"revoked_at__isnull": False},
        }
        return queryset.filter(**wanted.get(self.value() or "", {}))


@admin.register(ServiceToken)
class TokenWindow(Window):
    see = Act.SEE_TOKENS
    list_display = ("name", "prefix", "scope", "state", "expires", "last_used", "used_from")
    list_display_links = ("name",)
    list_filter = (StateFilter,)
    search_fields = ("name", "prefix")
    search_help_text = gettext_lazy("Name, or how the token begins")
    ordering = ("-created_at", "-pk")
    sortable_by = ("name", "expires", "last_used")
    change_list_template = "staff/tokens/list.html"

    def get_urls(self) -> list[URLPattern]:
        def button(address: str, view: Any, name: str) -> Any:
            return path(address, self.admin_site.admin_view(view), name=name)

        return [
            button("make/", self.make, "token_make"),
            button("<int:number>/revoke/", self.revoke, "token_revoke"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ServiceToken]:
        return super().get_queryset(request).defer("token_hash")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return super().changelist_view(request, {"can_make": Act.MANAGE_TOKENS in acts(request)})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """All that is known of a token; the token itself is not."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        must_be_able(request, self.see)
        token = self.get_object(request, object_id)
        if token is None:
            raise Http404(_("There is no such token."))
        context = self.admin_site.each_context(request) | {
            "title": token.name,
            "opts": self.opts,
            "token": token,
            "state": self.state(token),
            "can_revoke": Act.MANAGE_TOKENS in acts(request) and token.revoked_at is None,
            "can_see_history": Act.SEE_HISTORY in acts(request),
            "history": history_of(token) if Act.SEE_HISTORY in acts(request) else [],
        }
        return TemplateResponse(request, "staff/tokens/detail.html", context)

    def make(self, request: HttpRequest) -> HttpResponse:
        """It lets a machine in, so the login proves itself once more before the page is shown."""
        must_be_able(request, Act.MANAGE_TOKENS)
        answer: HttpResponse = reauthentication_required(self._make)(request)
        return answer

    @sensitive_variables()
    def _make(self, request: HttpRequest) -> HttpResponse:
        """The token stands on the answer to the POST alone: no session, message or address has it."""
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        form = MakeForm(request.POST if request.method == "POST" else None)
        status = 200
        if request.method == "POST":
            status = 422
            if form.is_valid():
                try:
                    made = actions.make_token(**form.cleaned_data, by=request.user, now=timezone.now())
                except NotYourRole as refusal:
                    raise PermissionDenied(str(refusal)) from None
                except Refusal as refusal:
                    form.add_error(None, str(refusal))
                    status = 409
                else:
                    return self._shown_once(request, made)
        asked = Asked(
            title=_("Make a service token"),
            will=[
                _("A system that sends the token is let in, to what it opens and nothing else."),
                _("The token is shown once, on the next page. Only its hash is kept: nobody can look it up."),
                _("It ends by itself after the days below. Make its successor before, under another name."),
            ],
            button=_("Make the token"),
            done="",
            back=reverse("admin:portal_servicetoken_changelist"),
            of=_("all tokens"),
        )
        context = self.admin_site.each_context(request) | {
            "title": asked.title,
            "opts": self.opts,
            "asked": asked,
            "form": form,
        }
        return TemplateResponse(request, "staff/act.html", context, status=status)

    def _shown_once(self, request: HttpRequest, made: actions.Made) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "title": _("The token is made"),
            "opts": self.opts,
            "token": made.token,
            "secret": made.secret,
        }
        # Rendered here and not later: no part of Django that comes after holds the token in a variable.
        return TemplateResponse(request, "staff/tokens/made.html", context).render()

    def revoke(self, request: HttpRequest, number: int) -> HttpResponse:
        must_be_able(request, Act.MANAGE_TOKENS)
        answer: HttpResponse = reauthentication_required(self._revoke)(request, number)
        return answer

    def _revoke(self, request: HttpRequest, number: int) -> HttpResponse:
        token = ServiceToken.objects.filter(pk=number).first() if number < 2**63 else None
        if token is None:
            raise Http404(_("There is no such token."))
        asked = Asked(
            title=_("Revoke the token"),
            will=[
                _("The next request with %(prefix)s… is refused.") % {"prefix": token.prefix},
                _used(token),
                _("It cannot be made good again: another token can be made."),
            ],
            button=_("Revoke it"),
            done=_("The token opens nothing any more."),
            back=reverse("admin:portal_servicetoken_change", args=[token.pk]),
            of=token.name,
            is_danger=True,
        )
        return act_page(
            self,
            request,
            asked,
            RevokeForm,
            lambda data: actions.revoke_token(
                prefix=token.prefix, reason=data["reason"], by=request.user, now=timezone.now()
            ),
        )

    @admin.display(description=gettext_lazy("state"))
    def state(self, token: ServiceToken) -> str:
        now = timezone.now()
        if token.revoked_at is not None:
            return format_html('<span class="badge">{}</span>', _("revoked"))
        if token.expires_at <= now:
            return format_html('<span class="badge warn">{}</span>', _("expired"))
        if (token.expires_at - now).days < _SOON_DAYS:
            return format_html('<span class="badge warn">{}</span>', _("ends soon"))
        return format_html('<span class="badge on">{}</span>', _("good"))

    @admin.display(description=gettext_lazy("expires"), ordering="expires_at")
    def expires(self, token: ServiceToken) -> str:
        return _minute(token.expires_at)

    @admin.display(description=gettext_lazy("last used"), ordering="last_used_at")
    def last_used(self, token: ServiceToken) -> str:
        return _minute(token.last_used_at) if token.last_used_at else _("never")

    @admin.display(description=gettext_lazy("from"), empty_value="–")
    def used_from(self, token: ServiceToken) -> str | None:
        return token.last_used_from


class RevokeForm(Reason):
    """Says who reads the reason: a token has no login that could."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["reason"].help_text = _("Recorded with the token, for ever.")


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _used(token: ServiceToken) -> str:
    if token.last_used_at is None:
        return _("It was never used.")
    return _("It was used last at %(at)s: whoever uses it is cut off.") % {"at": _minute(token.last_used_at)}
