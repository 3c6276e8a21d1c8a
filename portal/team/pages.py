"""The pages of a broker's team: who is in it, every act on it with a page of its own, and the log."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from payouts.refusal import Refusal
from portal.access import Seat, broker_page
from portal.accounts.proof import proven_afresh
from portal.team import activity as log
from portal.team import colleagues, guards, invitations, members, page_queries
from portal.team.forms import InviteColleague, Nothing, RoleForm
from portal.team.roles import May

_GET_AND_POST = require_http_methods(["GET", "HEAD", "POST"])
_HIGHEST = 10_000


@dataclass(frozen=True, slots=True)
class Asked:
    """An act as its page shows it."""

    title: str
    #: What will happen, sentence by sentence.
    will: list[str]
    button: str
    done: str
    is_danger: bool = False
    goes_to: str = "team"


def _proven_as_it_takes(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponseBase]:
    """About an owner, who could stop a fraud with the payouts, it takes the second factor."""
    by_any_means, by_factor = reauthentication_required(view), proven_afresh(view)

    @wraps(view)
    def knock(request: HttpRequest, seat: Seat, member: int) -> HttpResponseBase:
        found = page_queries.member(broker_code=seat.code, number=member)
        proven = by_factor if found is not None and found.is_owner else by_any_means
        answer: HttpResponseBase = proven(request, seat, member)
        return answer

    return knock


@require_safe
@broker_page(May.SEE_TEAM)
def team(request: HttpRequest, seat: Seat) -> HttpResponse:
    shown = page_queries.team(broker_code=seat.code, login=request.user, now=timezone.now())
    stopped = seat.standing is not None and seat.standing.state in ("suspended", "terminated")
    return render(request, "team/page.html", {"seat": seat, "shown": shown, "stopped": stopped})


@require_safe
@broker_page(May.SEE_ACTIVITY)
def activity(request: HttpRequest, seat: Seat) -> HttpResponse:
    """`?page=2` is the second page; what is no number is the first."""
    asked = request.GET.get("page", "")
    number = min(int(asked), _HIGHEST) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 1
    shown = log.page(broker_code=seat.code, number=number)
    return render(request, "team/activity.html", {"seat": seat, "shown": shown})


@_GET_AND_POST
@broker_page(May.MANAGE_TEAM)
@reauthentication_required  # type: ignore[untyped-decorator]  # allauth bears no types
def invite(request: HttpRequest, seat: Seat) -> HttpResponse:
    asked = Asked(
        title=_("Invite a colleague"),
        will=[
            _("The address gets a letter with a link that works for 7 days, for that address alone."),
            _("Whoever accepts sees %(broker)s as far as the role goes. The owners get a letter then.")
            % {"broker": seat.name},
        ],
        button=_("Send the invitation"),
        done=_("The invitation is written; its letter goes out within seconds."),
    )
    return _act(
        request,
        seat,
        asked,
        InviteColleague,
        lambda data: colleagues.invite(
            broker_code=seat.code,
            email=data["email"],
            role=data["role"],
            by=request.user,
            now=timezone.now(),
        ),
    )


@_GET_AND_POST
@broker_page(May.MANAGE_TEAM)
def again(request: HttpRequest, seat: Seat, invitation: int) -> HttpResponse:
    found = _waiting(seat, invitation)
    asked = Asked(
        title=_("Send the letter again"),
        will=[
            _("%(email)s gets the letter once more. Both links work, until %(until)s UTC.")
            % {"email": found.email, "until": f"{found.expires_at:%Y-%m-%d %H:%M}"}
        ],
        button=_("Send it again"),
        done=_("The letter is written once more."),
    )
    return _act(
        request,
        seat,
        asked,
        Nothing,
        lambda _data: colleagues.send_again(
            broker_code=seat.code, invitation_id=invitation, by=request.user, now=timezone.now()
        ),
    )


@_GET_AND_POST
@broker_page(May.MANAGE_TEAM)
def withdraw(request: HttpRequest, seat: Seat, invitation: int) -> HttpResponse:
    found = _waiting(seat, invitation)
    asked = Asked(
        title=_("Withdraw the invitation"),
        will=[_("The link that %(email)s has opens nothing from now on.") % {"email": found.email}],
        button=_("Withdraw it"),
        done=_("The invitation is withdrawn."),
        is_danger=True,
    )
    return _act(
        request,
        seat,
        asked,
        Nothing,
        lambda _data: colleagues.withdraw(
            broker_code=seat.code, invitation_id=invitation, by=request.user, now=timezone.now()
        ),
    )


@_GET_AND_POST
@broker_page(May.MANAGE_TEAM)
@_proven_as_it_takes
def role(request: HttpRequest, seat: Seat, member: int) -> HttpResponse:
    found = _member(seat, member)
    asked = Asked(
        title=_("Change the role of %(email)s") % {"email": found.email},
        will=[
            _("The role is %(role)s now. Another one holds from the next page that is opened.")
            % {"role": found.role.label},
            _("Owners and finance members need a second factor: without one they first see its set-up."),
            _("%(email)s gets a letter.") % {"email": found.email},
        ],
        button=_("Change the role"),
        done=_("The role is changed."),
    )
    return _act(
        request,
        seat,
        asked,
        RoleForm,
        lambda data: members.change_role(
            broker_code=seat.code,
            member_id=member,
            role=data["role"],
            by=request.user,
            now=timezone.now(),
        ),
        initial={"role": found.role.value},
    )


@_GET_AND_POST
@broker_page(May.MANAGE_TEAM)
@_proven_as_it_takes
def remove(request: HttpRequest, seat: Seat, member: int) -> HttpResponse:
    found = _member(seat, member)
    asked = Asked(
        title=_("Remove %(email)s") % {"email": found.email},
        will=[
            _("From the next click on, the login finds nothing of %(broker)s here.") % {"broker": seat.name},
            _("Invitations that it sent are withdrawn. What it did stays in the log."),
            _("%(email)s gets a letter.") % {"email": found.email},
        ],
        button=_("Remove from the team"),
        done=_("The member is removed."),
        is_danger=True,
    )
    return _act(
        request,
        seat,
        asked,
        Nothing,
        lambda _data: members.remove(
            broker_code=seat.code, member_id=member, by=request.user, now=timezone.now()
        ),
    )


@_GET_AND_POST
@broker_page(May.SEE_TEAM)
def leave(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Every member may go, whatever its role; staff who look at the pages are no members."""
    if seat.look is not None:
        raise PermissionDenied(_("You look at this broker's pages: nothing can be done here."))
    asked = Asked(
        title=_("Leave the team of %(broker)s") % {"broker": seat.name},
        will=[
            _("Your login finds nothing of %(broker)s here any more; only an owner can invite you again.")
            % {"broker": seat.name},
            _("Your login itself stays, and so do other brokers of yours."),
        ],
        button=_("Leave the team"),
        done=_("You have left the team of %(broker)s.") % {"broker": seat.name},
        is_danger=True,
        goes_to="brokers",
    )
    return _act(
        request,
        seat,
        asked,
        Nothing,
        lambda _data: members.leave(broker_code=seat.code, by=request.user, now=timezone.now()),
    )


def _member(seat: Seat, number: int) -> page_queries.Member:
    found = page_queries.member(broker_code=seat.code, number=number)
    if found is None:
        raise Http404(_("There is no such member."))
    return found


def _waiting(seat: Seat, number: int) -> page_queries.Waiting:
    found = page_queries.waiting(broker_code=seat.code, number=number, now=timezone.now())
    if found is None:
        raise Http404(_("There is no such invitation."))
    return found


def _act(
    request: HttpRequest,
    seat: Seat,
    asked: Asked,
    form_class: type[forms.Form],
    do: Callable[[dict[str, Any]], object],
    *,
    initial: dict[str, Any] | None = None,
) -> HttpResponse:
    """Shows an act and, on a POST with a good form, does it. A refusal is told on the same page."""
    form = form_class(request.POST if request.method == "POST" else None, initial=initial)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                do(form.cleaned_data)
            except guards.NotYourTeam as refusal:
                raise PermissionDenied(str(refusal)) from None
            except (members.NoSuchMember, invitations.NoSuchInvitation) as refusal:
                raise Http404(str(refusal)) from None
            except Refusal as refusal:
                form.add_error(None, str(refusal))
                status = 409
            else:
                messages.success(request, asked.done)
                return redirect("brokers") if asked.goes_to == "brokers" else redirect("team", code=seat.code)
    context = {"seat": seat, "asked": asked, "form": form}
    return render(request, "team/act.html", context, status=status)
