"""Staff look at a broker's pages as the broker sees them: for a reason, for a while, each page on record."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.http import HttpRequest

from payouts.program import queries as program
from payouts.refusal import Refusal
from portal.accounts.models import User
from portal.accounts.staff_roles import Act, OwnBroker, may, must_be_allowed
from portal.team.actions import NoSuchBroker
from portal.team.models import Membership, ViewAs, ViewedPage

LASTS = timedelta(minutes=30)
LONGEST_REASON = 500
#: What a session remembers of it: the number of the look.
_KEY = "view_as"
_STREAM = ("/live/", "/live.json")


class SayWhy(Refusal):
    """A look has a reason, which is recorded."""


@transaction.atomic
def begin(*, broker_code: int, reason: str, by: Any, address: str, now: datetime) -> ViewAs:
    """Begin to look at a broker's pages; ends by itself after `LASTS`. A login looks at one broker at a time.

    Refuses `NotYourRole`, `NoSuchBroker`, `OwnBroker`, `SayWhy`.
    """
    # Of two looks begun at once the second ends the first; and rights taken meanwhile are gone.
    login = User.objects.select_for_update().get(pk=by.pk)
    must_be_allowed(login, Act.VIEW_AS)
    broker = program.broker_with(broker_code)
    if broker is None:
        raise NoSuchBroker(f"No broker has the code {broker_code}: check the code.")
    if Membership.objects.filter(login=login, broker=broker).exists():
        raise OwnBroker("You are a member of this broker's team: open its pages as yourself.")
    reason = " ".join(reason.split())
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise SayWhy(f"Say why you look, in 1 to {LONGEST_REASON} characters: it is recorded.")
    end(by=login, now=now)
    return ViewAs.objects.create(
        login=login,
        broker=broker,
        reason=reason,
        address=address or None,
        started_at=now,
        expires_at=now + LASTS,
    )


def end(*, by: Any, now: datetime) -> None:
    """End every look of a login; one that ended by itself keeps its time."""
    ViewAs.objects.filter(login=by, ended_at__isnull=True, expires_at__gt=now).update(ended_at=now)


def end_here(request: HttpRequest, *, now: datetime) -> None:
    """End the look of a request's session, if it has one."""
    number = request.session.pop(_KEY, None)
    if number is not None and request.user.is_authenticated:
        looks = ViewAs.objects.filter(pk=number, login=request.user)
        looks.filter(ended_at__isnull=True, expires_at__gt=now).update(ended_at=now)


def remember(request: HttpRequest, look: ViewAs) -> None:
    """The look belongs to the session that it was begun in; another session of the login does not look."""
    request.session[_KEY] = look.pk


def remembered(request: HttpRequest) -> int | None:
    """The code of the broker at which a request's session looks, or last looked."""
    number = request.session.get(_KEY)
    if number is None or not request.user.is_authenticated:
        return None
    return ViewAs.objects.filter(pk=number, login=request.user).values_list("broker_id", flat=True).first()


def look_of(request: HttpRequest, broker_code: int, *, now: datetime) -> ViewAs | None:
    """The look that a request's session has begun at just this broker, if it still holds and still may."""
    number = request.session.get(_KEY)
    if number is None or not request.user.is_authenticated:
        return None
    look = (
        ViewAs.objects.select_related("broker")
        .filter(
            pk=number,
            login=request.user,
            broker_id=broker_code,
            ended_at__isnull=True,
            expires_at__gt=now,
        )
        .first()
    )
    return look if look is not None and may(request.user, Act.VIEW_AS) else None


def record_page(*, look: ViewAs, path: str, now: datetime) -> None:
    """Write down a page or file that was opened; the stream of a page that is open already is none."""
    if path.endswith(_STREAM):
        return
    ViewedPage.objects.create(view_as=look, at=now, path=path[:300])
