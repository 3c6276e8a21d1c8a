"""Who may see which broker: a login's seats, or a 404 as if the broker did not exist."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from portal.team.models import Membership, Role


@dataclass(frozen=True, slots=True)
class Seat:
    """A login's place in a broker's team."""

    code: int
    name: str
    role: Role
    #: The login sits with other brokers too, so pages offer to change between them.
    has_others: bool


def seats_of(login: Any) -> list[Seat]:
    """Every seat of a login, by the broker's name; none for staff who are not members."""
    rows = list(
        Membership.objects.filter(login=login)
        .order_by("broker__name", "broker_id")
        .values_list("broker_id", "broker__name", "role")
    )
    return [Seat(code, name, Role(role), has_others=len(rows) > 1) for code, name, role in rows]


def broker_page(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A page of one broker: the view gets the login's seat there, everybody else a 404.

    Staff are no exception: what they may see of brokers is on the staff site, under its own rules.
    """

    @never_cache
    @login_required
    @wraps(view)
    def knock(request: HttpRequest, code: int, **rest: Any) -> HttpResponseBase:
        for seat in seats_of(request.user):
            if seat.code == code:
                return view(request, seat, **rest)
        raise Http404(_("There is no such page for your login."))

    return knock
