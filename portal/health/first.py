"""Answers questions about health before all else: no session, no login, no host name in the way."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from portal.health.views import PATHS


class AnswerFirst:
    """The first of the middleware.

    Behind it stand a session that hangs on the database, a redirect to https and a check of the host's name,
    and a load balancer asks by address and in the clear.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        view = PATHS.get(request.path_info)
        return self._get_response(request) if view is None else view(request)
