"""What referral codes cost at every tier, and who bears a pseudonym: values in, values out."""

from decimal import Decimal

from payouts.month import Month
from payouts.monthend.calculation import Group
from payouts.monthend.cap_cost import cap_cost
from payouts.program.terms import terms_for
from payouts.statements import pseudonym

TERMS = terms_for(Month(2026, 10))
BKR_3 = TERMS.ladder[3]


def group(affiliate: str, fees: str, *, market: str = "spot", fills: int = 1, volume: str = "1000") -> Group:
    return Group(market, Decimal(affiliate), fills, Decimal(volume), Decimal(fees))  # type: ignore[arg-type]


def test_a_cap_costs_what_the_tier_gives_more_than_it_leaves() -> None:
    found = cap_cost(
        terms=TERMS,
        tier=BKR_3,
        groups=[
            group("0.2", "100", market="futures"),
            group("0", "10"),
            group("0.2", "50"),
            group("0.6", "7", fills=3),
        ],
    )

    assert [(row.affiliate_rate, row.fills, row.volume, row.fees, row.is_capped) for row in found.rows] == [
        (Decimal("0"), 1, Decimal("1000"), Decimal("10"), False),
        (Decimal("0.2"), 2, Decimal("2000"), Decimal("150"), True),
        (Decimal("0.6"), 3, Decimal("1000"), Decimal("7"), True),
    ]
    assert (found.capped_fills, found.capped_volume, found.capped_fees) == (
        5,
        Decimal("3000"),
        Decimal("157"),
    )
    assert (found.cost, found.amount) == (Decimal("17.8"), Decimal("49.0"))
    assert (found.volume, found.fees) == (Decimal("4000"), Decimal("167"))
    assert [(total.tier.name, total.amount, total.cost) for total in found.by_tier] == [
        ("BKR 0", Decimal("32.0"), Decimal("1.4")),
        ("BKR 1", Decimal("48.0"), Decimal("2.1")),
        ("BKR 2", Decimal("48.50"), Decimal("9.95")),
        ("BKR 3", Decimal("49.0"), Decimal("17.8")),
        ("BKR 4", Decimal("49.50"), Decimal("25.65")),
        ("BKR 5", Decimal("50.0"), Decimal("33.5")),
    ]
    assert found.rows[1].by_tier[2].arm.bound_by == "affiliate cap"
    assert found.rows[1].by_tier[1].arm.bound_by == "tier"


def test_a_month_without_fills_costs_nothing() -> None:
    found = cap_cost(terms=TERMS, tier=TERMS.ladder[0], groups=[])

    assert (found.rows, found.cost, found.capped_volume) == ((), Decimal(0), Decimal(0))
    assert {total.cost for total in found.by_tier} == {Decimal(0)}


def test_who_bears_a_pseudonym_is_found_by_trying_and_by_nothing_else() -> None:
    key = b"k" * 32
    name = pseudonym.of(trader=77, broker=1400, key=key)

    assert pseudonym.bearer(name, range(100), broker=1400, key=key) == 77
    assert pseudonym.bearer(name, range(70), broker=1400, key=key) is None
    assert pseudonym.bearer(name, range(100), broker=1500, key=key) is None
    assert pseudonym.bearer(name, range(100), broker=1400, key=b"x" * 32) is None
    assert [pseudonym.bearer(text, range(100), broker=1400, key=key) for text in ("", "77", "T-", "T-1")] == [
        None
    ] * 4
    assert [pseudonym.is_name(text) for text in (name, name.lower(), f"{name}\n", "T-4QX7")] == [
        True,
        False,
        False,
        False,
    ]
