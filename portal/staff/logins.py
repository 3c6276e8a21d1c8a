"""Logins: who they are and what they may do; superusers give and take rights, with a reason."""

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts import staff_actions
from portal.accounts.factors import FACTORS
from portal.accounts.models import User
from portal.accounts.staff_roles import Act, OwnBroker, StaffRole
from portal.staff.acting import Asked, Reason, act_page
from portal.staff.history import history_of
from portal.staff.window import Window, acts, must_be_able
from portal.team.models import Membership


class RoleForm(Reason):
    role = forms.ChoiceField(
        label=gettext_lazy("Role"), choices=[(role.value, role.value) for role in StaffRole]
    )
    field_order = ("role", "reason")


class StaffFilter(SimpleListFilter):
    title = gettext_lazy("who")
    parameter_name = "who"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("staff", gettext_lazy("staff")),
            ("off", gettext_lazy("switched off")),
            ("no-factor", gettext_lazy("staff without second factor")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        wanted: dict[str, dict[str, bool]] = {
            "staff": {"is_staff": True},
            "off": {"is_active": False},
            "no-factor": {"is_staff": True, "has_factor": False},
        }
        return queryset.filter(**wanted.get(self.value() or "", {}))


@admin.register(User)
class LoginWindow(Window):
    see = Act.SEE_LOGINS
    list_display = ("email", "name", "roles", "verified", "second_factor", "last_used", "may_log_in")
    list_display_links = ("email",)
    list_filter = (StaffFilter,)
    search_fields = ("email", "name")
    search_help_text = gettext_lazy("E-mail address or name")
    ordering = ("email",)
    sortable_by = ("email", "name", "last_used")

    def get_urls(self) -> list[URLPattern]:
        return [
            path(f"<int:number>/{address}/", self.admin_site.admin_view(self._door(address)), name=name)
            for address, name in (
                ("make-staff", "login_make_staff"),
                ("take-staff", "login_take_staff"),
                ("give-role", "login_give_role"),
                ("take-role", "login_take_role"),
                ("switch-off", "login_switch_off"),
                ("switch-on", "login_switch_on"),
                ("remove-factors", "login_remove_factors"),
            )
        ] + super().get_urls()

    def get_queryset(self, request: HttpRequest) -> Any:
        own = {"user": OuterRef("pk")}
        return (
            super()
            .get_queryset(request)
            .prefetch_related("groups")
            .annotate(
                is_verified=Exists(
                    EmailAddress.objects.filter(email=OuterRef("email"), verified=True, **own)
                ),
                has_factor=Exists(Authenticator.objects.filter(type__in=FACTORS, **own)),
            )
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A login with its rights, seats and sessions; no password, code or key is on the page."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        must_be_able(request, self.see)
        login = self.get_object(request, object_id)
        if login is None:
            raise Http404(_("There is no such login."))
        roles = [group.name for group in login.groups.all()]
        can_act = Act.GIVE_ROLES in acts(request)
        context = self.admin_site.each_context(request) | {
            "title": login.email,
            "opts": self.opts,
            "login": login,
            "login_roles": roles,
            "memberships": Membership.objects.filter(login=login).select_related("broker").order_by("broker"),
            "addresses": EmailAddress.objects.filter(user=login).order_by("-primary", "email"),
            "factors": _factors(login),
            "number_of_sessions": UserSession.objects.filter(user=login).count(),
            "is_own": login.pk == request.user.pk,
            "can_act": can_act and login.pk != request.user.pk,
            "has_all_roles": len(roles) == len(StaffRole),
            "can_see_history": Act.SEE_HISTORY in acts(request),
            "history": history_of(login) if Act.SEE_HISTORY in acts(request) else [],
        }
        return TemplateResponse(request, "staff/logins/detail.html", context)

    def _door(self, address: str) -> Callable[..., HttpResponse]:
        """Asks a superuser to prove to be present before a right is given or taken."""

        @reauthentication_required  # type: ignore[untyped-decorator]  # allauth has no types
        def proved(request: HttpRequest, *, number: int) -> HttpResponse:
            login = User.objects.filter(pk=number).first() if number < 2**63 else None
            if login is None:
                raise Http404(_("There is no such login."))
            return self._act(request, login, address)

        def knock(request: HttpRequest, number: int) -> HttpResponse:
            must_be_able(request, Act.GIVE_ROLES)  # before the login is asked to prove itself in vain
            found: HttpResponse = proved(request, number=number)
            return found

        return knock

    def _act(self, request: HttpRequest, login: User, address: str) -> HttpResponse:
        title, button, will, do, form = _ACTS[address]
        names = {"email": login.email}
        asked = Asked(
            title=str(title),
            will=[str(sentence) % names for sentence in will],
            button=str(button),
            done=_("It is done, and recorded with the reason."),
            back=reverse("admin:portal_user_change", args=[login.pk]),
            of=login.email,
            is_danger=address in ("take-staff", "take-role", "switch-off", "remove-factors"),
        )
        return act_page(
            self, request, asked, form, lambda data: do(login_id=login.pk, by=request.user, **data)
        )

    @admin.display(description=gettext_lazy("staff"), empty_value="–")
    def roles(self, login: User) -> str | None:
        if not login.is_staff:
            return None
        names = [_("superuser")] * login.is_superuser + [group.name for group in login.groups.all()]
        return ", ".join(names) or _("staff without role")

    @admin.display(description=gettext_lazy("confirmed"))
    def verified(self, login: Any) -> str:
        return _("yes") if login.is_verified else _("no")

    @admin.display(description=gettext_lazy("second factor"))
    def second_factor(self, login: Any) -> str:
        if login.is_staff and not login.has_factor:
            return format_html('<span class="badge warn">{}</span>', _("no"))
        return _("yes") if login.has_factor else _("no")

    @admin.display(description=gettext_lazy("last login"), ordering="last_login", empty_value="–")
    def last_used(self, login: User) -> str | None:
        return f"{login.last_login:%Y-%m-%d %H:%M} UTC" if login.last_login else None

    @admin.display(description=gettext_lazy("may log in"))
    def may_log_in(self, login: User) -> str:
        if login.is_active:
            return _("yes")
        return format_html('<span class="badge warn">{}</span>', _("switched off"))


def _remove_factors(*, login_id: int, by: Any, reason: str) -> None:
    """Not for who sits in a team with the login: it would open a colleague's seat. Refuses `OwnBroker`."""
    own = Membership.objects.filter(login=by).values("broker")
    if login_id != by.pk and Membership.objects.filter(login_id=login_id, broker__in=own).exists():
        raise OwnBroker("You sit in a broker's team with this login: another superuser has to do this.")
    staff_actions.remove_second_factors(login_id=login_id, by=by, reason=reason, now=timezone.now())


def _factors(login: User) -> list[str]:
    """The kinds of second factor that a login has, and since when; nothing that could open anything."""
    rows = Authenticator.objects.filter(user=login).order_by("created_at")
    return [f"{row.get_type_display()} ({row.created_at:%Y-%m-%d})" for row in rows]


#: Address → title, button, what will happen, the action, what is asked.
_ACTS: dict[str, tuple[Any, Any, list[Any], Callable[..., None], type[forms.Form]]] = {
    "make-staff": (
        gettext_lazy("Make staff"),
        gettext_lazy("Make staff"),
        [
            gettext_lazy("%(email)s may enter the staff site, once it has a second factor and a role."),
            gettext_lazy("Without a role it sees nothing there: give it one next."),
        ],
        staff_actions.make_staff,
        Reason,
    ),
    "take-staff": (
        gettext_lazy("Take off the staff"),
        gettext_lazy("Take off the staff"),
        [
            gettext_lazy("%(email)s loses every role on the staff site, at once."),
            gettext_lazy("Its seats with brokers, if any, stay."),
        ],
        staff_actions.take_staff,
        Reason,
    ),
    "give-role": (
        gettext_lazy("Give a role"),
        gettext_lazy("Give the role"),
        [gettext_lazy("%(email)s may do at once what the role includes.")],
        staff_actions.give_role,
        RoleForm,
    ),
    "take-role": (
        gettext_lazy("Take a role"),
        gettext_lazy("Take the role"),
        [gettext_lazy("%(email)s may no longer do what only this role includes.")],
        staff_actions.take_role,
        RoleForm,
    ),
    "switch-off": (
        gettext_lazy("Switch off"),
        gettext_lazy("Switch the login off"),
        [
            gettext_lazy("Every session of %(email)s ends now, and it cannot log in."),
            gettext_lazy("Its seats and roles stay, for when it is switched on again."),
        ],
        staff_actions.switch_off,
        Reason,
    ),
    "switch-on": (
        gettext_lazy("Switch on"),
        gettext_lazy("Switch the login on"),
        [gettext_lazy("%(email)s can log in again, with the seats and roles it has.")],
        staff_actions.switch_on,
        Reason,
    ),
    "remove-factors": (
        gettext_lazy("Remove second factors"),
        gettext_lazy("Remove them all"),
        [
            gettext_lazy(
                "Every authenticator app, passkey and recovery code of %(email)s stops working now:"
                " only for who lost them all, and whom you have recognised by another way than e-mail."
            ),
            gettext_lazy("Every session of the login ends now, and its address gets a letter."),
            gettext_lazy(
                "Until it sets up a new one, its password alone opens the login. If a role needs a second"
                " factor, the set-up is all that it sees."
            ),
        ],
        _remove_factors,
        Reason,
    ),
}
