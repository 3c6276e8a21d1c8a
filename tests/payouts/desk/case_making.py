"""What tests of cases share: noon, staff, a file, an open case, and its timeline in two columns."""

from datetime import UTC, datetime, timedelta
from typing import Any

from payouts.desk import cases
from payouts.desk.evidence import NewFile
from payouts.desk.models import AccountChange, Case, CaseEntry
from payouts.models import Broker
from tests import make

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
MESSAGE = "The orders were ours: see the attached log."


def staff(name: str = "sven") -> int:
    pk: int = make.login(email=f"{name}@exchange.example", is_staff=True, mfa=False).pk
    return pk


def member(name: str = "olga") -> int:
    pk: int = make.login(email=f"{name}@broker.example").pk
    return pk


def paper(
    content: bytes = b"%PDF-1", name: str = "orders.pdf", media_type: str = "application/pdf"
) -> NewFile:
    return NewFile(name, media_type, content)


def opened(broker: Broker, by: int | None, /, **changes: Any) -> Case:
    """A case that staff opened at noon."""
    given: dict[str, Any] = {
        "broker_code": broker.code,
        "kind": "fraud",
        "title": "Wash trades",
        "text": "Two traders trade with each other.",
        "by": by,
        "now": NOON,
    }
    return cases.open_case(**given | changes)


def told(case: Case) -> list[tuple[str, int | None, str]]:
    """The timeline: what, by whom, which text."""
    return list(CaseEntry.objects.filter(case=case).order_by("pk").values_list("kind", "by_id", "text"))


def move_account(broker: Broker, account_id: str) -> None:
    """The broker has another account from now on, after a change that is written as a row."""
    AccountChange.objects.create(
        broker=broker,
        old_account_id=broker.account_id,
        new_account_id=account_id,
        state="applied",
        asked_by_id=member("oskar"),
        asked_at=NOON - timedelta(days=4),
        prepared_by_id=staff("pia"),
        prepared_at=NOON - timedelta(days=4),
        confirmed_by_id=staff("quentin"),
        confirmed_at=NOON - timedelta(days=4),
        effective_at=NOON - timedelta(days=1),
        applied_at=NOON,
    )
    broker.account_id = account_id
    broker.save(update_fields=["account_id"])
