"""A login proves afresh that it is there: with its second factor, where it has one."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.decorators import reauthentication_required
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from portal.accounts.factors import FACTORS


def proven_afresh(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A page for a login that has proved itself within five minutes; others are led to where they can.

    A password alone is not enough for a login with an authenticator app or a passkey: whoever has found or
    guessed it has not got the phone.
    """
    by_any_means = reauthentication_required(view)

    @wraps(view)
    def knock(request: HttpRequest, *args: Any, **rest: Any) -> HttpResponseBase:
        held = set(
            Authenticator.objects.filter(user=request.user, type__in=FACTORS).values_list("type", flat=True)
        )
        if not held:
            found: HttpResponseBase = by_any_means(request, *args, **rest)
            return found
        if _used_its_factor(request):
            return view(request, *args, **rest)
        page = "mfa_reauthenticate" if Authenticator.Type.TOTP in held else "mfa_reauthenticate_webauthn"
        return redirect(f"{reverse(page)}?{urlencode({'next': request.path})}")

    return knock


def _used_its_factor(request: HttpRequest) -> bool:
    since = time.time() - settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    return any(
        record.get("reauthenticated") and record.get("method") == "mfa" and record["at"] > since
        for record in get_authentication_records(request, request.user)
    )
