"""The pages that letters lead to. None is a secret; all begin with the portal's own address."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.urls import reverse

from portal.letters.kinds import KINDS

#: Pages that are the same for everybody.
_COMMON = {
    "login_url": "account_login",
    "reset_url": "account_reset_password",
    "sessions_url": "usersessions_list",
}
#: Where a login says which letters it wants.
_OF_WISHES = {"preferences_url": "letter_preferences"}
#: A broker's own pages.
_OF_BROKER = {
    "dashboard_url": "dashboard",
    "standing_url": "standing",
    "account_url": "exchange_account",
    "team_url": "team",
    "statements_url": "statements",
}
#: Where staff look at what waits.
_OF_STAFF = {
    "staff_url": "admin:index",
    "applications_url": "admin:portal_application_changelist",
    "months_url": "admin:payouts_run_changelist",
    "health_url": "admin:health",
}


def pages(kind: str, facts: Mapping[str, Any]) -> dict[str, str]:
    """The addresses that a letter of this kind may name, whatever a request claimed about ours."""
    found = {"portal_url": settings.PORTAL_URL} | _of(_COMMON)
    if facts.get("reference"):
        found["application_url"] = _address("application", facts["reference"])
        found["apply_url"] = _address("apply")
    code = facts.get("code")
    if code is not None:
        found |= _of(_OF_BROKER, code)
        if facts.get("month"):
            found["statement_url"] = _address("statement", code, facts["month"])
        if facts.get("file"):
            found["file_url"] = _address("export", code, facts["file"])
    if KINDS[kind].topic is not None:
        found |= _of(_OF_WISHES)
    if kind == "staff_digest":
        found |= _of(_OF_STAFF)
    return found


def _of(names: Mapping[str, str], *parts: object) -> dict[str, str]:
    return {name: _address(page, *parts) for name, page in names.items()}


def _address(name: str, *parts: object) -> str:
    return settings.PORTAL_URL + reverse(name, args=parts)
