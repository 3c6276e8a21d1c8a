"""How machines are answered: which requests are theirs, and the one shape of every error."""

import json
from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

#: Below these addresses nobody but machines asks.
PATHS = ("/feed/", "/api/", "/metrics/")


class Code(StrEnum):
    """What went wrong, in the exchange's own words where it has one."""

    INVALID_CLIENT_REQUEST = "INVALID_CLIENT_REQUEST"
    UNAUTHORIZED = "UNAUTHORIZED"
    FORBIDDEN = "FORBIDDEN"
    MFA_REQUIRED = "MFA_REQUIRED"
    RESOURCE_NOT_FOUND = "RESOURCE_NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    NOT_ACCEPTABLE = "NOT_ACCEPTABLE"
    CONFLICT = "CONFLICT"
    PRECONDITION_FAILED = "PRECONDITION_FAILED"
    CONTENT_TOO_LARGE = "CONTENT_TOO_LARGE"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    SERVER_ERROR = "SERVER_ERROR"


_OF_STATUS = {
    401: Code.UNAUTHORIZED,
    403: Code.FORBIDDEN,
    404: Code.RESOURCE_NOT_FOUND,
    405: Code.METHOD_NOT_ALLOWED,
    406: Code.NOT_ACCEPTABLE,
    409: Code.CONFLICT,
    412: Code.PRECONDITION_FAILED,
    413: Code.CONTENT_TOO_LARGE,
    415: Code.UNSUPPORTED_MEDIA_TYPE,
    429: Code.TOO_MANY_REQUESTS,
}


def is_machine_path(path: str) -> bool:
    return f"{path}/".startswith(PATHS)


def is_for_machines(request: HttpRequest) -> bool:
    """Whoever asks here, asks for JSON, or sends it, reads no pages."""
    accepted = request.headers.get("Accept", "")
    return (
        is_machine_path(request.path)
        or request.path.endswith(".json")
        or request.content_type == "application/json"
        or ("application/json" in accepted and "text/html" not in accepted)
    )


def code_of(status: int) -> Code:
    """The code of an HTTP status that needs no finer one."""
    usual = Code.SERVER_ERROR if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Code.INVALID_CLIENT_REQUEST
    return _OF_STATUS.get(status, usual)


def error_body(code: Code, message: str) -> bytes:
    """The one shape: `{"code": …, "message": …}`. The message is for the people who build the machine."""
    return json.dumps({"code": code.value, "message": message}).encode()


def error(
    status: int, message: str, *, code: Code | None = None, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    body = error_body(code or code_of(status), message)
    return HttpResponse(
        body,
        status=status,
        content_type="application/json",
        headers={"Content-Length": str(len(body)), **(headers or {})},
    )
