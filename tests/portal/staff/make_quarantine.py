"""Builders of records in quarantine: one for each reason of the contract, and whatever bytes a test wants."""

import csv
import io
import json
from typing import Any

from payouts.feed.quarantine_models import QuarantinePlace
from tests import make

LIST = "/staff/payouts/quarantineplace/"
#: Reason → what of an ordinary record is otherwise. A conflict needs a record before it.
WRONG: dict[str, dict[str, Any]] = {
    "missing_trade_id": {"tradeId": None},
    "unknown_market_type": {"marketType": "OPTION"},
    "unknown_broker": {"brokerId": 1500},
    "unpriced_quote": {"symbol": "SOL_BTC"},
    "unpriced_fee": {"feeSymbol": "SOL"},
    "fee_mismatch": {"fee": "99"},
    "before_enrolment": {"timestamp": "2019-12-31T23:59:59Z"},
    "future_timestamp": {"timestamp": "2026-11-22T13:00:00Z"},
}


def quarantined(raw: bytes) -> QuarantinePlace:
    """These bytes as one line of a push, which go to quarantine."""
    tally = make.take_in([raw])
    assert sum(tally.quarantined.values()) == 1, tally
    return QuarantinePlace.objects.latest("pk")


def waits(reason: str = "unknown_broker", **changes: Any) -> QuarantinePlace:
    """A record that waits for a reason; the broker 1400 has to be there."""
    if reason == "malformed":
        return quarantined(b'{"symbol": "SOL_USDC", "price": 1}')
    if reason == "conflict":
        first = make.record(**changes)
        make.fills(first)
        return quarantined(json.dumps(first | {"price": "101", "fee": "0.101"}).encode())
    place = quarantined(json.dumps(make.record(**(WRONG[reason] | changes))).encode())
    assert place.reason == reason
    return place


def one_of_each() -> dict[str, QuarantinePlace]:
    return {reason: waits(reason) for reason in ("malformed", "conflict", *WRONG)}


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else value


def csv_of(*records: dict[str, Any]) -> bytes:
    """The records as a file of CSV."""
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(records[0])
    rows.writerows([_cell(each) for each in record.values()] for record in records)
    return written.getvalue().encode()
