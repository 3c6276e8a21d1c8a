"""What a flow would earn is what a real month of such fills earns."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from payouts.money import EXACT, ZERO, to_cents
from payouts.month import Month
from payouts.monthend import calculation, queries
from payouts.monthend.calculation import Group
from payouts.monthend.what_if import Flow, NextTier, rates, what_if
from payouts.program.terms import terms_for
from tests import make

OCTOBER = Month(2026, 10)
TERMS = terms_for(OCTOBER)

trying_many = settings(deadline=None, max_examples=100, database=None)


def flow(volume: str = "12000000", fee: str = "0.0005", share: str = "0.3", affiliate: str = "0.1") -> Flow:
    return Flow(Decimal(volume), Decimal(fee), Decimal(share), Decimal(affiliate))


def fractions(places: int) -> Any:
    return some.decimals(0, 1, places=places, allow_nan=False, allow_infinity=False)


flows = some.builds(
    Flow,
    volume=some.one_of(
        some.decimals(0, "1e12", places=2, allow_nan=False, allow_infinity=False),
        some.sampled_from([Decimal(x) for x in ("0", "4999999.99", "5000000", "100000000")]),
    ),
    fee_rate=fractions(8),
    referred_share=fractions(6),
    affiliate_rate=fractions(6),
)


def test_twelve_millions_in_every_figure() -> None:
    """By hand: 8.4 M without a code pay 4,200 and 3.6 M with one 1,800; BKR 2 gives 35 % of both."""
    made = what_if(flow(), TERMS)

    assert (made.month.tier.name, made.month.volume, made.month.fees) == (
        "BKR 2",
        Decimal(12_000_000),
        Decimal(6_000),
    )
    assert (made.month.payout, made.effective_rate, made.cost_of_codes) == (
        Decimal("2100.00"),
        Decimal("0.35"),
        Decimal("0.00"),
    )
    assert [
        (
            each.tier.name,
            each.is_made,
            each.rate_without_code,
            each.rate_with_code,
            each.bound_with_code,
            each.payout,
            each.effective_rate,
        )
        for each in made.by_tier
    ] == [
        (name, name == "BKR 2", Decimal(free), Decimal(code), bound, Decimal(payout), Decimal(effective))
        for name, free, code, bound, payout, effective in (
            ("BKR 0", "0.20", "0.20", "tier", "1200.00", "0.20"),
            ("BKR 1", "0.30", "0.30", "tier", "1800.00", "0.30"),
            ("BKR 2", "0.35", "0.35", "tier", "2100.00", "0.35"),
            ("BKR 3", "0.40", "0.40", "tier", "2400.00", "0.40"),
            ("BKR 4", "0.45", "0.40", "affiliate cap", "2610.00", "0.435"),
            ("BKR 5", "0.50", "0.40", "affiliate cap", "2820.00", "0.47"),
        )
    ]


def test_the_next_tier_is_worth_its_volume_and_the_higher_rate_on_what_is_there() -> None:
    """By hand: 20 M × 0.05 % × 40 % = 4,000; the 12 M that are there make 2,400 instead of 2,100."""
    above = what_if(flow(), TERMS).next_tier

    assert above == NextTier(
        tier=TERMS.ladder[3],
        missing=Decimal(8_000_000),
        payout=Decimal("4000.00"),
        gain=Decimal("1900.00"),
        gain_on_present_volume=Decimal("300.00"),
    )


def test_codes_that_take_half_of_the_fee_cost_all_of_their_part() -> None:
    made = what_if(flow(affiliate="0.5"), TERMS)

    assert (made.month.payout, made.cost_of_codes) == (Decimal("1470.00"), Decimal("630.00"))
    assert made.effective_rate == Decimal("0.245")
    assert {each.bound_with_code for each in made.by_tier} == {"cap exhausted"}


def test_the_highest_tier_has_none_above() -> None:
    assert what_if(flow(volume="100000000"), TERMS).next_tier is None


@pytest.mark.parametrize("nothing", [{"volume": "0"}, {"fee": "0"}])
def test_without_fees_nothing_is_earned_and_there_is_no_rate(nothing: dict[str, str]) -> None:
    made = what_if(flow(**nothing), TERMS)

    assert (made.month.payout, made.effective_rate) == (Decimal("0.00"), None)
    assert {(each.payout, each.effective_rate) for each in made.by_tier} == {(Decimal("0.00"), None)}


@pytest.mark.parametrize(
    "wrong",
    [
        {"volume": "-0.01"},
        {"volume": "NaN"},
        {"volume": "Infinity"},
        {"fee": "1.01"},
        {"fee": "-0.0001"},
        {"share": "1.1"},
        {"share": "sNaN"},
        {"affiliate": "-1"},
        {"affiliate": "1e999"},
    ],
)
def test_what_is_no_flow_is_no_flow(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="is not a"):
        flow(**wrong)


def test_the_table_of_rates_says_rate_and_bound_of_each_cell() -> None:
    thirty, fifty = rates([Decimal("0.3"), Decimal("0.5")], TERMS)

    assert [(each.rate, each.bound_by) for each in thirty.applied] == [
        (Decimal("0.20"), "tier"),
        *[(Decimal("0.20"), "affiliate cap")] * 5,
    ]
    assert (fifty.affiliate_rate, {(each.rate, each.bound_by) for each in fifty.applied}) == (
        Decimal("0.5"),
        {(ZERO, "cap exhausted")},
    )


@pytest.mark.django_db
def test_a_real_month_of_such_fills_is_paid_the_same() -> None:
    """Through the feed and the books: 8.4 M without a code, 3.6 M with one of 30 %, spot and futures."""
    make.broker(code=1400)
    without = {"price": "84000", "quantity": "50", "feeRate": "0.0005"}
    with_code = {"price": "36000", "quantity": "50", "feeRate": "0.0005", "affiliateRate": "0.3"}
    make.fills(
        make.record(**without, userId=1),
        make.record(**without, userId=2, symbol="BTC_USDC_PERP", marketType="PERP"),
        make.record(**with_code, userId=3),
        make.record(**with_code, userId=4, symbol="BTC_USDC_PERP", marketType="PERP"),
    )

    real = queries.month_so_far(broker_code=1400, month=OCTOBER).payout
    made = what_if(flow(affiliate="0.3"), TERMS).month

    assert (made.tier, made.volume, made.fees, made.amount, made.payout) == (
        real.tier,
        real.volume,
        real.fees,
        real.amount,
        real.payout,
    )
    assert made.payout == Decimal("1830.00")


@trying_many
@given(flows, some.lists(some.integers(1, 9), min_size=1, max_size=6), some.booleans())
@example(flow(volume="0.01", fee="0.00000001"), [1], True)
def test_a_month_of_such_fills_in_any_cut_is_paid_the_same(flow: Flow, parts: list[int], spot: bool) -> None:
    """The flow in fills of all sizes, some spot and some futures, through the calculation of month ends."""
    groups = []
    for share, affiliate_rate in (
        (EXACT.subtract(Decimal(1), flow.referred_share), ZERO),
        (flow.referred_share, flow.affiliate_rate),
    ):
        left = EXACT.multiply(flow.volume, share)
        for number, part in enumerate([*parts, None]):
            cut = left if part is None else EXACT.multiply(left, EXACT.scaleb(Decimal(part), -1))
            left = EXACT.subtract(left, cut)
            market = "spot" if spot == (number % 2 == 0) else "futures"
            groups.append(Group(market, affiliate_rate, 1, cut, EXACT.multiply(cut, flow.fee_rate)))
    real = calculation.payout(terms=TERMS, groups=groups, preceding_volume=ZERO)

    made = what_if(flow, TERMS)

    assert (made.month.tier, made.month.volume, made.month.fees, made.month.amount, made.month.payout) == (
        real.tier,
        real.volume,
        real.fees,
        real.amount,
        real.payout,
    )
    assert [each.payout for each in made.by_tier if each.is_made] == [real.payout]


@trying_many
@given(flows)
def test_a_higher_tier_never_pays_less_and_never_more_than_half_the_fees(flow: Flow) -> None:
    made = what_if(flow, TERMS)

    payouts = [each.payout for each in made.by_tier]
    assert payouts == sorted(payouts)
    assert payouts[-1] <= to_cents(EXACT.multiply(made.month.fees, Decimal("0.5")))
    assert made.cost_of_codes >= 0
    if made.next_tier is not None:
        assert 0 <= made.next_tier.gain_on_present_volume <= made.next_tier.gain
