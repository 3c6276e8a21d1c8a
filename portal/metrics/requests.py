"""Times each request, gives it a number, and writes its line in the log."""

import logging
import re
import time
from collections.abc import Callable
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from structlog.contextvars import bound_contextvars

from portal.health.views import PATHS
from portal.metrics import measures

log = logging.getLogger("portal.requests")

#: What a proxy may number a request with. Anything else is not kept, or a stranger would write our log.
_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: What asks all the time; worth a line only if it fails.
_QUIET = frozenset({"healthz", "readyz", "status", "metrics", "static"})
_NAMES_BY_PATH = {path: path.removeprefix("/").removesuffix(".json") for path in PATHS}


class Measure:
    """The first of the middleware, so that it sees what all others answer.

    `X-Request-ID` of whoever stands in front is taken over if it is sane; the answer says it. Every line that
    is logged meanwhile bears it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        number = _number(request)
        began = time.perf_counter()
        # A push names its batch on the way; threads are used again, so that ends with the request.
        with bound_contextvars(request_id=number, batch=None):
            response = self._get_response(request)
            seconds = time.perf_counter() - began
            view, status = view_name(request), response.status_code
            measures.REQUESTS.labels(view, str(status)).observe(seconds)
            _write(request, view, status, seconds)
        response.headers["X-Request-ID"] = number
        return response


def _number(request: HttpRequest) -> str:
    given = request.META.get("HTTP_X_REQUEST_ID", "")
    return given if _SANE.fullmatch(given) else str(uuid4())


def view_name(request: HttpRequest) -> str:
    """The name of the view; never the address, of which there are endlessly many."""
    if request.resolver_match is not None:
        return request.resolver_match.view_name
    if request.path_info in _NAMES_BY_PATH:
        return _NAMES_BY_PATH[request.path_info]
    return "static" if request.path_info.startswith(settings.STATIC_URL) else "unmatched"


def _write(request: HttpRequest, view: str, status: int, seconds: float) -> None:
    level = logging.WARNING if status >= 500 else logging.INFO
    if (view in _QUIET and status < 400) or not log.isEnabledFor(level):
        return
    # Only if somebody has asked who it is: to look it up may take a query.
    login = getattr(request, "_cached_user", None)
    log.log(
        level,
        "request",
        extra={
            "method": request.method if request.method in _METHODS else "OTHER",
            "view": view,
            "status": status,
            "milliseconds": int(seconds * 1000),
            "login": getattr(login, "pk", None),
        },
    )
