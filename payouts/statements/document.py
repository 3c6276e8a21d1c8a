"""The document of a broker's month: everything that its statement says, as plain values. Pure.

Its canonical bytes (RFC 8785) are what is digested and signed; every face is made from it.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from payouts.money import EXACT, ZERO, plain, two_places
from payouts.month import Month
from payouts.monthend.calculation import Line, Payout
from payouts.monthend.corrections import Correction, CorrectionLine
from payouts.program.terms import Terms
from payouts.statements import verify_statement

Document = dict[str, Any]
#: How a trader is called.
Named = Callable[[int], str | int]

SCHEMA = verify_statement.SCHEMA
#: Stands for the lines while the rest is written; no text of the database can hold it.
_LINES = "\x00"
_LINES_TO_COME = r'"lines":"\u0000"'
_SHOWN_OF_ACCOUNT = 4

#: "Payout = API Volume × Fee Rate % × min {Broker Rebate %, max{0, 50% - Affiliate Rate %}}"
FORMULA = {
    "program": "Payout = API Volume × Fee Rate % × min{Broker Rebate %, max{0, 50% - Affiliate Rate %}}",
    "symbols": (
        "amount = fees × applied_rate; applied_rate = min(tier_rate, max(0, rebate_cap − affiliate_rate))"
    ),
    "words": (
        "Each line's amount is the fees that were charged on it, times the tier's rebate, or times what the"
        " affiliate's share leaves of the cap where that is less. Lines are exact; their sum is rounded once,"
        " to the cent, half away from zero."
    ),
}


@dataclass(frozen=True, slots=True)
class Adjusted:
    """An amount that two people agreed on, in the words that the broker reads."""

    amount: Decimal
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """What the approval added to the calculation. Dollars in whole cents."""

    number: int
    #: The digest of the statement before; "" of the first.
    previous_digest: str
    adjusted: Sequence[Adjusted]
    #: Brought forward from earlier months: the opening balance.
    carried: Decimal
    due: Decimal
    is_held: bool
    prepared_at: datetime
    approved_at: datetime
    input_digest: str
    approval_digest: str


@dataclass(frozen=True, slots=True)
class BrokersMonth:
    """A broker's month as it is about to be written down, without its lines."""

    broker: int
    broker_name: str
    account_id: str
    month: Month
    terms: Terms
    payout: Payout
    preceding_volume: Decimal | None
    calculated_at: datetime | None
    watermark: str
    voids: str
    corrected: Sequence[Correction]
    #: None of a draft.
    approval: Approval | None


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


def of_line(line: Line) -> Document:
    """A line as the feed contract prints it."""
    return {
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


def of_lines(lines: Iterable[Line]) -> list[Document]:
    """Lines as the feed contract prints them, in their order."""
    return [of_line(line) for line in lines]


def line(one: Line, *, tier_rate: Decimal, trader: str | int) -> Document:
    """A line as statements say it: with the tier's rate and which arm of the formula bound it."""
    return of_line(one) | {"trader": trader, "tier_rate": plain(tier_rate), "bound_by": one.bound_by}


def without_lines(of: BrokersMonth, subtotals: Sequence[Document], *, named: Named) -> Document:
    """Everything but the lines. Of a draft, what only an approval decides is left out.

    `named` says how a trader is called where the document goes.
    """
    made = (
        of_payout(broker=of.broker, payout=of.payout)
        | _whose(of)
        | _by_what(of)
        | {
            "spot_volume": plain(of.payout.spot_volume),
            "futures_volume": plain(of.payout.futures_volume),
            "fills": of.payout.fills,
            "rounding": plain(EXACT.subtract(of.payout.payout, of.payout.amount)),
            "subtotals": list(subtotals),
            "corrections": two_places(_sum(each.cents for each in of.corrected)),
            "corrected": [_corrected(each, named) for each in of.corrected],
            "calculated_at": None if of.calculated_at is None else instant(of.calculated_at),
            "watermark": {"batches": of.watermark, "voids": of.voids},
            "status": "draft",
        }
    )
    return made if of.approval is None else made | _approved(of.approval)


def subtotals(lines: Iterable[Line]) -> list[Document]:
    """Per market, in the order of lines: futures, then spot. A market without lines is left out."""
    found: dict[str, list[Any]] = {}
    for one in lines:
        sums = found.setdefault(one.market, [0, ZERO, ZERO, ZERO])
        sums[0] += one.fills
        for place, value in enumerate((one.volume, one.fees, one.amount), start=1):
            sums[place] = EXACT.add(sums[place], value)
    return [
        {
            "market": market,
            "fills": fills,
            "volume": plain(volume),
            "fees": plain(fees),
            "amount": plain(amount),
        }
        for market, (fills, volume, fees, amount) in sorted(found.items())
    ]


def canonical(value: object) -> str:
    """A document or a part of one in the one text that is digested: as whoever verifies it writes it."""
    return verify_statement.written(value)


def around_lines(made: Document) -> tuple[str, str]:
    """The canonical text before the first line and after the last one, of a document without its lines."""
    before, _, after = canonical(made | {"lines": _LINES}).partition(_LINES_TO_COME)
    return f'{before}"lines":[', f"]{after}"


def lines_in(stretch: str) -> list[Document]:
    """The lines in a stretch of canonical text that holds whole lines."""
    found: list[Document] = json.loads(f"[{stretch.strip(',')}]")
    return found


def pieces(made: Document, lines: Iterable[str]) -> Iterator[bytes]:
    """The canonical bytes of a document and its lines (each in canonical text), piece by piece."""
    before, after = around_lines(made)
    yield before.encode()
    comma = ""
    for one in lines:
        yield f"{comma}{one}".encode()
        comma = ","
    yield after.encode()


def as_json(document: Document) -> bytes:
    """For people and their editors: the same document, indented."""
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def masked(account_id: str) -> str:
    """Enough of an account for its owner to know it by, and no more: •••1400."""
    shown = min(_SHOWN_OF_ACCOUNT, len(account_id) // 2)
    return "•••" + account_id[len(account_id) - shown :]


def _whose(of: BrokersMonth) -> Document:
    return {
        "schema": SCHEMA,
        "broker_name": of.broker_name,
        "account": masked(of.account_id),
        "month": str(of.month),
        # Half-open: what happened at the second instant is of the next month.
        "period": {"from": instant(of.month.starts_at), "to": instant(of.month.ends_at)},
        "currency": "USD",
    }


def _by_what(of: BrokersMonth) -> Document:
    terms = of.terms
    return {
        "terms": {
            "name": terms.name,
            "source": terms.source,
            "tier_basis": terms.tier_basis,
            "rebate_cap": plain(terms.rebate_cap),
            "tiers": [
                {"tier": tier.name, "floor": plain(tier.floor), "rebate": two_places(tier.rebate)}
                for tier in terms.ladder
            ],
        },
        "formula": FORMULA,
        "preceding_volume": None if of.preceding_volume is None else plain(of.preceding_volume),
    }


def _corrected(of: Correction, named: Named) -> Document:
    lines = [(None if one.trader is None else named(one.trader), one) for one in of.lines]
    # By the names that are shown: the order of the traders' numbers stays unknown.
    lines.sort(key=_place_of_corrected)
    return {
        "month": str(of.month),
        "tier_before": of.tier_before,
        "tier_after": of.tier_after,
        "amount": plain(of.amount),
        "cents": two_places(of.cents),
        "lines": [
            {
                "kind": one.kind,
                "trader": trader,
                "market": one.market,
                "fee_rate": None if one.fee_rate is None else plain(one.fee_rate),
                "affiliate_rate": None if one.affiliate_rate is None else plain(one.affiliate_rate),
                "fills": one.fills,
                "volume": plain(one.volume),
                "fees": plain(one.fees),
                "rate": None if one.rate is None else plain(one.rate),
                "amount": plain(one.amount),
            }
            for trader, one in lines
        ],
    }


def _place_of_corrected(named: tuple[str | int | None, CorrectionLine]) -> tuple[Any, ...]:
    trader, one = named
    kind = verify_statement.KINDS.index(one.kind)
    return kind, trader or "", one.market or "", one.fee_rate or ZERO, one.affiliate_rate or ZERO


def _approved(by: Approval) -> Document:
    adjustments = _sum(each.amount for each in by.adjusted)
    return {
        "status": "approved",
        "number": by.number,
        "previous": {"number": by.number - 1, "digest": by.previous_digest} if by.previous_digest else None,
        "carried": two_places(by.carried),
        "adjustments": two_places(adjustments),
        "adjusted": [
            {
                "month": str(Month.of(each.at)),
                "amount": two_places(each.amount),
                "text": each.text,
                "confirmed_at": instant(each.at),
            }
            for each in by.adjusted
        ],
        "due": two_places(by.due),
        "credit": two_places(max(by.due, ZERO)),
        # "Only a balance ≤ 0.00 is carried": what is more than nothing is credited as a whole.
        "closing_balance": two_places(min(by.due, ZERO)),
        "held": by.is_held,
        "prepared_at": instant(by.prepared_at),
        "prepared_by": "preparer",
        "approved_at": instant(by.approved_at),
        "approved_by": "approver",
        "input_digest": by.input_digest,
        "approval_digest": by.approval_digest,
    }


def _sum(numbers: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for number in numbers:
        total = EXACT.add(total, number)
    return total
