"""Builders for the tests of the staff site: staff by role, sent applications, and what the exchange says."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

from django.contrib.auth.models import Group

from payouts.exchange.port import Account, ExchangeUnavailable
from portal.application.models import Application, TimelineEntry
from tests import make

SENT = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)  # a Thursday
_numbers = count(1)


def staff(role: str = "reviewer", *, email: str = "", **fields: Any) -> Any:
    """A login with a role on the staff site; `superuser` for a superuser, `none` for staff without a role."""
    login = make.login(
        email=email or f"{role.replace(' ', '-')}@exchange.example",
        name=role.title(),
        is_staff=True,
        is_superuser=role == "superuser",
        **fields,
    )
    if role not in ("superuser", "none"):
        login.groups.add(Group.objects.get(name=role))
    return login


def application(*, applicant: Any = None, state: str = "submitted", **fields: Any) -> Application:
    """An application as its applicant sent it; each one differs in whatever the risk card compares."""
    number = next(_numbers)
    drafted = state == "draft"
    made = {
        "applicant": applicant
        or make.login(
            email=f"anna{number}@delta{number}.example",
            name="Anna",
            joined_at=datetime(2026, 11, 1, tzinfo=UTC),
        ),
        "state": state,
        "version": 1,
        "legal_name": f"Delta{number} Terminal Ltd",
        "country": "SG",
        "registration_number": f"2026{number:05d}K",
        "website": f"https://www.delta{number}.example/",
        "platform_type": "trading_terminal",
        "contact_name": "Anna Delta",
        "contact_position": "CTO",
        "contact_email": f"anna@delta{number}.example",
        "contact_phone": "+65 6000 0000",
        "account_id": f"BUS{number:05d}",
        "exchange_answer": "business",
        "exchange_answered_at": SENT,
        "trades_spot": True,
        "trades_futures": True,
        "expected_volume": "5000000.00",
        "user_base": 1200,
        "order_submission": "users_keys",
        "integration_notes": "REST and websocket.",
        "is_no_affiliate": True,
        "terms_version": "2026-11",
        "terms_accepted_at": SENT,
        "terms_address": f"203.0.113.{number % 250}",
        "started_at": SENT,
        "saved_at": SENT,
        "submitted_at": None if drafted else SENT,
    } | fields
    found = Application.objects.create(**made)
    if not drafted:
        TimelineEntry.objects.create(application=found, kind="submitted", at=SENT, by=found.applicant)
    found.refresh_from_db()
    return found


class Exchange:
    """The exchange's port with the answers that a test gives it, by account; business accounts otherwise."""

    def __init__(self, *, down: bool = False, before: Callable[[], None] | None = None, **said: str) -> None:
        self.asked: list[str] = []
        self._down = down
        self._before = before
        self._said = said

    def account(self, account_id: str) -> Account | None:
        self.asked.append(account_id)
        if self._before:
            self._before()
        if self._down:
            raise ExchangeUnavailable("The exchange does not answer: try again in a few minutes.")
        said = self._said.get(account_id, "business")
        if said == "missing":
            return None
        return Account(account_id, is_business=said != "personal", is_affiliate=said == "affiliate")
