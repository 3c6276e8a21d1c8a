"""Changes of account on the staff site: what waits first, all about each, the buttons of the two who look."""

from typing import Any

from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payouts.desk.account_change import LONGEST_WHY
from payouts.desk.account_guards import OPEN
from payouts.desk.models import AccountChange
from payouts.exchange import chosen
from payouts.program.queries import standing_of
from portal.accounts.staff_roles import Act
from portal.staff import account_change_actions as actions
from portal.staff import account_change_facts as facts
from portal.staff.acting import Asked, act_page
from portal.staff.history import history_of
from portal.staff.waiting import own
from portal.staff.window import Window, acts, must_be_able

_ACTING = {Act.CHECK_ACCOUNT, Act.CONFIRM_ACCOUNT}
_State = AccountChange.State


class CheckForm(forms.Form):
    how = forms.CharField(
        label=gettext_lazy("What you did to be sure that an owner wants it"),
        max_length=actions.LONGEST_HOW,
        help_text=gettext_lazy(
            "Reach an owner by a way that you knew before, never by what came with the request. Kept for"
            " ever; the second of you reads it, the broker does not."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class ConfirmForm(forms.Form):
    shown = forms.CharField(widget=forms.HiddenInput)


class RefuseForm(forms.Form):
    why = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=LONGEST_WHY,
        help_text=gettext_lazy("The owners read it, on the page and in a letter."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class StateFilter(SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", gettext_lazy("open")), *_State.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AccountChange]) -> QuerySet[AccountChange]:
        if self.value() == "open":
            return queryset.filter(state__in=OPEN)
        return queryset.filter(state=self.value()) if self.value() in _State.values else queryset


@admin.register(AccountChange)
class AccountChangeWindow(Window):
    """For who checks or confirms changes, and for auditors; never about a broker of one's own."""

    see = Act.CHECK_ACCOUNT
    list_display = ("about", "new_account_id", "mark", "asker", "asked", "holds_from")
    list_display_links = ("about",)
    list_filter = (StateFilter,)
    search_fields = ("=broker__code", "broker__name", "old_account_id", "new_account_id", "asked_by__email")
    search_help_text = gettext_lazy("Code or name of the broker, an account, or who asked")
    sortable_by = ()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(acts(request) & (_ACTING | {Act.SEE_HISTORY}))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                f"<int:number>/{address}/",
                self.admin_site.admin_view(view),
                name=f"account_change_{address}",
            )
            for address, view in (
                ("check", self.check_door),
                ("confirm", self.confirm_door),
                ("refuse", self.refuse_door),
            )
        ] + super().get_urls()

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccountChange]:
        """What waits for staff first, then what waits for its time, then the rest, newest first."""
        turn = Case(
            When(state__in=[_State.ASKED, _State.PREPARED], then=Value(0)),
            When(state=_State.CONFIRMED, then=Value(1)),
            default=Value(2),
            output_field=IntegerField(),
        )
        return (
            AccountChange.objects.filter(~own(request.user))
            .select_related("broker", "asked_by", "prepared_by", "confirmed_by", "ended_by")
            .annotate(turn=turn)
            .order_by("turn", "-asked_at", "-pk")
        )

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("turn", "-asked_at", "-pk")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A change with all that helps to tell a thief from an owner."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not self.has_view_permission(request):
            must_be_able(request, self.see)
        change = self._change(request, object_id)
        mine = acts(request)
        is_own = request.user.pk in (change.asked_by_id, change.prepared_by_id)
        context = self.admin_site.each_context(request) | {
            "title": _("Change of account: %(broker)s") % {"broker": change.broker},
            "opts": self.opts,
            **self._facts(change),
            "can_check": Act.CHECK_ACCOUNT in mine and change.state == _State.ASKED and not is_own,
            "can_confirm": Act.CONFIRM_ACCOUNT in mine and change.state == _State.PREPARED and not is_own,
            "is_own_check": change.state == _State.PREPARED and change.prepared_by_id == request.user.pk,
            "can_refuse": bool(mine & _ACTING) and change.state in OPEN,
            "can_see_history": Act.SEE_HISTORY in mine,
            "history": history_of(change) if Act.SEE_HISTORY in mine else [],
        }
        return TemplateResponse(request, "staff/account_changes/detail.html", context)

    def check_door(self, request: HttpRequest, number: int) -> HttpResponse:
        must_be_able(request, Act.CHECK_ACCOUNT)
        change = self._change(request, number)
        asked = self._asked(
            change,
            title=_("Say that it is checked"),
            will=[
                *_what(change),
                _("The exchange is asked about %(account)s once more.") % {"account": change.new_account_id},
                _("Nothing changes yet: somebody else confirms it, and then 72 hours pass."),
                _("Letters go to every owner: %(owners)s.") % {"owners": _owners(change)},
            ],
            button=_("It is checked"),
            done=_("It is checked. Somebody else confirms it now."),
        )
        return act_page(
            self,
            request,
            asked,
            CheckForm,
            lambda data: actions.check(
                reference=change.reference,
                how=data["how"],
                by=request.user,
                exchange=chosen.exchange(clock=timezone.now),
                clock=timezone.now,
            ),
        )

    def confirm_door(self, request: HttpRequest, number: int) -> HttpResponse:
        """The last look of a person before money goes elsewhere, so the login proves itself once more."""
        must_be_able(request, Act.CONFIRM_ACCOUNT)
        self._change(request, number)
        answer: HttpResponse = reauthentication_required(self._confirm)(request, number)
        return answer

    def _confirm(self, request: HttpRequest, number: int) -> HttpResponse:
        change = self._change(request, number)
        # Before anything is shown: what changes while the page is made differs from it.
        digest = actions.shown(change)
        if request.method == "POST" and request.POST.get("shown") not in (None, "", digest):
            messages.error(request, _("Something has changed since this page was shown: look at it again."))
            return HttpResponseRedirect(request.path)
        found = facts.people(change)
        asked = self._asked(
            change,
            title=_("Confirm the change of account"),
            will=[
                *_what(change),
                _("%(who)s checked it at %(at)s UTC: “%(how)s”")
                % {
                    "who": change.prepared_by or "–",
                    "at": f"{change.prepared_at:%Y-%m-%d %H:%M}" if change.prepared_at else "–",
                    "how": facts.how_checked(change),
                },
                *_warnings(found),
                _("The exchange is asked about %(account)s once more.") % {"account": change.new_account_id},
                _("72 hours after you press the button it takes effect, unless an owner cancels it."),
                _("Letters go to every owner: %(owners)s.") % {"owners": ", ".join(facts.owners(found))},
            ],
            button=_("Confirm it"),
            done=_("It is confirmed. It takes effect in 72 hours unless an owner cancels it."),
        )
        return act_page(
            self,
            request,
            asked,
            ConfirmForm,
            lambda data: actions.confirm(
                reference=change.reference,
                shown=data["shown"],
                by=request.user,
                exchange=chosen.exchange(clock=timezone.now),
                clock=timezone.now,
            ),
            initial={"shown": digest},
        )

    def refuse_door(self, request: HttpRequest, number: int) -> HttpResponse:
        if Act.CONFIRM_ACCOUNT not in acts(request):
            must_be_able(request, Act.CHECK_ACCOUNT)
        change = self._change(request, number)
        asked = self._asked(
            change,
            title=_("Refuse the change of account"),
            will=[
                _("Payouts go on to %(account)s.") % {"account": change.old_account_id},
                _("Every owner reads what you write, on the page and in a letter: %(owners)s.")
                % {"owners": _owners(change)},
                _("An owner may ask again; is it a fraud, suspend the broker as well."),
            ],
            button=_("Refuse it"),
            done=_("The change is refused."),
            is_danger=True,
        )
        return act_page(
            self,
            request,
            asked,
            RefuseForm,
            lambda data: actions.refuse(
                reference=change.reference, why=data["why"], by=request.user, now=timezone.now()
            ),
        )

    def _change(self, request: HttpRequest, number: object) -> AccountChange:
        found: AccountChange | None = self.get_object(request, str(number)) if len(str(number)) < 19 else None
        if found is None:
            raise Http404(_("There is no such change of account."))
        return found

    def _facts(self, change: AccountChange) -> dict[str, Any]:
        found = facts.people(change)
        earlier = AccountChange.objects.filter(broker=change.broker).exclude(pk=change.pk)
        return {
            "change": change,
            "people": found,
            "warnings": _warnings(found) if change.state in OPEN else [],
            "team_changes": facts.team_changes(change),
            "how_checked": facts.how_checked(change),
            "steps": change.steps.select_related("by").order_by("at", "pk"),
            "earlier": earlier.select_related("asked_by").order_by("-asked_at", "-pk"),
            "standing": standing_of(change.broker_id, now=timezone.now()).state,
            "is_late": change.state == _State.CONFIRMED and facts.until_now(change),
        }

    def _asked(self, change: AccountChange, **rest: Any) -> Asked:
        back = reverse("admin:payouts_accountchange_change", args=[change.pk])
        return Asked(back=back, of=str(change.broker), **rest)

    @admin.display(description=gettext_lazy("broker"))
    def about(self, change: AccountChange) -> str:
        return str(change.broker)

    @admin.display(description=gettext_lazy("state"))
    def mark(self, change: AccountChange) -> str:
        kind = {"asked": "warn", "prepared": "warn", "confirmed": "on"}.get(change.state, "")
        return format_html('<span class="badge {}">{}</span>', kind, change.get_state_display())

    @admin.display(description=gettext_lazy("asked by"))
    def asker(self, change: AccountChange) -> str:
        return str(change.asked_by)

    @admin.display(description=gettext_lazy("asked"))
    def asked(self, change: AccountChange) -> str:
        return f"{change.asked_at:%Y-%m-%d %H:%M} UTC"

    @admin.display(description=gettext_lazy("takes effect"), empty_value="–")
    def holds_from(self, change: AccountChange) -> str | None:
        return f"{change.effective_at:%Y-%m-%d %H:%M} UTC" if change.effective_at else None


def _what(change: AccountChange) -> list[str]:
    return [
        _("Payouts of %(broker)s are to go to %(new)s instead of %(old)s.")
        % {"broker": change.broker, "new": change.new_account_id, "old": change.old_account_id},
        _("%(who)s asked for it at %(at)s UTC from %(address)s.")
        % {
            "who": change.asked_by,
            "at": f"{change.asked_at:%Y-%m-%d %H:%M}",
            "address": change.asked_from or _("an unknown address"),
        },
    ]


def _warnings(found: facts.People) -> list[str]:
    """What a thief would leave behind."""
    said = []
    if not found.asker_role:
        said.append(_("Whoever asked is not in the team any more: refuse it."))
    if not found.address_is_known:
        said.append(_("The login had not been used from this address before."))
    said += [
        _("%(who)s is new here, or has changed the second factor or the address within 30 days before it.")
        % {"who": each.email}
        for each in found.team
        if each.is_new
    ]
    said += [
        (
            _("%(who)s was an owner and was removed at %(at)s UTC: reach them; letters go to them as well.")
            if each.is_removed
            else _("%(who)s was an owner until %(at)s UTC: reach them; letters go to them as well.")
        )
        % {"who": each.email, "at": f"{each.ended_at:%Y-%m-%d %H:%M}"}
        for each in found.former_owners
    ]
    if len(facts.owners(found)) < 2:
        said.append(
            _("The broker has no second owner who could cancel it: reach somebody else there as well.")
        )
    return said


def _owners(change: AccountChange) -> str:
    return ", ".join(facts.owners(facts.people(change))) or _("nobody, as the broker has no owner")
