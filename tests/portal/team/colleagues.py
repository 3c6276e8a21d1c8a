"""A team of two brokers: one login for each role, and how they knock."""

import re
from typing import Any

from django.test import Client

from payouts.program.models import Broker
from portal.letters.models import Letter
from portal.team import links
from portal.team.models import Invitation, Membership
from tests import make
from tests.portal.staff.browsing import at
from tests.portal.team.conftest import imported

TEAM = "/brokers/1400/team/"
ROLES = ("owner", "finance", "developer", "viewer")


def altair() -> Broker:
    """Altair Terminal with one member of each role: owner@altair.example, finance@altair.example, …"""
    broker = imported()
    for role in ROLES:
        make.membership(make.login(email=f"{role}@altair.example"), broker, role=role)
    return broker


def seat(email: str, code: int = 1400) -> Membership:
    return Membership.objects.get(login__email=email, broker_id=code)


def of(role: str, *, proven: bool = True) -> Client:
    """The member of a role, who has just proven who it is."""
    return at(seat(f"{role}@altair.example").login, proven=proven)


def link_of(email: str = "nora@altair.example") -> str:
    invitation = Invitation.objects.get(email=email, state="open")
    return f"/invitations/{links.token_of(invitation)}/"


def letters(kind: str) -> list[tuple[str, dict[str, Any]]]:
    return list(Letter.objects.filter(kind=kind).order_by("pk").values_list("to", "facts"))


def errors(page: Any) -> str:
    """What the page says went wrong."""
    found = re.search(r'<div class="banner error" role="alert">(.*?)</div>', page.content.decode(), re.DOTALL)
    return re.sub(r"<[^>]+>", "", found.group(1)).strip() if found else ""


def refusal(page: Any) -> str:
    """What the page behind a link says went wrong."""
    found = re.search(r'<p class="banner error" role="alert">(.*?)</p>', page.content.decode(), re.DOTALL)
    return found.group(1) if found else ""
