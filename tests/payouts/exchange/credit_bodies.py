"""Bodies that the exchange sends about credits, and how tests hand them to the rules."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from payouts.exchange import credit_answers
from payouts.exchange.answers import NotAnAnswer, Reply
from payouts.exchange.port import Credited, CreditRejected

KEY = "5f0c8c1e-3c52-4b0e-9d9f-6a1a2b3c4d5e"
OTHER = "00000000-0000-4000-8000-000000000000"
CREDITED = {
    "status": "CREDITED",
    "key": KEY,
    "creditId": "CR-000000001",
    "accountId": "BP-1",
    "amount": "11421.06",
    "currency": "USD",
    "creditedAt": "2026-11-03T09:00:00.000001Z",
}
REJECTED = {"status": "REJECTED", "key": KEY, "code": "ACCOUNT_CLOSED", "message": "The account is closed."}
MISSING = {"code": "CREDIT_NOT_FOUND", "message": "no such credit", "key": KEY}
REUSED = {"code": "KEY_REUSED", "message": "other content", "key": KEY}
AT = datetime(2026, 11, 3, 9, 0, 0, 1, tzinfo=UTC)
IS_CREDITED = Credited(KEY, "CR-000000001", "BP-1", Decimal("11421.06"), AT)
IS_REJECTED = CreditRejected(KEY, "ACCOUNT_CLOSED", "The account is closed.")
DAY = {"since": datetime(2026, 11, 3, tzinfo=UTC), "until": datetime(2026, 11, 4, tzinfo=UTC)}
ASKED = credit_answers.page_asked(**DAY, after="")
OTHER_BODY = "status 200 with another body than agreed"


def reply(said: Any, *, status: int = 200, media_type: str = "application/json", encoding: str = "") -> Reply:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return Reply(status, media_type, encoding, body)


def outcome(given: Reply) -> Any:
    return credit_answers.outcome(KEY, given)


def found(given: Reply) -> Any:
    return credit_answers.found(KEY, given)


def only_page(given: Reply) -> Any:
    return credit_answers.page(ASKED, given)


def refused(read: Callable[[Reply], Any], given: Reply) -> tuple[str, str]:
    with pytest.raises(NotAnAnswer) as problem:
        read(given)
    return problem.value.sentence, str(problem.value)


def without(name: str) -> dict[str, str]:
    return {each: value for each, value in CREDITED.items() if each != name}
