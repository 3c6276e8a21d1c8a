"""Who may see which broker: a login's seats, or a 404 as if the broker did not exist."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import wraps
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from payouts.program.queries import Standing, standing_of, standings_of
from portal import machines
from portal.accounts.factors import FACTORS
from portal.accounts.models import User
from portal.accounts.sessions import is_from_before_the_factor
from portal.team import view_as
from portal.team.models import Membership, Role, ViewAs
from portal.team.roles import LOOK, ROLES, May


@dataclass(frozen=True, slots=True)
class Seat:
    """A login's place in a broker's team, or that of staff who look at its pages."""

    code: int
    name: str
    role: Role
    #: The login sits with other brokers too, so pages offer to change between them.
    has_others: bool
    may: frozenset[May] = frozenset()
    #: None in lists of seats.
    standing: Standing | None = None
    #: Staff look at the broker's pages; nothing can be done from here.
    look: ViewAs | None = None
    #: The login's other brokers, code and name: the header offers to change to them.
    others: tuple[tuple[int, str], ...] = ()

    @property
    def can(self) -> dict[str, bool]:
        """What templates ask: `seat.can.MANAGE_TEAM`."""
        return {each.name: each in self.may for each in May}


def seats_of(login: Any) -> list[Seat]:
    """Every seat of a login, by the broker's name; none for staff who are not members."""
    rows = list(
        Membership.objects.filter(login=login)
        .order_by("broker__name", "broker_id")
        .values_list("broker_id", "broker__name", "role")
    )
    return [
        Seat(code, name, Role(role), has_others=len(rows) > 1, may=ROLES[role]) for code, name, role in rows
    ]


def seats_with_standing(login: Any, *, now: datetime) -> list[Seat]:
    """Every seat of a login with its broker's standing: two queries, however many seats."""
    seats = seats_of(login)
    found = standings_of([seat.code for seat in seats], now=now)
    return [replace(seat, standing=found[seat.code]) for seat in seats]


def seat_at(request: HttpRequest, code: int, *, now: datetime) -> Seat | None:
    """The seat of a request's login with a broker, as it stands now; None for everybody else."""
    seats = seats_of(request.user)
    for seat in seats:
        if seat.code == code:
            others = tuple((each.code, each.name) for each in seats if each.code != code)
            return replace(seat, standing=standing_of(code, now=now), others=others)
    look = view_as.look_of(request, code, now=now)
    if look is None:
        return None
    return Seat(
        code,
        look.broker.name,
        Role.VIEWER,
        has_others=False,
        may=LOOK,
        standing=standing_of(code, now=now),
        look=look,
    )


def broker_page(may: May) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """A page of one broker for members whose role may this: the view gets the login's seat there.

    Members with another role get a 403, everybody else a 404. Staff are no exception, unless they have begun
    to look at just this broker's pages, which is recorded page by page and can do nothing.
    """

    def wrapped(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @never_cache
        @login_required
        @wraps(view)
        def knock(request: HttpRequest, code: int, **rest: Any) -> HttpResponseBase:
            now = timezone.now()
            seat = seat_at(request, code, now=now)
            if seat is None:
                raise Http404(_("There is no such page for your login."))
            request.seat = seat  # type: ignore[attr-defined]  # pages of errors show where one is
            if seat.look is not None:
                if request.method not in ("GET", "HEAD"):
                    raise PermissionDenied(_("You look at this broker's pages: nothing can be done here."))
                view_as.record_page(look=seat.look, path=request.path, now=now)
            if may not in seat.may:
                raise PermissionDenied(
                    _("Your role here, %(role)s, does not include this: ask an owner of %(broker)s.")
                    % {"role": seat.role.label, "broker": seat.name}
                )
            return view(request, seat, **rest)

        return knock

    return wrapped


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """Whether a login has a second factor, and whether its role asks for one."""

    is_set_up: bool
    is_required: bool


def second_factor_of(login: Any) -> SecondFactor:
    """As it stands now: staff need one, and owners and finance members of any broker. One query."""
    found = (
        User.objects.filter(pk=login.pk)
        .values_list(
            Exists(Authenticator.objects.filter(user=OuterRef("pk"), type__in=FACTORS)),
            Exists(Membership.objects.filter(login=OuterRef("pk"), role__in=(Role.OWNER, Role.FINANCE))),
        )
        .first()
    )
    is_set_up, handles_money = found or (False, False)
    return SecondFactor(is_set_up, bool(login.is_staff or login.is_superuser or handles_money))


#: What a login that still needs its second factor may open: the set-up, the way out, and what works without
#: any login.
_OPEN_WITHOUT = frozenset(
    {
        "mfa_index",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_list_webauthn",
        "mfa_edit_webauthn",
        "mfa_remove_webauthn",
        "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
        "account_reauthenticate",
        "account_change_password",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
        "account_confirm_email",
        "account_email_verification_sent",
        "account_login",
        "account_logout",
        "unsubscribe",
        # What anybody may ask is asked with a login too.
        "verify",
        "statement_keys",
        "verify_statement",
    }
)


class RequireMfa:
    """Lets a login whose role needs a second factor, and has none, see only the set-up page.

    Also ends sessions that were begun before their login had its second factor: they never showed it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, _view: object, _args: object, _rest: object
    ) -> HttpResponseBase | None:
        if not request.user.is_authenticated:
            return None
        factor = second_factor_of(request.user)
        if factor.is_set_up:
            if is_from_before_the_factor(request):
                logout(request)  # what follows is the page as nobody, which leads to the login page
            return None
        if not factor.is_required:
            return None
        request.must_set_up_mfa = True  # type: ignore[attr-defined]  # for the set-up page
        if request.resolver_match and request.resolver_match.view_name in _OPEN_WITHOUT:
            return None
        return _to_the_set_up(request)


def _to_the_set_up(request: HttpRequest) -> HttpResponseBase:
    sentence = _(
        "Set up an authenticator app or a passkey first: your role handles money or other people's data."
    )
    if machines.is_for_machines(request):
        return machines.error(403, sentence, code=machines.Code.MFA_REQUIRED)
    is_page = (
        request.method in ("GET", "HEAD")
        and request.path.endswith("/")
        and request.accepts("text/html")
        and "HX-Request" not in request.headers
    )
    if is_page:
        return redirect("mfa_index")
    return render(request, "mfa/required.html", {"sentence": sentence}, status=403)
