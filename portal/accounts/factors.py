"""Second factors of a login: which it holds, and what follows when that changes."""

from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.apps import apps
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest

from portal.accounts import sessions
from portal.accounts.models import User
from portal.accounts.security_letters import tell

#: What counts as a second factor; recovery codes only stand in for one.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
#: As letters call them.
_WORDS = {Authenticator.Type.TOTP: "authenticator app", Authenticator.Type.WEBAUTHN: "passkey"}
#: Time for the letter about a changed factor to be read by the login's owner.
SETTLES = timedelta(hours=24)
_CODES = {Authenticator.Type.RECOVERY_CODES: "recovery codes"}


def held_by(login: User) -> dict[int, str]:
    """The kinds of a login's authenticators by their number; locks the login till the transaction ends."""
    User.objects.select_for_update().get(pk=login.pk)
    return dict(Authenticator.objects.filter(user=login).values_list("pk", "type"))


def words_of(login: User) -> list[str]:
    """What a login holds, as letters call it, each kind once: factors first, then its recovery codes."""
    kinds = set(Authenticator.objects.filter(user=login).values_list("type", flat=True))
    return [words for kind, words in (*_WORDS.items(), *_CODES.items()) if kind in kinds]


def has_factor(login: User) -> bool:
    return bool(Authenticator.objects.filter(user=login, type__in=FACTORS).exists())


def is_settled(login: User, *, now: datetime) -> bool:
    """Whether nothing was added to, or removed from, what the login held `SETTLES` ago.

    A password alone changes factors, so that who lost a phone is not locked out; such a change proves nothing
    until the owner had time to read the letter. What a new login sets up first is no change.
    """
    since = now - SETTLES
    rows = apps.get_model("portal.FactorHistory").objects.filter(user_id=login.pk)
    held = Authenticator.objects.filter(user=login)
    held_before = rows.filter(created_at__lte=since).exists() or held.filter(created_at__lte=since).exists()
    was_changed = rows.filter(
        Q(created_at__gt=since) | Q(pgh_label="second factor removed", pgh_created_at__gt=since)
    ).exists()
    return not (held_before and was_changed)


def follow_changes(*, request: HttpRequest, login: User, before: dict[int, str], now: datetime) -> None:
    """Tell the login's owner what changed since `before`; a new factor ends the other sessions."""
    after = held_by(login)
    added = [after[pk] for pk in after.keys() - before.keys()]
    removed = [before[pk] for pk in before.keys() - after.keys()]
    for kind in added:
        if kind in _WORDS:
            tell("mfa_added", to=login.email, request=request, now=now, what=_WORDS[kind])
        elif before:
            # The first codes come with the first factor and are told of by its letter.
            tell("recovery_codes_made", to=login.email, request=request, now=now)
    for kind in removed:
        if kind in _WORDS:
            tell("mfa_removed", to=login.email, request=request, now=now, what=_WORDS[kind])
    if any(kind in FACTORS for kind in added):
        sessions.factor_was_added_here(request)


@transaction.atomic
def enrol_totp(*, login: User, secret: str) -> None:
    """Give a login an authenticator app whose secret is known, and recovery codes; for the demo and tests."""
    TOTP.activate(login, secret)
    RecoveryCodes.activate(login)
