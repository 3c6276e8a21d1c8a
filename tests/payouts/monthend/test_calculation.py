"""From totals to tier, lines and payout, by the rules alone."""

from dataclasses import replace
from decimal import Decimal

import pytest

from payouts.month import Month
from payouts.monthend import calculation
from payouts.monthend.calculation import Group, Line, Payout, RateTotal
from payouts.program.terms import terms_for

TERMS = terms_for(Month(2026, 10))
PRECEDING = replace(TERMS, tier_basis="preceding_month")
BKR_0, BKR_1, BKR_2 = TERMS.ladder[:3]


def group(market="spot", affiliate_rate="0", fills=1, volume="0", fees="0"):
    return Group(market, Decimal(affiliate_rate), fills, Decimal(volume), Decimal(fees))


def total(trader=7, market="spot", fee_rate="0.001", affiliate_rate="0", fills=1, volume="0", fees="0"):
    return RateTotal(
        trader, market, Decimal(fee_rate), Decimal(affiliate_rate), fills, Decimal(volume), Decimal(fees)
    )


def test_a_payout_adds_up_its_groups_and_is_rounded_once():
    groups = [
        group("spot", "0", 2, "3000000", "3000.01"),
        group("spot", "0.45", 3, "1000000", "1000.1"),
        group("futures", "0", 5, "1000000", "500.004"),
    ]
    assert calculation.payout(terms=TERMS, groups=groups, preceding_volume=Decimal(0)) == Payout(
        tier=BKR_1,
        spot_volume=Decimal(4000000),
        futures_volume=Decimal(1000000),
        volume=Decimal(5000000),
        fills=10,
        fees=Decimal("4500.114"),
        # 3000.01 × 0.3 + 1000.1 × 0.05 + 500.004 × 0.3
        amount=Decimal("900.003") + Decimal("50.005") + Decimal("150.0012"),
        payout=Decimal("1100.01"),
    )


def test_a_broker_without_groups_has_a_payout_of_nothing():
    nothing = Decimal(0)
    assert calculation.payout(terms=TERMS, groups=[], preceding_volume=nothing) == Payout(
        BKR_0, nothing, nothing, nothing, 0, nothing, nothing, Decimal("0.00")
    )


@pytest.mark.parametrize(
    ("terms", "volume", "preceding_volume", "tier"),
    [
        (TERMS, "5000000", "0", "BKR 1"),
        (TERMS, "4999999.99", "100000000", "BKR 0"),
        (TERMS, "0", "100000000", "BKR 0"),
        (PRECEDING, "5000000", "0", "BKR 0"),
        (PRECEDING, "0", "100000000", "BKR 5"),
        (PRECEDING, "100000000", "99999999.999999999999999999", "BKR 4"),
    ],
)
def test_the_terms_say_which_month_decides_the_tier(terms, volume, preceding_volume, tier):
    found = calculation.paying_tier(
        terms=terms, volume=Decimal(volume), preceding_volume=Decimal(preceding_volume)
    )
    assert found.name == tier


def test_lines_are_ordered_by_number_and_futures_come_before_spot():
    totals = [
        total(10),
        total(9, "spot", "0.001", "0.1"),
        total(9, "spot", "0.001", "0.05"),
        total(9, "spot", "-0.0001"),
        total(9, "spot", "0.00019"),
        total(9, "futures", "0.9"),
    ]
    found = calculation.lines(terms=TERMS, tier=BKR_0, totals=totals)
    assert [(each.trader, each.market, each.fee_rate, each.affiliate_rate) for each in found] == [
        (9, "futures", Decimal("0.9"), Decimal(0)),
        (9, "spot", Decimal("-0.0001"), Decimal(0)),
        (9, "spot", Decimal("0.00019"), Decimal(0)),
        (9, "spot", Decimal("0.001"), Decimal("0.05")),
        (9, "spot", Decimal("0.001"), Decimal("0.1")),
        (10, "spot", Decimal("0.001"), Decimal(0)),
    ]


def test_a_line_carries_its_total_the_rate_what_bound_it_and_the_exact_amount():
    totals = [total(7, "futures", "0.0005", "0.17", 4, "123.456", "0.061729")]
    assert calculation.lines(terms=TERMS, tier=BKR_2, totals=totals) == [
        Line(
            trader=7,
            market="futures",
            fee_rate=Decimal("0.0005"),
            affiliate_rate=Decimal("0.17"),
            fills=4,
            volume=Decimal("123.456"),
            fees=Decimal("0.061729"),
            applied_rate=Decimal("0.33"),
            bound_by="affiliate cap",
            amount=Decimal("0.02037057"),
        )
    ]


def test_the_cap_is_the_terms_and_not_a_constant():
    stricter = replace(TERMS, rebate_cap=Decimal("0.50"), ladder=(replace(BKR_0, rebate=Decimal("0.50")),))
    wider = replace(stricter, rebate_cap=Decimal("0.60"))
    for terms, amount in ((stricter, "20"), (wider, "30")):
        found = calculation.payout(
            terms=terms, groups=[group(affiliate_rate="0.3", fees="100")], preceding_volume=Decimal(0)
        )
        assert found.amount == Decimal(amount)
