"""Who asks: `Authorization: Bearer <service token>`, and nothing else; no session, no address's query."""

import ipaddress
import logging
from dataclasses import dataclass

from allauth.core.internal import ratelimit  # its public module only knows allauth's own actions
from django.db import DatabaseError
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, ErrorDetail, PermissionDenied, Throttled
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from portal.api import actions, queries
from portal.api.queries import Opens
from portal.api.token_form import Secret

_log = logging.getLogger(__name__)
_REALM = 'Bearer realm="feed"'
#: Attempts with a token that opens nothing, counted by address in the cache that all processes share.
_RATES = {"wrong-token": "30/m/ip"}
_A_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Machine:
    """What stands in a login's place: a machine behind a token."""

    opens: Opens
    is_authenticated = True
    is_active = True
    is_staff = False
    is_superuser = False
    pk = None


class WrongToken(AuthenticationFailed):
    """A token was sent, and it opens nothing; which of the reasons it is, is not told."""

    challenge = f'{_REALM}, error="invalid_token", error_description="The token opens nothing"'
    default_detail = (
        "The token opens nothing: it is mistyped, expired, revoked or not one of ours. Ask the staff for one."
    )


class WrongScope(PermissionDenied):
    """The token is good, for something else."""

    def __init__(self, wanted: str) -> None:
        super().__init__(f"The token does not open this: it takes one of the scope {wanted}.")
        self.challenge = f'{_REALM}, error="insufficient_scope", scope="{wanted}"'


class TooManyWrongTokens(Throttled):
    """Somebody tries tokens. Good tokens from the same address go on working."""

    def __init__(self) -> None:
        super().__init__(wait=_A_MINUTE)
        self.detail = ErrorDetail(
            "Too many wrong tokens came from this address: send a good one, or wait a minute."
        )


class TokenAuthentication(BaseAuthentication):
    """RFC 6750, the header alone."""

    def authenticate(self, request: Request) -> tuple[Machine, Opens] | None:
        scheme, _, words = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        now = timezone.now()
        opens = queries.opened_by(Secret(words.strip(" ")), now=now)
        if opens is None:
            _must_not_be_too_often(request._request)
            raise WrongToken
        if opens.last_used_at is None or opens.last_used_at <= now - actions.NOTED_EVERY:
            try:
                actions.note_use(token_id=opens.id, address=_address(request), now=now)
            except DatabaseError:  # the gateway's answer is worth more than the note
                _log.warning("the use of token %s could not be noted", opens.prefix, exc_info=True)
        return Machine(opens), opens

    def authenticate_header(self, request: Request) -> str:
        return _REALM


class HasScope(BasePermission):
    """The token's scope is the one that the view names in `scope`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        wanted: str = view.scope  # type: ignore[attr-defined]  # every view behind a token names it
        if isinstance(request.auth, Opens) and request.auth.scope != wanted:
            raise WrongScope(wanted)
        return isinstance(request.auth, Opens)


def _must_not_be_too_often(request: HttpRequest) -> None:
    if not ratelimit.consume(request, app="feed", action="wrong-token", config=_RATES, limit_get=True):
        raise TooManyWrongTokens


def _address(request: Request) -> str | None:
    try:
        # Without its zone, `%eth0`: that is a name of this machine's.
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", "").partition("%")[0]))
    except ValueError:  # a socket of this machine has none
        return None
