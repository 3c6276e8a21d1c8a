"""A gateway as tests need it: a token in hand, and the feed asked with it."""

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from portal.api import actions

CODES = "/feed/v1/codes"


def token(
    *, name: str = "order gateway", scope: str = "codes:read", days: int = 90, now: datetime | None = None
) -> actions.Made:
    return actions.make_token(name=name, scope=scope, days=days, by=None, now=now or timezone.now())


def bearer(made: actions.Made | str) -> dict[str, str]:
    return {"authorization": f"Bearer {made if isinstance(made, str) else made.secret.reveal()}"}


def ask(made: actions.Made | str | None, path: str = CODES, **headers: str) -> Any:
    """The feed's answer; names of headers with _ for -."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client().get(path, headers=given | (bearer(made) if made is not None else {}))


def shape(answer: HttpResponse) -> tuple[int, str, list[str]]:
    """Status, media type and the names in the body of an error: what must be the same everywhere."""
    found: Any = answer
    return answer.status_code, answer["Content-Type"], sorted(found.json())
