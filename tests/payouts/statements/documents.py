"""Documents of statements for tests: believable, tied to the cent, signed with a key of the tests' own.

Sums and rates are worked out here with plain decimals, not with the engine's code.
"""

import random
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from hashlib import sha256
from typing import Any

from payouts.statements import document, signature

Document = dict[str, Any]

#: 32 bytes in base64, and another such key that signed nothing of ours.
SECRET = "ogDyrpAtM0gRwZ2XWUZ8q4F6q6v6oX1BmqKHkVJp1kM="
FOREIGN_SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
MARKETS = ("futures", "spot")
LADDER = (
    ("BKR 0", "0", "0.20"),
    ("BKR 1", "5000000", "0.30"),
    ("BKR 2", "10000000", "0.35"),
    ("BKR 3", "20000000", "0.40"),
    ("BKR 4", "60000000", "0.45"),
    ("BKR 5", "100000000", "0.50"),
)
TERMS: Document = {
    "name": "2025-09",
    "source": "Backpack Exchange, API Broker Program, as published (read 2026-11-22)",
    "tier_basis": "settled_month",
    "rebate_cap": "0.5",
    "tiers": [{"tier": name, "floor": floor, "rebate": rebate} for name, floor, rebate in LADDER],
}

#: Trader, market, fee rate, affiliate rate, fills, volume, fees: 18,204,651.418 dollars, so BKR 2 with 35 %.
FIVE = (
    ("T-2KX7QJ4MZB5A", "futures", "0.0002", "0", 4_812, "6100230.25", "1220.04605"),
    ("T-2KX7QJ4MZB5A", "futures", "0.0005", "0", 1_977, "3925118.4", "1962.5592"),
    ("T-7HYD3WNPC6RE", "futures", "-0.00002", "0.1", 903, "1804330.118", "0"),
    ("T-7HYD3WNPC6RE", "spot", "0.001", "0.3", 2_240, "5374972.65", "5374.97265"),
    ("T-QF5U2LXVTG7O", "spot", "0.00085", "0.5", 61, "1000000", "850"),
)
#: September changed after its approval: it came to BKR 2, and 286.91 more.
CORRECTED: Document = {
    "month": "2026-09",
    "tier_before": "BKR 1",
    "tier_after": "BKR 2",
    "amount": "286.91358085",
    "cents": "286.91",
    "lines": [
        {
            "kind": "late volume",
            "trader": "T-2KX7QJ4MZB5A",
            "market": "futures",
            "fee_rate": "0.0005",
            "affiliate_rate": "0",
            "fills": 212,
            "volume": "184220.5",
            "fees": "92.11025",
            "rate": "0.3",
            "amount": "27.633075",
        },
        {
            "kind": "voided fills",
            "trader": "T-7HYD3WNPC6RE",
            "market": "spot",
            "fee_rate": "0.001",
            "affiliate_rate": "0",
            "fills": -3,
            "volume": "-4120",
            "fees": "-4.12",
            "rate": "0.3",
            "amount": "-1.236",
        },
        {
            "kind": "tier repricing",
            "trader": None,
            "market": "futures",
            "fee_rate": None,
            "affiliate_rate": "0",
            "fills": 0,
            "volume": "0",
            "fees": "5210.330117",
            "rate": "0.05",
            "amount": "260.51650585",
        },
        {
            "kind": "rounding",
            "trader": None,
            "market": None,
            "fee_rate": None,
            "affiliate_rate": None,
            "fills": 0,
            "volume": "0",
            "fees": "0",
            "rate": None,
            "amount": "-0.00358085",
        },
    ],
}
#: August lost what a suspension forfeited.
SUSPENDED: Document = {
    "month": "2026-08",
    "tier_before": "BKR 1",
    "tier_after": "BKR 1",
    "amount": "-41.2",
    "cents": "-41.20",
    "lines": [
        {
            "kind": "suspended days",
            "trader": None,
            "market": None,
            "fee_rate": None,
            "affiliate_rate": None,
            "fills": 0,
            "volume": "0",
            "fees": "0",
            "rate": None,
            "amount": "-41.2",
        }
    ],
}
ADJUSTED: Document = {
    "month": "2026-10",
    "amount": "-120.50",
    "text": "Fee refund to T-7HYD3WNPC6RE of 14 October, agreed on 20 October (case 3817).",
    "confirmed_at": "2026-10-20T09:12:44Z",
}
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def lines_of(rows: Iterable[Sequence[Any]], *, rebate: str = "0.35", cap: str = "0.5") -> list[Document]:
    """Lines as statements say them, in the order given."""
    return [_line(*row, rebate=Decimal(rebate), cap=Decimal(cap)) for row in rows]


def many(count: int, *, seed: int = 1) -> list[tuple[Any, ...]]:
    """Rows of so many lines: few traders make most, all fee and affiliate rates occur."""
    chance = random.Random(seed)
    names = ["T-" + "".join(chance.choices(BASE32, k=12)) for _ in range(count // 2 + 1)]
    rows: dict[tuple[str, str, str, str], tuple[Any, ...]] = {}
    while len(rows) < count:
        name = names[int(len(names) * chance.random() ** 2)]
        market = chance.choice(MARKETS)
        fee_rate = chance.choice(("-0.00002", "0", "0.00018", "0.0002", "0.00045", "0.0005", "0.00085"))
        affiliate_rate = ("0", "0", "0.1", "0.3", "0.5")[hash_of(name) % 5]
        fills = chance.randrange(1, 900)
        volume = Decimal(chance.randrange(1, 10**9) ** 6 // 10**44 + 210_317 * fills).scaleb(-4)
        paid = (volume * max(Decimal(fee_rate), Decimal(0))).quantize(Decimal("0.000001"))
        key = (name, market, fee_rate, affiliate_rate)
        rows[key] = (*key, fills, plain(volume), plain(paid))
    return sorted(rows.values(), key=lambda row: (*row[:2], Decimal(row[2]), Decimal(row[3])))


def draft(lines: Iterable[Sequence[Any]] = FIVE, **changes: Any) -> tuple[Document, list[Document]]:
    """A draft without its lines, and its lines. `changes` replace members as they are."""
    rows = list(lines)
    spot, futures = (plain(total(row[5] for row in rows if row[1] == each)) for each in ("spot", "futures"))
    volume = Decimal(spot) + Decimal(futures)
    terms = changes.get("terms", TERMS)
    decisive = Decimal(changes["preceding_volume"]) if terms["tier_basis"] == "preceding_month" else volume
    tier = [each for each in terms["tiers"] if Decimal(each["floor"]) <= decisive][-1]
    made = lines_of(rows, rebate=tier["rebate"], cap=terms["rebate_cap"])
    amount = total(line["amount"] for line in made)
    payout = amount.quantize(Decimal("0.01"), context=Context(prec=80, rounding=ROUND_HALF_UP))
    corrected = changes.get("corrected", [])
    return {
        "schema": "backpack-broker-statement/1",
        "status": "draft",
        "broker": 1400,
        "broker_name": "Meridian Terminal Ltd.",
        "account": "•••1400",
        "month": "2026-10",
        "period": {"from": "2026-10-01T00:00:00Z", "to": "2026-11-01T00:00:00Z"},
        "currency": "USD",
        "terms": terms,
        "formula": document.FORMULA,
        "preceding_volume": "9120355.12",
        "tier": tier["tier"],
        "rebate": tier["rebate"],
        "spot_volume": spot,
        "futures_volume": futures,
        "volume": plain(volume),
        "fills": sum(row[4] for row in rows),
        "fees": plain(total(row[6] for row in rows)),
        "amount": plain(amount),
        "payout": str(payout),
        "rounding": plain(payout - amount),
        "subtotals": [_subtotal(made, market) for market in MARKETS if any(r[1] == market for r in rows)],
        "corrections": str(total((each["cents"] for each in corrected), start="0.00")),
        "corrected": corrected,
        "calculated_at": "2026-11-01T00:20:03.412907Z",
        "watermark": {"batches": "{[1,4212],[4214,4631]}", "voids": "{[1,17]}"},
    } | changes, made


def issued(
    lines: Iterable[Sequence[Any]] = FIVE, *, secret: str = SECRET, **changes: Any
) -> tuple[Document, list[Document]]:
    """An issued statement without its lines but with its signature, and its lines.

    The sums follow from `corrected`, `adjusted`, `carried`; `changes` replace members as they are, and what
    results is signed.
    """
    made, its_lines = draft(lines, **changes)
    adjusted = changes.get("adjusted", [])
    carried = Decimal(changes.get("carried", "0.00"))
    adjustments = total((each["amount"] for each in adjusted), start="0.00")
    due = carried + adjustments + Decimal(made["payout"]) + Decimal(made["corrections"])
    made |= {
        "status": "approved",
        "number": 7,
        "previous": {"number": 6, "digest": sha256(b"statement 6").hexdigest()},
        "carried": str(carried),
        "adjustments": str(adjustments),
        "adjusted": adjusted,
        "due": str(due),
        "credit": str(max(due, Decimal("0.00"))),
        "closing_balance": str(min(due, Decimal("0.00"))),
        "held": False,
        "prepared_at": "2026-11-02T09:31:10.005Z",
        "prepared_by": "preparer",
        "approved_at": "2026-11-02T14:05:59.25Z",
        "approved_by": "approver",
        "input_digest": sha256(b"its input").hexdigest(),
        "approval_digest": sha256(b"its approval").hexdigest(),
    } | changes
    return signed(made, its_lines, secret=secret), its_lines


def signed(made: Document, lines: Sequence[Document], *, secret: str = SECRET) -> Document:
    """The document without its lines, signed together with them."""
    whole = {name: value for name, value in made.items() if name != "signature"} | {"lines": list(lines)}
    digest = sha256(document.canonical(whole).encode()).hexdigest()
    value = signature.sign(digest, secret)
    key_id = signature.key_of(secret).key_id
    return made | {"signature": signature.member(digest=digest, key_id=key_id, signature=value)}


def whole(made: Document, lines: Sequence[Document]) -> str:
    """The JSON face: canonical, with the lines and the signature."""
    return document.canonical(made | {"lines": list(lines)})


def plain(number: Decimal) -> str:
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-0", "0", text == "-0")


def total(numbers: Iterable[str | int], *, start: str = "0") -> Decimal:
    with localcontext(Context(prec=80)):
        return sum((Decimal(number) for number in numbers), start=Decimal(start))


def hash_of(name: str) -> int:
    return sum(name.encode())


def _line(
    trader: str,
    market: str,
    fee_rate: str,
    affiliate_rate: str,
    fills: int,
    volume: str,
    fees: str,
    *,
    rebate: Decimal,
    cap: Decimal,
) -> Document:
    left = cap - Decimal(affiliate_rate)
    applied = min(rebate, max(left, Decimal(0)))
    bound_by = "cap exhausted" if left <= 0 else "tier" if rebate <= left else "affiliate cap"
    with localcontext(Context(prec=80)):
        amount = Decimal(fees) * applied
    return {
        "trader": trader,
        "market": market,
        "fee_rate": fee_rate,
        "affiliate_rate": affiliate_rate,
        "fills": fills,
        "volume": volume,
        "fees": fees,
        "tier_rate": plain(rebate),
        "applied_rate": plain(applied),
        "bound_by": bound_by,
        "amount": plain(amount),
    }


def _subtotal(lines: Sequence[Document], market: str) -> Document:
    ours = [line for line in lines if line["market"] == market]
    return {
        "market": market,
        "fills": sum(line["fills"] for line in ours),
        **{name: plain(total(line[name] for line in ours)) for name in ("volume", "fees", "amount")},
    }
