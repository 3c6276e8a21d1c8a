"""The document of a broker's month: a payout with its lines, as plain values. Pure."""

import json
from collections.abc import Iterable
from typing import Any

from payouts.money import plain, two_places
from payouts.monthend.calculation import Amounts, Line, Payout

Document = dict[str, Any]


def of_payout(*, broker: int, payout: Payout) -> Document:
    """A payout as the feed contract prints it: decimals are strings with all their digits."""
    return {
        "broker": broker,
        "volume": plain(payout.volume),
        "tier": payout.tier.name,
        "rebate": two_places(payout.tier.rebate),
        "fees": plain(payout.fees),
        "amount": plain(payout.amount),
        "payout": two_places(payout.payout),
    }


def of_lines(lines: Iterable[Line]) -> list[Document]:
    """Lines as the feed contract prints them, in their order."""
    return [
        {
            "trader": line.trader,
            "market": line.market,
            "fee_rate": plain(line.fee_rate),
            "affiliate_rate": plain(line.affiliate_rate),
            "fills": line.fills,
            "volume": plain(line.volume),
            "fees": plain(line.fees),
            "applied_rate": plain(line.applied_rate),
            "amount": plain(line.amount),
        }
        for line in lines
    ]


def draft(*, broker: int, payout: Payout, lines: Iterable[Line]) -> Document:
    """A statement before approval: unsigned and unnumbered, and it says so."""
    return of_payout(broker=broker, payout=payout) | {"lines": of_lines(lines), "status": "draft"}


def approved(*, broker: int, payout: Payout, lines: Iterable[Line], amounts: Amounts) -> Document:
    """A payout as it was approved, with what makes it due: it never changes any more."""
    return of_payout(broker=broker, payout=payout) | {
        "lines": of_lines(lines),
        "corrections": two_places(amounts.corrections),
        "adjustments": two_places(amounts.adjustments),
        "carried": two_places(amounts.carried),
        "due": two_places(amounts.due),
        "status": "approved",
    }


def as_json(document: Document) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"
