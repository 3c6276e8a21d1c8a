"""Letters that tell a login's owner what was done with it, written in the transaction that does it."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from django.http import HttpRequest

from portal.letters import actions as letters

#: What allauth keeps of a browser's description too.
BROWSER_LENGTH = 200


def tell(
    kind: str,
    *,
    to: str,
    request: HttpRequest,
    now: datetime,
    **facts: Any,
) -> None:
    """Write what happened, when, from which address and with which browser."""
    letters.write(
        key=f"{kind}:{uuid4()}",
        kind=kind,
        to=to,
        facts=where(request, now) | facts,
        now=now,
    )


def where(request: HttpRequest, now: datetime) -> dict[str, str]:
    return {
        "at": now.isoformat(),
        "address": request.META.get("REMOTE_ADDR", ""),
        "browser": request.META.get("HTTP_USER_AGENT", "")[:BROWSER_LENGTH],
    }
