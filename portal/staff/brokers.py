"""Brokers: the list and the page of each one, and how the first owner of one without any is asked in."""

from datetime import datetime
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payouts.program.models import Broker
from payouts.program.standing import Change, state_at
from portal.accounts.staff_roles import Act
from portal.staff.acting import Asked, Nothing, act_page
from portal.staff.history import history_of
from portal.staff.window import Window, acts, must_be_able
from portal.team import invitations, queries
from portal.team.forms import InviteForm
from portal.team.models import Invitation, Membership, Role

_TEAM = Membership.objects.filter(broker=OuterRef("pk"))


class OwnerFilter(SimpleListFilter):
    title = gettext_lazy("owner")
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("none", gettext_lazy("without owner")), ("some", gettext_lazy("with owner"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Broker]) -> QuerySet[Broker]:
        wanted = {"none": False, "some": True}.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(Q(has_owner=wanted))


@admin.register(Broker)
class BrokerWindow(Window):
    see = Act.SEE_BROKERS
    list_display = ("code", "name", "account_id", "enrolled", "standing", "members", "owner", "invited")
    list_display_links = ("name",)
    list_filter = (OwnerFilter,)
    search_fields = ("=code", "name", "account_id")
    search_help_text = gettext_lazy("Code, name or exchange account")
    ordering = ("code",)
    sortable_by = ("code", "name", "enrolled")

    def get_urls(self) -> list[URLPattern]:
        def button(address: str, view: Any, name: str) -> Any:
            return path(address, self.admin_site.admin_view(view), name=name)

        return [
            button("<int:code>/invite/", self.invite, "broker_invite"),
            button("<int:code>/invitations/<int:number>/again/", self.again, "invitation_again"),
            button("<int:code>/invitations/<int:number>/withdraw/", self.withdraw, "invitation_withdraw"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> Any:
        members = _TEAM.order_by().values("broker").annotate(number=Count("pk")).values("number")
        invited = Invitation.objects.filter(
            broker=OuterRef("pk"), state=Invitation.State.OPEN, expires_at__gt=timezone.now()
        )
        return (
            super()
            .get_queryset(request)
            .prefetch_related("standing_changes")
            .annotate(
                number_of_members=Coalesce(Subquery(members, output_field=IntegerField()), 0),
                has_owner=Exists(_TEAM.filter(role=Role.OWNER)),
                open_invitation=Subquery(invited.order_by("-pk").values("email")[:1]),
            )
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """All that is known of a broker's people and standing on one page."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        must_be_able(request, self.see)
        broker = self.get_object(request, object_id)
        if broker is None:
            raise Http404(_("There is no such broker."))
        own = queries.is_member(request.user, broker.pk)
        changes = broker.standing_changes.select_related("recorded_by").order_by("-effective_at", "-pk")
        can_act = Act.INVITE in acts(request) and not own
        invited = [_Shown(each, timezone.now()) for each in queries.invitations(broker.pk)]
        context = self.admin_site.each_context(request) | {
            "title": broker.name,
            "opts": self.opts,
            "broker": broker,
            "standing": self.standing(broker),
            "standing_changes": changes,
            "team": queries.team(broker.pk),
            "invitations": invited,
            "own": own,
            "can_act": can_act,
            "can_invite": can_act and not broker.has_owner and not any(each.is_open for each in invited),
            "can_see_history": Act.SEE_HISTORY in acts(request),
            "history": history_of(broker) if Act.SEE_HISTORY in acts(request) and not own else [],
        }
        return TemplateResponse(request, "staff/brokers/detail.html", context)

    def invite(self, request: HttpRequest, code: int) -> HttpResponse:
        """It hands a broker over, so the login proves itself once more before the page is shown."""
        must_be_able(request, Act.INVITE)
        answer: HttpResponse = reauthentication_required(self._invite)(request, code)
        return answer

    def _invite(self, request: HttpRequest, code: int) -> HttpResponse:
        broker = self._broker(request, code)
        asked = Asked(
            title=_("Invite the first owner"),
            will=[
                _("The address gets a letter with a link that works for 14 days, for that address alone."),
                _("Its login declares that %(broker)s is not an affiliate, and accepts the program's terms.")
                % {"broker": broker.name},
                _("The exchange is asked about account %(account)s; then the login owns the team.")
                % {"account": broker.account_id},
            ],
            button=_("Send the invitation"),
            done=_("The invitation is written; its letter goes out within seconds."),
            back=_page_of(broker),
            of=str(broker),
        )
        return act_page(
            self,
            request,
            asked,
            InviteForm,
            lambda data: invitations.invite_owner(
                broker_code=code, email=data["email"], by=request.user, now=timezone.now()
            ),
        )

    def again(self, request: HttpRequest, code: int, number: int) -> HttpResponse:
        broker = self._broker(request, code)
        invitation = _invitation(broker, number)
        asked = Asked(
            title=_("Send the letter again"),
            will=[
                _("%(email)s gets the letter once more. Both links work, until %(until)s UTC.")
                % {"email": invitation.email, "until": f"{invitation.expires_at:%Y-%m-%d %H:%M}"}
            ],
            button=_("Send it again"),
            done=_("The letter is written once more."),
            back=_page_of(broker),
            of=str(broker),
        )
        return act_page(
            self,
            request,
            asked,
            Nothing,
            lambda _data: invitations.send_invitation_again(
                invitation_id=number, by=request.user, now=timezone.now()
            ),
        )

    def withdraw(self, request: HttpRequest, code: int, number: int) -> HttpResponse:
        broker = self._broker(request, code)
        invitation = _invitation(broker, number)
        asked = Asked(
            title=_("Withdraw the invitation"),
            will=[
                _("The link that %(email)s has opens nothing from now on.") % {"email": invitation.email},
                _("Another invitation may be sent afterwards."),
            ],
            button=_("Withdraw it"),
            done=_("The invitation is withdrawn."),
            back=_page_of(broker),
            of=str(broker),
            is_danger=True,
        )
        return act_page(
            self,
            request,
            asked,
            Nothing,
            lambda _data: invitations.withdraw_invitation(invitation_id=number, by=request.user),
        )

    def _broker(self, request: HttpRequest, code: int) -> Broker:
        must_be_able(request, Act.INVITE)
        broker = Broker.objects.filter(pk=code).first() if code <= 65_535 else None
        if broker is None:
            raise Http404(_("There is no such broker."))
        return broker

    @admin.display(description=gettext_lazy("enrolled"), ordering="enrolled_at")
    def enrolled(self, broker: Broker) -> str:
        return f"{broker.enrolled_at:%Y-%m-%d}"

    @admin.display(description=gettext_lazy("standing"))
    def standing(self, broker: Broker) -> str:
        changes = [Change(each.kind, each.effective_at) for each in broker.standing_changes.all()]  # type: ignore[arg-type]  # a CHECK keeps the kinds
        return _(state_at(changes, timezone.now()))

    @admin.display(description=gettext_lazy("members"))
    def members(self, broker: Any) -> int:
        return int(broker.number_of_members)

    @admin.display(description=gettext_lazy("owner"))
    def owner(self, broker: Any) -> str:
        return _("yes") if broker.has_owner else _("no")

    @admin.display(description=gettext_lazy("invited"), empty_value="–")
    def invited(self, broker: Any) -> str | None:
        return broker.open_invitation or None


class _Shown:
    """An invitation and what may still be done with it."""

    def __init__(self, invitation: Invitation, now: datetime) -> None:
        self.invitation = invitation
        self.may_be_withdrawn = invitation.state == Invitation.State.OPEN
        self.is_open = self.may_be_withdrawn and now < invitation.expires_at


def _page_of(broker: Broker) -> str:
    return reverse("admin:payouts_broker_change", args=[broker.pk])


def _invitation(broker: Broker, number: int) -> Invitation:
    found = Invitation.objects.filter(pk=number, broker=broker).first() if number < 2**63 else None
    if found is None:
        raise Http404(_("There is no such invitation."))
    return found
