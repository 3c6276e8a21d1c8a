"""The feed's description of itself: OpenAPI 3.1, made from the views, the same for everybody."""

import json
from functools import cache
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from portal.api.errors import NO_TOKEN
from portal.machines import Code

_ETAG = '"3f0c5c0f2a1b4c7d8e9f00112233445566778899aabbccddeeff001122334455"'


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    target_class = "portal.api.authentication.TokenAuthentication"
    name = "serviceToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "bpk_<scope>_<id>_<secret>",
            "description": "A service token, made by the portal's staff. Never put it into an address.",
        }


class IssuedCode(serializers.Serializer[Any]):
    code = serializers.IntegerField(min_value=0, max_value=65_535, help_text="The broker code, a uint16.")
    state = serializers.ChoiceField(
        choices=["live", "suspended", "terminated"],
        help_text="live: orders with the code count for its broker. suspended: they do not count now, and may"
        " again. terminated: they never count again, and nobody else gets the code.",
    )
    since = serializers.CharField(
        help_text="From when it is so, inclusive: an instant in UTC with microseconds.",
    )


class IssuedCodes(serializers.Serializer[Any]):
    version = serializers.IntegerField(
        min_value=0, help_text="Grows with every change, and never falls: a higher one is later news."
    )
    codes = IssuedCode(
        many=True, help_text="Every code ever issued, by number. One that is missing is no code."
    )


class Error(serializers.Serializer[Any]):
    code = serializers.ChoiceField(choices=[each.value for each in Code])
    message = serializers.CharField(help_text="For people; it may change.")


def error(code: Code, message: str, description: str) -> OpenApiResponse:
    example = OpenApiExample(code.value, value={"code": code.value, "message": message})
    return OpenApiResponse(Error, description=description, examples=[example])


def header(name: str, description: str, *statuses: int) -> OpenApiParameter:
    return OpenApiParameter(
        name, str, OpenApiParameter.HEADER, description=description, response=list(statuses)
    )


codes = extend_schema(
    operation_id="codes",
    summary="Which broker codes are live",
    description=(
        "Ask as often as you like, with If-None-Match: while nothing changed the answer is 304, without body."
        " A change, a planned one too, is in the very next answer. Keep the last list when no answer comes."
    ),
    tags=["feed"],
    parameters=[
        OpenApiParameter(
            "If-None-Match",
            str,
            OpenApiParameter.HEADER,
            description="The ETag of the list that you have.",
        ),
        header("ETag", "Names exactly this list.", 200, 304),
        header("Cache-Control", "Keep it, and ask each time whether it is still so.", 200, 304),
        header("WWW-Authenticate", "How to come in, by RFC 6750.", 401, 403),
        header("Allow", "The methods that are answered.", 405),
        header("Retry-After", "Seconds to wait.", 429, 503),
    ],
    responses={
        200: OpenApiResponse(
            IssuedCodes,
            description="Every code ever issued.",
            examples=[
                OpenApiExample(
                    "Three codes",
                    value={
                        "version": 5,
                        "codes": [
                            {"code": 1400, "state": "live", "since": "2026-09-01T00:00:00.000000Z"},
                            {"code": 1500, "state": "suspended", "since": "2026-11-22T14:05:09.250000Z"},
                            {"code": 1600, "state": "terminated", "since": "2026-11-01T00:00:00.000000Z"},
                        ],
                    },
                )
            ],
        ),
        304: OpenApiResponse(description="The list that you have is the list."),
        400: error(Code.INVALID_CLIENT_REQUEST, "A token came in the address…", "It cannot be answered."),
        401: error(Code.UNAUTHORIZED, NO_TOKEN, "No token, or one that opens nothing."),
        403: error(Code.FORBIDDEN, "The token does not open this…", "The token opens something else."),
        405: error(Code.METHOD_NOT_ALLOWED, "This address answers GET and HEAD.", "Another method."),
        406: error(Code.NOT_ACCEPTABLE, "The answer is application/json…", "JSON is not accepted."),
        412: error(Code.PRECONDITION_FAILED, "The list is another one by now.", "If-Match did not hold."),
        429: error(
            Code.TOO_MANY_REQUESTS,
            "Too many wrong tokens came from this address…",
            "Too many wrong tokens from this address; good ones are always answered.",
        ),
        500: error(Code.SERVER_ERROR, "Something went wrong here…", "Our fault: ask again later."),
        503: error(Code.SERVER_ERROR, "The database does not answer…", "Ask again soon."),
    },
    examples=[
        OpenApiExample("A list that is known", value=_ETAG, parameter_only=("If-None-Match", "header"))
    ],
)


@cache
def document() -> bytes:
    """The description as JSON; made once a process, since nothing but a new release changes it."""
    generator: Any = SchemaGenerator  # it has no types
    made = generator().get_schema(request=None, public=True)
    for path in made["paths"].values():
        for operation in path.values():
            if "requestBody" in operation:  # it knows of those whose fields are required; ours have none
                operation["requestBody"]["required"] = True
    return json.dumps(made).encode()


def only_feed(endpoints: list[Any]) -> list[Any]:
    """The feed's own addresses: another API describes itself."""
    return [each for each in endpoints if each[0].startswith("/feed/")]
