"""What a browser may keep of a page, and what it may use on it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import add_never_cache_headers

#: Pages that say the same to every visitor; anything else is kept nowhere.
_FOR_EVERYBODY = frozenset({"home", "program"})
#: Lists that hold no secret and are asked for all the time: kept, and asked about each time by their ETag.
_ASKED_AGAIN = frozenset({"feed_codes", "feed_schema", "statement_keys", "verify_statement"})
_NOTHING = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"


class KeepNothing:
    """A page of a login, or behind a secret link, must not come back from a cache after logging out."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        response.headers.setdefault("Permissions-Policy", _NOTHING)
        match = request.resolver_match
        is_public = match is not None and match.view_name in _FOR_EVERYBODY
        is_list = match is not None and match.view_name in _ASKED_AGAIN and response.has_header("ETag")
        if not is_list and not (is_public and not request.user.is_authenticated):
            add_never_cache_headers(response)
        return response
