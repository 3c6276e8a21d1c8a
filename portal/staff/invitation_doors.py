"""How staff ask the first owner of a broker in: the invitation, its letter once more, and its withdrawal."""

from typing import Any

from allauth.account.decorators import reauthentication_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from payouts.program.models import Broker
from portal.accounts.staff_roles import Act
from portal.staff.acting import Asked, Nothing, act_page
from portal.staff.window import must_be_able
from portal.team import first_owner
from portal.team.forms import InviteForm
from portal.team.models import Invitation


def urls(window: Any) -> list[URLPattern]:
    def button(address: str, view: Any, name: str) -> Any:
        return path(
            address,
            window.admin_site.admin_view(lambda request, **rest: view(window, request, **rest)),
            name=name,
        )

    return [
        button("<int:code>/invite/", invite, "broker_invite"),
        button("<int:code>/invitations/<int:number>/again/", again, "invitation_again"),
        button("<int:code>/invitations/<int:number>/withdraw/", withdraw, "invitation_withdraw"),
    ]


def invite(window: Any, request: HttpRequest, code: int) -> HttpResponse:
    """It hands a broker over, so the login proves itself once more before the page is shown."""
    must_be_able(request, Act.INVITE)
    proved = reauthentication_required(lambda request, code: _invite(window, request, code))
    answer: HttpResponse = proved(request, code)
    return answer


def _invite(window: Any, request: HttpRequest, code: int) -> HttpResponse:
    broker = _broker(request, code)
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
        back=page_of(broker.pk),
        of=str(broker),
    )
    return act_page(
        window,
        request,
        asked,
        InviteForm,
        lambda data: first_owner.invite_owner(
            broker_code=code, email=data["email"], by=request.user, now=timezone.now()
        ),
    )


def again(window: Any, request: HttpRequest, code: int, number: int) -> HttpResponse:
    broker = _broker(request, code)
    invitation = _invitation(broker, number)
    asked = Asked(
        title=_("Send the letter again"),
        will=[
            _("%(email)s gets the letter once more. Both links work, until %(until)s UTC.")
            % {"email": invitation.email, "until": f"{invitation.expires_at:%Y-%m-%d %H:%M}"}
        ],
        button=_("Send it again"),
        done=_("The letter is written once more."),
        back=page_of(broker.pk),
        of=str(broker),
    )
    return act_page(
        window,
        request,
        asked,
        Nothing,
        lambda _data: first_owner.send_invitation_again(
            invitation_id=number, by=request.user, now=timezone.now()
        ),
    )


def withdraw(window: Any, request: HttpRequest, code: int, number: int) -> HttpResponse:
    broker = _broker(request, code)
    invitation = _invitation(broker, number)
    asked = Asked(
        title=_("Withdraw the invitation"),
        will=[
            _("The link that %(email)s has opens nothing from now on.") % {"email": invitation.email},
            _("Another invitation may be sent afterwards."),
        ],
        button=_("Withdraw it"),
        done=_("The invitation is withdrawn."),
        back=page_of(broker.pk),
        of=str(broker),
        is_danger=True,
    )
    return act_page(
        window,
        request,
        asked,
        Nothing,
        lambda _data: first_owner.withdraw_invitation(
            invitation_id=number, by=request.user, now=timezone.now()
        ),
    )


def page_of(code: int) -> str:
    return reverse("admin:payouts_broker_change", args=[code])


def _broker(request: HttpRequest, code: int) -> Broker:
    must_be_able(request, Act.INVITE)
    broker = Broker.objects.filter(pk=code).first() if code <= 65_535 else None
    if broker is None:
        raise Http404(_("There is no such broker."))
    return broker


def _invitation(broker: Broker, number: int) -> Invitation:
    found = Invitation.objects.filter(pk=number, broker=broker).first() if number < 2**63 else None
    if found is None:
        raise Http404(_("There is no such invitation."))
    return found
