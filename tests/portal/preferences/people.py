"""A broker's team of every role, staff of every role, and who belongs nowhere."""

from typing import Any

from django.contrib.auth.models import Group

from portal.preferences.models import LetterPreference
from tests import make


def team(code: int = 1400, name: str = "Nordlicht", who: str = "") -> dict[str, Any]:
    """One login for each role of a broker's team."""
    broker = make.broker(code=code, name=name)
    logins = {}
    for role in ("owner", "finance", "developer", "viewer"):
        logins[role] = make.login(email=f"{who}{role}@example.com")
        make.membership(logins[role], broker, role=role)
    return logins


def staff(*roles: str, email: str = "sue@backpack.exchange", **fields: Any) -> Any:
    login = make.login(email=email, is_staff=True, **fields)
    login.groups.set(Group.objects.filter(name__in=roles))
    assert login.groups.count() == len(roles)
    return login


def rows() -> list[tuple[str, int | None, str, str]]:
    """Every wish that was ever said."""
    found = LetterPreference.objects.order_by("pk")
    return list(found.values_list("login__email", "broker_id", "topic", "delivery"))
