"""How long a login's sessions live, when they were last used, and which a new second factor ends."""

import re
from collections.abc import Callable
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

_BEGAN, _SEEN, _BY = "session_began_at", "session_seen_at", "session_seen_by"
_BEFORE_FACTOR = "session_before_second_factor"
#: An open page asks here by itself: nobody need be sitting before it, so the session is not used by that.
_ASKED_BY_THE_PAGE = re.compile(r"/brokers/[0-9]+/live(?:/|\.json)")


def begin(request: HttpRequest, *, has_factor: bool, now: datetime) -> None:
    """Note in a fresh session when it began, and whether a second factor was asked for."""
    request.session[_BEGAN] = request.session[_SEEN] = int(now.timestamp())
    request.session[_BY] = _by(request)
    if not has_factor:
        request.session[_BEFORE_FACTOR] = True


def is_from_before_the_factor(request: HttpRequest) -> bool:
    """The session was begun when its login had no second factor, so it was never asked for one."""
    return bool(request.session.get(_BEFORE_FACTOR))


def factor_was_added_here(request: HttpRequest) -> None:
    """End every other session of the login: none of them was asked for the new factor."""
    request.session.pop(_BEFORE_FACTOR, None)
    others = UserSession.objects.filter(user=request.user).exclude(session_key=request.session.session_key)
    for session in others:
        session.end()


def end_one(request: HttpRequest, *, pk: int) -> bool:
    """End another session of the same login; whether there was one."""
    session = (
        UserSession.objects.filter(pk=pk, user=request.user)
        .exclude(session_key=request.session.session_key)
        .first()
    )
    if session is not None:
        session.end()
    return session is not None


class KeepSessions:
    """Ends sessions that are too old, and notes every five minutes that one is used."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated and _BEGAN in request.session:
            now = int(timezone.now().timestamp())
            if now - request.session[_BEGAN] > settings.SESSION_LONGEST_AGE:
                logout(request)
            elif not _ASKED_BY_THE_PAGE.fullmatch(request.path) and (
                now - request.session[_SEEN] > settings.SESSION_SEEN_EVERY
                or request.session[_BY] != _by(request)
            ):
                request.session[_SEEN], request.session[_BY] = now, _by(request)
                UserSession.objects.create_from_request(request)
        return self._get_response(request)


def _by(request: HttpRequest) -> list[str]:
    return [request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_USER_AGENT", "")[:200]]
