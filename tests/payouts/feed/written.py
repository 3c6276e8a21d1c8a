"""Lines of NDJSON written by hand, where `json.dumps` would be too polite."""

import json
from typing import Any

#: A valid record, each value as its JSON text.
VALID: dict[str, str] = {
    "symbol": '"SOL_USDC"',
    "marketType": '"SPOT"',
    "tradeId": "1",
    "orderId": '"2"',
    "clientId": '"c"',
    "userId": "7",
    "brokerId": "1400",
    "side": '"Bid"',
    "isMaker": "false",
    "price": '"100"',
    "quantity": '"1"',
    "fee": '"0.1"',
    "feeSymbol": '"USDC"',
    "feeRate": '"0.001"',
    "affiliateRate": '"0.1"',
    "systemOrderType": "null",
    "timestamp": '"2026-10-15T12:00:00Z"',
}


def line(*, without: str = "", before: str = "", after: str = "", **values: str) -> bytes:
    """A valid line but for the values given as JSON texts; `before` and `after` are more members."""
    members = [f'"{name}": {text}' for name, text in (VALID | values).items() if name != without]
    return ("{" + ", ".join(filter(None, [before, *members, after])) + "}").encode()


def quoted(text: Any) -> str:
    return json.dumps(text)
