"""What must hold for any month, whatever was traded: found by trying many."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as some

from payouts.money import EXACT, ZERO, to_cents
from payouts.month import Month
from payouts.monthend import calculation
from payouts.monthend.calculation import Group, RateTotal
from payouts.program.terms import terms_for

trying_many = settings(deadline=None, max_examples=100, database=None)

TERMS = terms_for(Month(2026, 10))
HALF = Decimal("0.5")


def decimals(low, high, places=18):
    return some.decimals(low, high, allow_nan=False, allow_infinity=False, places=places)


rates = some.one_of(
    decimals(0, 1), some.sampled_from([Decimal(x) for x in ("0", "0.1", "0.3", "0.5", "0.6")])
)
volumes = some.one_of(
    decimals("0.000000000000000001", "3e7"),
    decimals("0.000000000000000001", "99999999999999999999"),
    some.sampled_from([Decimal(x) for x in ("5000000", "4999999.999999999999999999", "100000000")]),
)
fees = some.one_of(decimals(0, "99999999999999999999"), decimals(0, 10), decimals("0", "0.05", places=3))


def key(total):
    return total.trader, total.market, total.fee_rate, total.affiliate_rate


totals = some.builds(
    RateTotal,
    trader=some.integers(0, 5),
    market=some.sampled_from(["spot", "futures"]),
    fee_rate=decimals(-1, 1),
    affiliate_rate=rates,
    fills=some.integers(1, 2**40),
    volume=volumes,
    fees=fees,
)
months = some.lists(totals, max_size=12, unique_by=key)


def month_of(totals):
    groups = [Group(each.market, each.affiliate_rate, each.fills, each.volume, each.fees) for each in totals]
    payout = calculation.payout(terms=TERMS, groups=groups, preceding_volume=ZERO)
    return payout, calculation.lines(terms=TERMS, tier=payout.tier, totals=totals)


def exact_sum(numbers):
    total = ZERO
    for number in numbers:
        total = EXACT.add(total, number)
    return total


@trying_many
@given(months)
def test_a_payout_never_exceeds_half_the_fees(totals):
    payout, _ = month_of(totals)
    half = EXACT.multiply(exact_sum(each.fees for each in totals), HALF)
    assert 0 <= payout.amount <= half
    assert Decimal("0.00") <= payout.payout <= to_cents(half)


@trying_many
@given(months)
def test_a_payout_never_exceeds_the_tiers_share_of_the_fees(totals):
    payout, lines = month_of(totals)
    assert payout.amount <= EXACT.multiply(payout.fees, payout.tier.rebate)
    assert all(line.applied_rate <= payout.tier.rebate for line in lines)
    # Broker and affiliate together get at most half, unless the affiliate alone gets more.
    assert all(
        EXACT.add(line.applied_rate, line.affiliate_rate) <= max(HALF, line.affiliate_rate) for line in lines
    )


@trying_many
@given(months)
def test_lines_add_up_to_the_amount_and_the_amount_rounds_to_the_payout(totals):
    payout, lines = month_of(totals)
    assert exact_sum(line.amount for line in lines) == payout.amount
    assert exact_sum(line.fees for line in lines) == payout.fees
    assert exact_sum(line.volume for line in lines) == payout.volume
    assert EXACT.add(payout.spot_volume, payout.futures_volume) == payout.volume
    assert sum(line.fills for line in lines) == payout.fills
    assert to_cents(payout.amount) == payout.payout


@trying_many
@given(months)
def test_a_line_says_which_arm_bound_it(totals):
    payout, lines = month_of(totals)
    for line in lines:
        left = EXACT.subtract(HALF, line.affiliate_rate)
        assert (
            line.applied_rate
            == {
                "tier": payout.tier.rebate,
                "affiliate cap": left,
                "cap exhausted": ZERO,
            }[line.bound_by]
        )
        assert (line.bound_by == "cap exhausted") == (left <= 0)


@trying_many
@given(months, totals)
def test_one_more_fill_never_lowers_volume_tier_fees_or_payout(totals, one_more):
    before, _ = month_of(totals)
    after, _ = month_of([*totals, one_more])
    assert after.volume > before.volume
    assert after.tier.floor >= before.tier.floor
    assert after.fees >= before.fees
    assert after.amount >= before.amount
    assert after.payout >= before.payout


@trying_many
@given(months.flatmap(lambda given: some.tuples(some.just(given), some.permutations(given))))
def test_the_order_of_totals_does_not_matter(both):
    given_order, another_order = both
    assert month_of(given_order) == month_of(another_order)


@trying_many
@given(months)
def test_groups_may_be_joined_as_the_database_joins_them(totals):
    joined: dict[tuple, list] = {}
    for each in totals:
        joined.setdefault((each.market, each.affiliate_rate), []).append(each)
    groups = [
        Group(
            market,
            affiliate_rate,
            sum(each.fills for each in alike),
            exact_sum(each.volume for each in alike),
            exact_sum(each.fees for each in alike),
        )
        for (market, affiliate_rate), alike in joined.items()
    ]
    payout, _ = month_of(totals)
    assert calculation.payout(terms=TERMS, groups=groups, preceding_volume=ZERO) == payout


@trying_many
@given(months)
def test_exact_fractions_give_the_same_payout(totals):
    """A second calculation that shares nothing with the first but the program's text."""
    volume = sum((Fraction(each.volume) for each in totals), Fraction(0))
    floors = [(0, 20), (5, 30), (10, 35), (20, 40), (60, 45), (100, 50)]
    rebate = [Fraction(percent, 100) for millions, percent in floors if volume >= millions * 10**6][-1]
    amount = sum(
        (
            Fraction(each.fees)
            * min(rebate, max(Fraction(0), Fraction(1, 2) - Fraction(each.affiliate_rate)))
            for each in totals
        ),
        Fraction(0),
    )
    payout, _ = month_of(totals)
    assert Fraction(payout.amount) == amount
    assert Fraction(payout.payout) * 100 == (amount * 100 + Fraction(1, 2)).__floor__()


amounts = some.one_of(
    decimals("-99999999999999999999", "99999999999999999999", places=36),
    decimals(-1, 1, places=3),
    some.integers(-(10**6), 10**6).map(lambda number: EXACT.scaleb(Decimal(number), -3)),
)


@trying_many
@given(amounts)
def test_rounding_mirrors(amount):
    assert to_cents(amount.copy_negate()) == to_cents(amount).copy_negate()


@trying_many
@given(amounts)
def test_rounding_moves_by_at_most_half_a_cent(amount):
    rounded = to_cents(amount)
    assert rounded.as_tuple().exponent == -2
    assert abs(Fraction(rounded) - Fraction(amount)) <= Fraction(1, 200)


@trying_many
@given(some.integers(-(10**60), 10**60))
def test_half_a_cent_goes_away_from_zero(cents):
    halfway = EXACT.add(EXACT.scaleb(Decimal(cents), -2), Decimal("0.005").copy_sign(Decimal(cents)))
    further = EXACT.scaleb(Decimal(abs(cents) + 1), -2)
    assert to_cents(halfway) == further.copy_sign(Decimal(cents))


@trying_many
@given(amounts)
def test_what_is_rounded_stays_as_it_is(amount):
    assert to_cents(to_cents(amount)) == to_cents(amount)


@trying_many
@given(amounts, amounts)
def test_rounding_keeps_the_order(one, other):
    low, high = sorted([one, other])
    assert to_cents(low) <= to_cents(high)
