"""Who may read the figures: a service token, also while the database that knows the tokens is away."""

import time
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError
from rest_framework import status
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.request import Request

from portal.api.authentication import Machine, TokenAuthentication
from portal.api.queries import Opens
from portal.api.scopes import Scope
from portal.api.token_form import Secret

#: Seconds for which a token that was good goes on to open this one address while nobody can be asked.
REMEMBERED = 3600.0


class NobodyToAsk(APIException):
    """The database does not answer, and this process has not seen the token open anything lately."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The database does not answer, so nobody knows what this token opens: ask again later."
    wait = 5


class RememberingAuthentication(TokenAuthentication):
    """As everywhere else; and while the database is away, whoever was let in by this process within the hour.

    Only for figures of how the portal works, which are asked for most when something is broken. A token that
    is revoked meanwhile opens them until the database is back; one that was refused here before does not.
    """

    #: Hash of a good token → what it opens, and when that was seen.
    _known: dict[str, tuple[Opens, float]] = {}

    def __init__(self, is_up: Callable[[], bool]) -> None:
        self._is_up = is_up

    def authenticate(self, request: Request) -> tuple[Machine, Opens] | None:
        scheme, _, words = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        secret = Secret(words.strip(" "))
        if self._is_up():
            try:
                found = super().authenticate(request)
            except AuthenticationFailed:
                self._known.pop(secret.hash, None)
                raise
            except (DatabaseError, InterfaceError):
                pass  # it went away this moment
            else:
                if found is not None and found[1].scope == Scope.METRICS:
                    self._known[secret.hash] = (found[1], time.monotonic())
                return found
        opens, seen_at = self._known.get(secret.hash, (None, 0.0))
        if opens is None or seen_at < time.monotonic() - REMEMBERED:
            raise NobodyToAsk
        return Machine(opens), opens

    @classmethod
    def forget(cls) -> None:
        cls._known.clear()
