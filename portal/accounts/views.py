"""allauth's pages where more has to happen in one transaction than it makes one of."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import views as account
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from portal.accounts import factors, sessions

_View = Callable[..., HttpResponseBase]


def _changes_factors(view: _View) -> _View:
    """A page that adds or removes a second factor: with it come the letters and the end of other sessions."""

    @wraps(view)
    def knock(request: HttpRequest, *args: Any, **rest: Any) -> HttpResponseBase:
        login = request.user
        if request.method != "POST" or not login.is_authenticated:
            return view(request, *args, **rest)
        with transaction.atomic():
            before = factors.held_by(login)
            response = view(request, *args, **rest)
            factors.follow_changes(request=request, login=login, before=before, now=timezone.now())
        return response

    return knock


#: A login, its address and its letter: all or none.
sign_up = transaction.atomic(account.signup)
activate_totp = _changes_factors(totp.activate_totp)
deactivate_totp = _changes_factors(totp.deactivate_totp)
add_passkey = _changes_factors(webauthn.add_webauthn)
remove_passkey = _changes_factors(webauthn.remove_webauthn)
make_recovery_codes = _changes_factors(recovery_codes.generate_recovery_codes)


@login_required
@require_POST
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """Log the login out in one other place."""
    if not sessions.end_one(request, pk=pk):
        raise Http404
    return redirect("usersessions_list")
