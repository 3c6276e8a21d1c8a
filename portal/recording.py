"""Tells the database's history who is behind a request: login, request, address, and why."""

from typing import Any
from uuid import uuid4

import pghistory
from django.http import HttpRequest
from pghistory.middleware import HistoryMiddleware

#: Parts of an address that are a secret link's; no history may keep one.
_SECRET = frozenset({"key", "token", "uidb36"})


class RecordWho(HistoryMiddleware):
    """Every change that a request makes is recorded with its login, address and a number of its own.

    What a view adds with `pghistory.context(reason=…)` stands beside them.
    """

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context(request)
        found["url"] = ""  # known to hold no secret only once it is resolved, see below
        return found | {"address": request.META.get("REMOTE_ADDR", ""), "request": str(uuid4())}

    def process_view(self, request: HttpRequest, _view: object, _args: object, named: dict[str, Any]) -> None:
        match = request.resolver_match
        secret = match is None or _SECRET & named.keys()
        pghistory.context(url=f"/{match.route}" if match and secret else request.path)
