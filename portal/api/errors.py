"""Errors: machines get the one shape, people get pages; whichever part of Django noticed."""

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.views import csrf, defaults
from django.views.debug import ExceptionReporter
from rest_framework.exceptions import APIException, MethodNotAllowed, NotAcceptable, NotAuthenticated

from portal import machines
from portal.api.token_form import ANYWHERE

_log = logging.getLogger(__name__)
_SECONDS_TO_WAIT = "5"
NO_SUCH_ADDRESS = "There is no such address: see /feed/v1/openapi.json."
NO_TOKEN = "Send a service token: Authorization: Bearer bpk_..."  # noqa: S105 - says how, is none
_OUR_FAULT = "Something went wrong here, and nothing with the request: ask again later."
_NO_DATABASE = "The database does not answer: ask or send again in a few seconds; nothing will count twice."
_SENTENCES: dict[type[APIException], str] = {
    NotAcceptable: "The answer is application/json: accept that, or send no Accept header.",
    NotAuthenticated: NO_TOKEN,
}


def answer(problem: Exception, context: Any) -> HttpResponse:
    """What REST framework makes of a problem; also of one that nobody foresaw, so that no page shows it."""
    if isinstance(problem, Http404 | PermissionDenied):
        return machines.error(
            404 if isinstance(problem, Http404) else 403, _sentence(problem, NO_SUCH_ADDRESS)
        )
    if isinstance(problem, APIException):
        headers = {}
        challenge = getattr(problem, "challenge", None) or getattr(problem, "auth_header", None)
        if challenge:
            headers["WWW-Authenticate"] = challenge
        if getattr(problem, "wait", None):
            headers["Retry-After"] = str(problem.wait)  # type: ignore[attr-defined]  # just looked
        sentence = _SENTENCES.get(type(problem), str(problem.detail))
        if isinstance(problem, MethodNotAllowed):
            answered = [name.upper() for name in context["view"].http_method_names]
            sentence = f"This address answers {' and '.join(answered)}."
        return machines.error(problem.status_code, sentence, headers=headers)
    _log.error("an answer to a machine failed", exc_info=problem)
    if isinstance(problem, OperationalError | InterfaceError):
        return machines.error(503, _NO_DATABASE, headers={"Retry-After": _SECONDS_TO_WAIT})
    return machines.error(500, _OUR_FAULT)


class Reporter(ExceptionReporter):
    """Django's page for developers, and its e-mail: tokens by their prefix alone, wherever they stood."""

    def get_traceback_html(self) -> SafeString:
        return _without_tokens(super().get_traceback_html())

    def get_traceback_text(self) -> SafeString:
        return _without_tokens(super().get_traceback_text())


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if machines.is_for_machines(request):
        return machines.error(400, "The request cannot be read: check its host, its headers and its size.")
    return defaults.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    if machines.is_for_machines(request):
        return machines.error(403, _sentence(exception, "This is not for you."))
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if machines.is_for_machines(request):
        return machines.error(404, _sentence(exception, "There is no such address."))
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if machines.is_for_machines(request):
        return machines.error(500, _OUR_FAULT)
    return defaults.server_error(request)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    if machines.is_for_machines(request):
        return machines.error(
            403, "A session alone changes nothing: the request came without its CSRF token."
        )
    return csrf.csrf_failure(request, reason)


def _sentence(problem: Exception, otherwise: str) -> str:
    """What the code that raised it says; Django's own words are about URL patterns."""
    said = problem.args[0] if problem.args else None
    return otherwise if said is None or isinstance(said, dict) else str(said) or otherwise


def _without_tokens(page: str) -> SafeString:
    return SafeString(ANYWHERE.sub(r"\1_…", page))  # as safe as it was: what is put in is no markup
