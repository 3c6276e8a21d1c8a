"""Letters that tell a login's owner what was done with it, written in the transaction that does it."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from django.http import HttpRequest

from portal.letters import actions as letters

#: What a browser calls itself, and what people call it; the first that fits.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "a Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


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
        "browser": browser_of(request.META.get("HTTP_USER_AGENT", "")),
    }


def browser_of(described: str) -> str:
    """A browser in our own words. Its own would let a stranger write into letters to others."""
    browser = next((name for sign, name in _BROWSERS if sign in described), "")
    system = next((name for sign, name in _SYSTEMS if sign in described), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or (f"a browser on {system}" if system else "an unknown browser")
