"""One credit at a simulated exchange whose clock stands still, and its real client."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from payouts.exchange.http import HttpExchange
from payouts.exchange.port import Credited, CreditRejected, ExchangeUnavailable
from portal.simulator.answering import AnsweringExchange
from tests.exchange import asking

KEY = "5f0c8c1e-3c52-4b0e-9d9f-6a1a2b3c4d5e"
AMOUNT = Decimal("11421.06")
ORDER: dict[str, Any] = {
    "key": KEY,
    "account_id": "BP-900001",
    "amount": AMOUNT,
    "reference": "Broker rebate 2026-10, code 1400",
}
NOW = datetime(2026, 11, 3, 9, 0, 0, 123_456, tzinfo=UTC)
CREDITED = Credited(KEY, "CR-000000001", "BP-900001", AMOUNT, NOW)
RESTRICTED = CreditRejected(KEY, "ACCOUNT_RESTRICTED", "The account takes no credits at the moment.")
DAY = {"since": datetime(2026, 11, 3, tzinfo=UTC), "until": datetime(2026, 11, 4, tzinfo=UTC)}


def patient(there: AnsweringExchange, **options: Any) -> HttpExchange:
    """Where nothing is slow on purpose, a busy machine must not pass for a time-out."""
    return asking(there, **({"deadline": 8, "read_timeout": 5} | options))


def refusal(ask: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(ExchangeUnavailable) as refused:
        ask(*arguments, **named)
    return str(refused.value)
