"""The ledger with everything said that a test does not care for."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from payouts.ledger import actions, entries
from payouts.ledger.models import Entry, Transaction
from payouts.month import Month

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OCTOBER = Month(2026, 10)


def accrue(amount: str = "10.00", *, broker_code: int = 1400, **changes: Any) -> Transaction:
    return book("accrual", amount, broker_code=broker_code, **changes)


def book(kind: Any, amount: str, *, broker_code: int = 1400, **changes: Any) -> Transaction:
    given: dict[str, Any] = {
        "kind": kind,
        "broker_code": broker_code,
        "reference": "payout:1",
        "at": NOON,
        "by": None,
        "month": OCTOBER,
    }
    if "postings" not in changes:
        given["postings"] = getattr(entries, kind)(Decimal(amount))
    made = actions.post(**given | changes)
    assert made is not None
    return made


def written() -> list[tuple[str, str, str, str]]:
    """Every entry: kind, reference, account, amount."""
    rows = Entry.objects.order_by("transaction_id", "account").select_related("transaction")
    return [
        (row.transaction.kind, row.transaction.reference, row.account, format(row.amount, "f"))
        for row in rows
    ]
