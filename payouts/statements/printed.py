"""What a printed statement says, place by place, for the template: every text and figure is ready to set."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from payouts.money import EXACT, plain
from payouts.statements import printed_tables as tables
from payouts.statements.document import Document
from payouts.statements.printed_text import (
    broken,
    day,
    figure,
    instant,
    lacks,
    moment,
    month,
    percent,
    tamed,
)

_LONGEST = {"name": 120, "running": 48, "account": 24, "text": 10_000, "watermark": 600}
_SHOWN_OF_DIGEST = 16
_WHOLE = 1_000
#: Why a month that was approved long ago changes.
_REASONS = {
    "late volume": "Late volume: fills that arrived after the month was approved, at the tier booked then.",
    "voided fills": "Voided fills: fills that were taken back since, at the tier booked then.",
    "tier repricing": "Tier repricing: all fees of the month moved to another tier, at the difference.",
    "suspended days": "Suspended days: what the days of a suspension lose, or get back.",
    "rounding": "Rounding: so that all that is booked for the month is its exact sum, rounded once.",
}
_BASES = {
    "settled_month": "this month’s own API volume, spot and futures together",
    "preceding_month": "the API volume of the month before, spot and futures together",
}


def contents(document: Document, lines: Iterable[Document]) -> Document:
    """Everything on the pages of a statement or a draft."""
    gathered = tables.Gathered(lines)
    name = tamed(document["broker_name"], longest=_LONGEST["name"])
    is_draft = document["status"] != "approved"
    what = "Draft" if is_draft else f"Statement {document['number']}"
    of_month = month(document["month"])
    return {
        "title": f"{what} for {of_month}",
        "broker": name,
        "running": tamed(document["broker_name"], longest=_LONGEST["running"]),
        "lacks": lacks(name),
        "is_draft": is_draft,
        "what": what,
        "month": of_month,
        "code": str(document["broker"]),
        "facts": _facts(document),
        "short_digest": "" if is_draft else document["signature"]["digest"][:_SHOWN_OF_DIGEST],
        "digest": "" if is_draft else document["signature"]["digest"],
        "headline": _headline(document, of_month),
        "sum": _sum_up(document, of_month),
        "payout-at": int(not is_draft),
        "exact": _exact(document),
        "tier": _tier(document),
        "chart": tables.chart(gathered),
        "subtotals": tables.subtotals(document) if document["subtotals"] else [],
        "corrected": [_corrected(each) for each in document["corrected"]],
        "corrections": figure(document["corrections"]),
        "adjusted": [_adjusted(each) for each in document.get("adjusted", ())],
        "adjustments": figure(document.get("adjustments", "0.00")),
        "count": f"{gathered.count:,}",
        "is_long": gathered.is_long,
        "widths": tables.WIDTHS,
        "lines": _table(gathered, document),
        "how": _how(document),
        "proof": _proof(document),
    }


def _facts(document: Document) -> list[list[str]]:
    starts, ends = (instant(document["period"][end]) for end in ("from", "to"))
    last_day = (ends - starts).days
    facts = [
        ["Broker code", str(document["broker"])],
        ["Period", f"1–{last_day} {month(document['month'])}, UTC"],
        ["Backpack account", tamed(document["account"], longest=_LONGEST["account"])],
    ]
    if document["status"] == "approved":
        return [*facts, ["Issued", day(document["approved_at"])]]
    at = document["calculated_at"]
    return [*facts, ["Calculated", "not yet, live figures" if at is None else day(at)]]


def _headline(document: Document, of_month: str) -> Document:
    """The one amount that a reader looks for, and what becomes of it."""
    if document["status"] != "approved":
        return {
            "label": f"Payout for {of_month}, as it stands",
            "amount": figure(document["payout"]),
            "note": "A draft that nobody has approved. Opening balance and adjustments come with the"
            " approval; the statement alone counts.",
        }
    credit, closing = Decimal(document["credit"]), Decimal(document["closing_balance"])
    if closing < 0:
        note = f"{figure(document['closing_balance'])} is carried to your next statement."
    elif not credit:
        note = "Nothing is due, and nothing is carried to your next statement."
    elif document["held"]:
        note = "It was held when this statement was approved, and is credited once the hold ends."
    else:
        note = "It goes to your Backpack account as one credit."
    return {"label": "To be credited", "amount": figure(document["credit"]), "note": note}


def _sum_up(document: Document, of_month: str) -> list[list[Any]]:
    """The way to the amount: `[words, dollars, weight]`, weight one of part, sum."""
    found = [
        [f"Payout for {of_month}", document["payout"], "part"],
        ["Corrections of earlier months", document["corrections"], "part"],
    ]
    if document["status"] == "approved":
        found = [
            ["Opening balance", document["carried"], "part"],
            *found,
            ["Adjustments", document["adjustments"], "part"],
            ["Due", document["due"], "sum"],
            ["To be credited", document["credit"], "part"],
            ["Closing balance", document["closing_balance"], "part"],
        ]
    return [[words, figure(amount), weight] for words, amount, weight in found]


def _exact(document: Document) -> str:
    """What the payout was before it was rounded; nothing if it is the exact sum."""
    rounding = Decimal(document["rounding"])
    if not rounding:
        return ""
    sign = "+" if rounding > 0 else ""
    return f"{figure(document['amount'])} exactly, {sign}{rounding:f} by rounding"


def _tier(document: Document) -> Document:
    """The ladder with the rung that was reached, and how far the deciding volume goes on each."""
    terms = document["terms"]
    by_month_before = terms["tier_basis"] == "preceding_month"
    deciding = document["preceding_volume"] if by_month_before else document["volume"]
    volume = Decimal(deciding or 0)
    above = [rung for rung in terms["tiers"] if Decimal(rung["floor"]) > volume]
    # A paying tier is what the document says, whatever the volume would make of it.
    return {
        "name": document["tier"],
        "rebate": percent(document["rebate"]),
        "basis": _BASES[terms["tier_basis"]],
        "volume": figure(plain(volume)),
        "next": (
            f"{figure(plain(EXACT.subtract(Decimal(above[0]['floor']), volume)))} more would have made"
            f" {above[0]['tier']}, {percent(above[0]['rebate'])}."
            if above
            else "This is the highest tier."
        ),
        "ladder": [
            {
                "name": rung["tier"],
                "floor": figure(rung["floor"]),
                "rebate": percent(rung["rebate"]),
                "share": _share(volume, Decimal(rung["floor"])),
                "is_reached": rung["tier"] == document["tier"],
            }
            for rung in reversed(terms["tiers"])
        ],
    }


def _share(volume: Decimal, floor: Decimal) -> int:
    """How much of a floor the volume fills, in thousandths, for a drawing. Full only if it is reached."""
    return _WHOLE if volume >= floor else int(volume * _WHOLE / floor)


def _corrected(of: Document) -> Document:
    lines: Sequence[Document] = of["lines"]
    is_long = len(lines) > tables.MOST_LINES
    kinds = dict.fromkeys(line["kind"] for line in lines)
    if of["tier_before"] == of["tier_after"]:
        tier = f"The month stays at {of['tier_after']}."
    else:
        tier = f"The month moved from {of['tier_before']} to {of['tier_after']}."
    return {
        "month": month(of["month"]),
        "cents": figure(of["cents"]),
        "tier": tier,
        "count": f"{len(lines):,}",
        "is_long": is_long,
        "lines": tables.corrected(tables.by_kind(lines) if is_long else lines),
        "reasons": [_REASONS[kind] for kind in kinds],
    }


def _adjusted(of: Document) -> Document:
    return {
        "month": month(of["month"]),
        "text": tamed(of["text"], longest=_LONGEST["text"]),
        "confirmed": moment(of["confirmed_at"]),
        "amount": figure(of["amount"]),
    }


def _table(gathered: tables.Gathered, document: Document) -> list[list[Any]]:
    if not gathered.is_long:
        return tables.lines(gathered.first, document) if gathered.count else []
    groups = gathered.groups()
    return tables.groups(groups, document) if len(groups) <= tables.MOST_LINES else []


def _how(document: Document) -> Document:
    terms = document["terms"]
    approved = document["status"] == "approved"
    steps = [["Calculated", moment(document["calculated_at"]), ""]]
    if approved:
        steps += [
            [step.capitalize(), moment(document[f"{step}_at"]), f"by the {document[f'{step}_by']}"]
            for step in ("prepared", "approved")
        ]
    return {
        "formula": document["formula"]["program"],
        "symbols": document["formula"]["symbols"],
        "words": document["formula"]["words"],
        "terms": tamed(terms["name"], longest=_LONGEST["name"]),
        "source": tamed(terms["source"], longest=_LONGEST["name"]),
        "basis": _BASES[terms["tier_basis"]],
        "cap": percent(terms["rebate_cap"]),
        "period": f"from {moment(document['period']['from'])} up to, not including, "
        f"{moment(document['period']['to'])}",
        "steps": steps,
        "batches": _watermark(document["watermark"]["batches"]),
        "voids": _watermark(document["watermark"]["voids"]),
    }


def _watermark(ranges: str) -> str:
    longest = _LONGEST["watermark"]
    shown = ranges if len(ranges) <= longest else f"{ranges[:longest]}… (whole in the JSON)"
    return "none" if ranges == "{}" else broken(shown.strip("{}").replace("),", ") ").replace("],", "] "))


def _proof(document: Document) -> list[list[str]]:
    """Digests and the signature, each with its name; nothing of a draft."""
    if document["status"] != "approved":
        return []
    signature, previous = document["signature"], document["previous"]
    return [
        ["Digest of this statement (SHA-256)", signature["digest"]],
        [f"Signature ({signature['algorithm']})", signature["value"]],
        ["Key", signature["key_id"]],
        ["Digest of its input", document["input_digest"]],
        ["Digest of its approval", document["approval_digest"]],
        [
            "Statement before",
            "none, this is the first" if previous is None else f"{previous['number']}, {previous['digest']}",
        ],
    ]
