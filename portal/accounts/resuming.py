"""What a browser sent before its login had proved itself is done afterwards for that browser alone.

allauth keeps such a request in the session, and does it once the login has proved itself. Whoever had a copy
of the session's cookie, and no password, could leave a request there for the owner's next proof to carry out.
"""

from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from secrets import token_urlsafe

from allauth.account.internal.flows.reauthentication import STATE_SESSION_KEY
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

#: Beside the kept request in the session: the hash of what the cookie of its browser says.
_FOR = "for_browser"


class ResumeHereOnly:
    """Forgets a kept request unless it comes from the browser that asks; that one has a cookie of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        kept = request.session.get(STATE_SESSION_KEY)
        if kept is not None and not _is_from_here(request, kept):
            del request.session[STATE_SESSION_KEY]
        response = self._get_response(request)
        kept = request.session.get(STATE_SESSION_KEY)
        if kept is not None and _FOR not in kept:
            _mark(request, response, kept)
        return response


def _is_from_here(request: HttpRequest, kept: dict[str, object]) -> bool:
    token = request.COOKIES.get(settings.RESUME_COOKIE_NAME, "")
    return compare_digest(str(kept.get(_FOR, "")), _hash(token))


def _mark(request: HttpRequest, response: HttpResponseBase, kept: dict[str, object]) -> None:
    token = token_urlsafe(32)
    request.session[STATE_SESSION_KEY] = kept | {_FOR: _hash(token)}
    response.set_cookie(
        settings.RESUME_COOKIE_NAME,
        token,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
