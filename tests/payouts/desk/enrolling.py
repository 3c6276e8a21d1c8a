"""What enrolment needs: an account as the exchange answers about it, and the login of who approves."""

from datetime import UTC, datetime
from typing import Any

from payouts.desk.enrol import enrol
from payouts.exchange.port import Account
from payouts.models import Broker

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def business(account_id: str = "ACC77", **changes: Any) -> Account:
    return Account(**{"account_id": account_id, "is_business": True, "is_affiliate": False} | changes)


def enrolled(by: Any, **changes: Any) -> Broker:
    """Enrol Meridian Terminal, but for what is said otherwise."""
    given: dict[str, Any] = {
        "name": "Meridian Terminal",
        "account_id": "ACC77",
        "account": business(),
        "code": None,
        "by": by.pk,
        "now": NOON,
        "note": "application 7",
    }
    return enrol(**given | changes)
