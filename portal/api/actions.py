"""Service tokens are made, used and revoked here. The token itself is handed out once and kept nowhere."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pghistory
from django.db import connection, transaction

from payouts.refusal import Refusal
from portal.accounts.staff_roles import Act, must_be_allowed
from portal.api.models import ServiceToken
from portal.api.scopes import Scope
from portal.api.token_form import ID_LENGTH, ID_LETTERS, SECRET_LENGTH, SECRET_LETTERS, Secret, assemble

DEFAULT_DAYS, LONGEST_DAYS = 90, 400
LONGEST_NAME = 100
LONGEST_REASON = 500
#: How exactly the last use is known; it would cost each request a write otherwise.
NOTED_EVERY = timedelta(minutes=1)
#: Orders those who make tokens, so that two of one name are never made at once.
_MAKING = 7_230_041


class NameNeeded(Refusal):
    """A token says who uses it."""


class NameTaken(Refusal):
    """A token in use has the name."""


class NoSuchScope(Refusal):
    """Nothing is opened by such a scope."""


class WrongLifetime(Refusal):
    """A token lives a day at least and not for ever."""


class NoSuchToken(Refusal):
    """No token has the number or prefix."""


class AlreadyRevoked(Refusal):
    """It opens nothing already."""


class ReasonNeeded(Refusal):
    """A revocation says why."""


@dataclass(frozen=True, slots=True)
class Made:
    """A fresh token; `secret` is all that will ever be seen of it."""

    token: ServiceToken
    secret: Secret


def make_token(*, name: str, scope: str, days: int, by: Any, now: datetime) -> Made:
    """Make a token that opens `scope` for `days`; `by` is a superuser, or None for the command.

    Refuses `NotYourRole`, `NameNeeded`, `NoSuchScope`, `WrongLifetime`, `NameTaken`.
    """
    if by is not None:
        must_be_allowed(by, Act.MANAGE_TOKENS)
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise NameNeeded(f"Name the system that will use the token, in 1 to {LONGEST_NAME} characters.")
    if scope not in Scope.values:
        raise NoSuchScope(f"'{scope[:50]}' is not a scope: choose one of {', '.join(Scope.values)}.")
    if not 1 <= days <= LONGEST_DAYS:
        raise WrongLifetime(f"A token lives 1 to {LONGEST_DAYS} days: choose a number of days between them.")
    secret = assemble(
        word=Scope(scope).word,
        id_letters=_drawn(ID_LETTERS, ID_LENGTH),
        secret_letters=_drawn(SECRET_LETTERS, SECRET_LENGTH),
    )
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_MAKING])
        if ServiceToken.objects.filter(
            name__iexact=name, scope=scope, revoked_at=None, expires_at__gt=now
        ).exists():
            raise NameTaken(
                f"'{name}' has a token in use: revoke it, or name the new one otherwise while both work."
            )
        token = ServiceToken.objects.create(
            name=name,
            scope=scope,
            prefix=secret.prefix,
            token_hash=secret.hash,
            created_at=now,
            created_by=by,
            expires_at=now + timedelta(days=days),
        )
    return Made(token, secret)


def revoke_token(*, prefix: str, reason: str, by: Any, now: datetime) -> ServiceToken:
    """End a token at once and for ever; `by` is a superuser, or None for the command.

    Refuses `NotYourRole`, `ReasonNeeded`, `NoSuchToken`, `AlreadyRevoked`.
    """
    if by is not None:
        must_be_allowed(by, Act.MANAGE_TOKENS)
    reason = " ".join(reason.split())
    if not reason or len(reason) > LONGEST_REASON:
        raise ReasonNeeded(f"Say why, in 1 to {LONGEST_REASON} characters: it is recorded with the token.")
    with transaction.atomic(), pghistory.context(reason=reason):
        token = ServiceToken.objects.select_for_update().filter(prefix=prefix).first()
        if token is None:
            raise NoSuchToken(f"No token begins with '{prefix[:30]}': look at the list of tokens.")
        if token.revoked_at is not None:
            raise AlreadyRevoked(f"It was revoked at {token.revoked_at:%Y-%m-%d %H:%M:%S} UTC already.")
        token.revoked_at, token.revoked_by, token.revoked_why = now, by, reason
        token.save(update_fields=["revoked_at", "revoked_by", "revoked_why"])
    return token


def note_use(*, token_id: int, address: str | None, now: datetime) -> None:
    """Note when and from where a token was used last, once a minute. Waits for nobody who holds the row."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE service_token SET last_used_at = %(now)s, last_used_from = %(address)s WHERE id ="
            " (SELECT id FROM service_token WHERE id = %(id)s"
            " AND (last_used_at IS NULL OR last_used_at <= %(before)s) FOR NO KEY UPDATE SKIP LOCKED)",
            {"now": now, "address": address, "id": token_id, "before": now - NOTED_EVERY},
        )


def _drawn(letters: str, number: int) -> str:
    return "".join(secrets.choice(letters) for _ in range(number))
