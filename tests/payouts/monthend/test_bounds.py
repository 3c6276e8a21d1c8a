"""Each bound by the rule alone: at its limit it is silent, just above it speaks, and what it says."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts.monthend import bounds
from payouts.monthend.bounds import Bound, Facts

#: A payout that nothing is unusual about: 0.2 of 500.00 of fees on a million.
USUAL = Facts(
    payout=Decimal("100.00"),
    corrections=Decimal("0.00"),
    amount=Decimal(100),
    fees=Decimal(500),
    volume=Decimal(1_000_000),
    fills=1000,
    earlier=[Decimal("90.00")] * 12,
    paid_before=12,
    tier_before="BKR 0",
    tier="BKR 0",
    account_id="ACC01400",
    largest_trader=7,
    largest_trader_volume=Decimal(600_000),
)


def found(**changes: Any) -> list[Bound]:
    return bounds.bounds(replace(USUAL, **changes))


def test_a_usual_payout_breaks_no_bound() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("at_the_limit", "above"),
    [
        ({"payout": Decimal("270.00")}, {"payout": Decimal("270.01")}),
        ({"paid_before": 3}, {"paid_before": 2}),
        ({"paid_before": 0, "payout": Decimal(0)}, {"paid_before": 0, "payout": Decimal("0.01")}),
        ({"tier_steps": 1}, {"tier_steps": 2}),
        ({"tier_steps": -1}, {"tier_steps": -2}),
        ({"amount": Decimal(250)}, {"amount": Decimal("250.0000000001")}),
        ({"corrections": Decimal("-100.00")}, {"corrections": Decimal("-100.01")}),
        ({"is_affiliate": False}, {"is_affiliate": True}),
        ({"zero_fee_volume": Decimal(200_000)}, {"zero_fee_volume": Decimal("200000.000001")}),
        ({"both_sides_volume": Decimal(50_000)}, {"both_sides_volume": Decimal("50000.000001")}),
        ({"largest_trader_volume": Decimal(600_000)}, {"largest_trader_volume": Decimal("600000.000001")}),
        ({"large_fills": 0}, {"large_fills": 1, "largest_fill": Decimal("10000000.01")}),
        ({"quarantined": 10, "fills": 990}, {"quarantined": 11, "fills": 990}),
    ],
)
def test_at_its_limit_a_bound_is_silent_and_above_it_speaks(
    at_the_limit: dict[str, Any], above: dict[str, Any]
) -> None:
    assert found(**at_the_limit) == []
    assert len(found(**above)) == 1


@pytest.mark.parametrize(
    ("facts", "bound"),
    [
        (
            {"payout": Decimal("300.00"), "earlier": [Decimal("90.00"), Decimal("10.50"), Decimal(0)]},
            Bound(
                "far above its mean",
                "300.00 USD",
                "3 times the mean of the 3 payouts before, which sum to 100.50 USD",
                {"earlier": ["90.00", "10.50", "0.00"]},
            ),
        ),
        (
            {"paid_before": 1},
            Bound("one of its first payouts", "payout 2", "the first 3 are looked at"),
        ),
        (
            {"tier_steps": 3, "tier": "BKR 3"},
            Bound("tier moved far", "from BKR 0 to BKR 3", "less than 2 steps from one month to the next"),
        ),
        (
            {"amount": Decimal(260)},
            Bound("effective rate", "52.00 %", "at most 50 % of the fees"),
        ),
        (
            {"fees": Decimal(0)},
            Bound("effective rate", "100.00 USD without any fees", "at most 50 % of the fees"),
        ),
        (
            {"corrections": Decimal("-150.25")},
            Bound("negative total", "-50.25 USD", "month and corrections are together at least 0.00 USD"),
        ),
        (
            {"is_affiliate": True},
            Bound(
                "affiliate conflict",
                "account ACC01400 is an affiliate",
                "a broker is not enrolled in the Affiliate Program",
            ),
        ),
        (
            {"zero_fee_volume": Decimal(200_001), "zero_fee_traders": [7, 8]},
            Bound("volume without fees", "20.01 %", "at most 20 % of the volume", {"traders": [7, 8]}),
        ),
        (
            {"both_sides_volume": Decimal(60_000), "both_sides_trades": [("SOL_USDC", 5)]},
            Bound(
                "both sides under one code",
                "6.00 %",
                "at most 5 % of the volume",
                {"trades": [{"symbol": "SOL_USDC", "trade": 5}]},
            ),
        ),
        (
            {"largest_trader_volume": Decimal(1_000_000)},
            Bound("one trader dominates", "100.00 %", "at most 60 % of the volume", {"traders": [7]}),
        ),
        (
            {"large_fills": 1, "largest_fill": Decimal("11000000.5"), "large_fill_ids": [9]},
            Bound("very large fill", "11000000.5 USD", "at most 10000000 USD a fill", {"fills": [9]}),
        ),
        (
            {"large_fills": 2, "largest_fill": Decimal(12_000_000), "large_fill_ids": [9, 5]},
            Bound(
                "very large fill",
                "2 fills, the largest of 12000000 USD",
                "at most 10000000 USD a fill",
                {"fills": [9, 5]},
            ),
        ),
        (
            {"quarantined": 20, "fills": 980},
            Bound(
                "many quarantined records",
                "2.00 %: 20 of 1000 records",
                "at most 1 % of the records",
            ),
        ),
    ],
)
def test_a_bound_says_what_was_found_and_what_is_usual(facts: dict[str, Any], bound: Bound) -> None:
    assert found(**facts) == [bound]


def test_the_mean_needs_three_payouts_before() -> None:
    assert found(payout=Decimal(9999), earlier=[Decimal(1)] * 2) == []
    assert [each.name for each in found(payout=Decimal(9999), earlier=[Decimal(1)] * 3)] == [
        "far above its mean"
    ]


def test_a_month_without_any_fill_breaks_no_share() -> None:
    nothing = {name: Decimal(0) for name in ("payout", "amount", "fees", "volume", "largest_trader_volume")}

    assert found(**nothing, fills=0) == []


@given(st.decimals("0.000001", 10**12, places=6), st.decimals("0.000001", 10**12, places=6))
def test_a_share_is_never_shown_smaller_than_it_is(part: Decimal, whole: Decimal) -> None:
    shown = Decimal(bounds.share(part, whole).removesuffix(" %"))

    assert shown * whole >= part * 100
    assert (shown - Decimal("0.01")) * whole < part * 100


def test_no_bound_is_too_long_to_be_kept() -> None:
    huge = Decimal(10) ** 36
    facts = replace(
        USUAL,
        payout=huge,
        corrections=-huge * 2,
        amount=huge,
        account_id="A" * 150,
        is_affiliate=True,
        paid_before=0,
        tier_steps=5,
        both_sides_volume=huge,
        zero_fee_volume=huge,
        largest_trader_volume=huge,
        large_fills=10**9,
        largest_fill=huge,
        quarantined=10**9,
    )

    broken = bounds.bounds(facts)

    assert len(broken) == 11
    assert max(len(each.name) for each in broken) <= 50
    assert max(len(each.value) for each in broken) <= 200
    assert max(len(each.limit) for each in broken) <= 200
