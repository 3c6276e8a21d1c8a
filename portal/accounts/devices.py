"""Browsers that a login was used in: known again by a random token of which the database has the hash."""

from datetime import datetime
from hashlib import sha256
from secrets import token_urlsafe

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase

from portal.accounts.models import Device, User
from portal.accounts.security_letters import tell

#: The longest that browsers keep a cookie.
_KEPT_SECONDS = 400 * 24 * 3600


def recognise(*, request: HttpRequest, response: HttpResponseBase, login: User, now: datetime) -> None:
    """Note that a login is used in this browser; a new one is told to its owner, but for the very first."""
    token = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    with transaction.atomic():
        token = _known(token, request=request, login=login, now=now)
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        token,
        max_age=_KEPT_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _known(token: str, *, request: HttpRequest, login: User, now: datetime) -> str:
    token_hash = _hash(token)
    if login.devices.filter(token_hash=token_hash).update(last_seen_at=now):
        return token
    # A token that another login has here is ours; any other one may be somebody's invention.
    if not token or not Device.objects.filter(token_hash=token_hash).exists():
        token = token_urlsafe(32)
    is_first = not login.devices.exists()
    _, is_new = Device.objects.get_or_create(
        login=login,
        token_hash=_hash(token),
        defaults={
            "user_agent": request.META.get("HTTP_USER_AGENT", "")[:300],
            "address": request.META.get("REMOTE_ADDR") or None,
            "first_seen_at": now,
            "last_seen_at": now,
        },
    )
    if is_new and not is_first:
        tell("new_device", to=login.email, request=request, now=now)
    return token


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
