"""Staff who look at the pages of a broker, and members of it, each in a browser."""

from typing import Any

from django.test import Client

from payouts.program import queries
from portal.team.models import ViewAs
from tests import make
from tests.portal.staff.browsing import at
from tests.portal.staff.make_review import staff


def looking(code: int = 1400) -> tuple[Client, ViewAs]:
    """An operator's browser that has begun to look at a broker's pages, and the record of it."""
    client = at(staff("operations"), proven=True)
    answer = client.post(f"/staff/payouts/broker/{code}/view-as/", {"reason": "ticket 4711"})
    assert answer.status_code == 302, answer.content.decode()
    return client, ViewAs.objects.get()


def pages_of(look: ViewAs) -> list[str]:
    """What was opened in a look, in order."""
    return list(look.pages.order_by("pk").values_list("path", flat=True))


def member(role: str = "finance", *, code: int = 1400, name: str = "mia") -> tuple[Client, Any]:
    login = make.login(email=f"{name}@example.com")
    make.membership(login, queries.broker_with(code) or make.broker(code=code), role=role)
    return at(login), login
