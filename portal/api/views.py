"""The addresses of the exchange's systems: `/feed/v1/…`. They answer in JSON, whatever happens."""

import json
from hashlib import sha256
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import MethodNotAllowed, ParseError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from payouts.program import gateway
from portal import machines
from portal.api import schema
from portal.api.authentication import HasScope, TokenAuthentication
from portal.api.scopes import Scope

#: Names under which clients put tokens into addresses, where every log on the way keeps them.
_TOKEN_NAMES = frozenset({"access_token", "token", "api_key", "authorization"})


class Feed(APIView):
    """What the feed's addresses share: they are read, and asked with a token of their scope."""

    authentication_classes = [TokenAuthentication]
    permission_classes = [HasScope]
    http_method_names = ["get", "head"]
    scope: str = ""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if (request.method or "").lower() not in self.http_method_names:
            raise MethodNotAllowed(request.method or "")
        if _TOKEN_NAMES & {name.lower() for name in request.query_params}:
            raise ParseError(
                "A token came in the address, which logs keep: have it revoked; send the next as a header."
            )
        super().initial(request, *args, **kwargs)


class Codes(Feed):
    """Which codes are live, suspended, terminated: as it stands at the moment of asking."""

    scope = Scope.CODES

    @schema.codes
    def get(self, request: Request) -> HttpResponseBase:
        found = gateway.issued_codes(now=timezone.now())
        body = {
            "version": found.version,
            "codes": [
                {
                    "code": each.code,
                    "state": each.state,
                    "since": each.since.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                }
                for each in found.codes
            ],
        }
        return _if_changed(request, json.dumps(body, separators=(",", ":")).encode())


@extend_schema(exclude=True)
class Schema(Feed):
    """The description of the feed. It needs no token: it tells nothing that is not in every client."""

    authentication_classes = []
    permission_classes = [AllowAny]

    def get(self, request: Request) -> HttpResponseBase:
        return _if_changed(request, schema.document())


def _if_changed(request: Request, body: bytes) -> HttpResponseBase:
    """The body with an ETag of its own, 304 for who has it, or 412 for who insists on another (RFC 9110)."""
    response = HttpResponse(body, content_type="application/json")
    response["ETag"] = f'"{sha256(body).hexdigest()}"'
    response["Cache-Control"] = "private, no-cache"
    found = get_conditional_response(request._request, etag=response["ETag"], response=response)
    if found is not None and found.status_code == 412:
        found["Content-Type"] = "application/json"
        found.content = machines.error_body(
            machines.Code.PRECONDITION_FAILED, "The list is another one by now: ask again without If-Match."
        )
    return found or response
