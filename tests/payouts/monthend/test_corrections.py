"""The arithmetic of corrections: lines sum to cents, and booked with them is the truth, rounded once."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as some

from payouts.money import EXACT, ZERO, to_cents
from payouts.month import Month
from payouts.monthend import calculation, formula
from payouts.monthend.calculation import Group
from payouts.monthend.corrections import Booked, Change, CorrectionLine, Part, correction
from payouts.program.terms import terms_for

trying_many = settings(deadline=None, max_examples=100, database=None)

SEPTEMBER = Month(2026, 9)
TERMS = terms_for(SEPTEMBER)
BKR_0, BKR_1 = TERMS.ladder[:2]
NOTHING = Part(0, ZERO, ZERO)


def corrected(**changes):
    given = {
        "month": SEPTEMBER,
        "terms": TERMS,
        "booked": Booked(tier=BKR_0, cents=ZERO, suspended=ZERO),
        "changes": [],
        "groups": [],
        "preceding_volume": ZERO,
    }
    return correction(**given | changes)


def group(volume, fees, affiliate_rate="0", market="spot"):
    return Group(market, Decimal(affiliate_rate), 1, Decimal(volume), Decimal(fees))


def test_what_is_booked_already_needs_no_correction():
    booked = Booked(tier=BKR_0, cents=Decimal("0.20"), suspended=ZERO)
    assert corrected(booked=booked, groups=[group(1000, 1)]) is None
    assert corrected() is None


def test_a_tier_that_moves_without_a_fee_is_told_without_a_line():
    found = corrected(groups=[group(5_000_000, 0)])
    assert (found.tier_before, found.tier_after, found.cents, found.lines) == ("BKR 0", "BKR 1", 0, ())


def test_late_and_voided_fills_come_first_at_the_booked_tier_in_the_order_of_statements():
    one = Change(8, "spot", Decimal("0.001"), ZERO, Part(1, Decimal(1000), Decimal(1)), NOTHING)
    two = Change(
        7, "futures", ZERO, Decimal("0.4"), Part(1, Decimal(50), Decimal(3)), Part(2, Decimal(70), Decimal(7))
    )
    found = corrected(
        booked=Booked(tier=BKR_0, cents=Decimal("0.70"), suspended=ZERO),
        changes=[one, two],
        groups=[group(5_000_000, 5), group(100, 2, "0.4", "futures")],
    )
    assert [(each.kind, each.trader, each.fills, each.fees, each.rate) for each in found.lines] == [
        ("late volume", 7, 1, Decimal(3), Decimal("0.1")),
        ("late volume", 8, 1, Decimal(1), Decimal("0.2")),
        ("voided fills", 7, -2, Decimal(-7), Decimal("0.1")),
        ("tier repricing", None, 0, Decimal(5), Decimal("0.1")),
        # 0.3 + 0.2 - 0.7 + 0.5 = 0.3, but 1.70 less the 0.70 that was booked is 1.00.
        ("rounding", None, 0, ZERO, None),
    ]
    assert (found.amount, found.cents) == (Decimal("0.3"), Decimal("1.00"))


def test_suspended_days_that_stay_unpaid_are_priced_at_the_tier_that_the_month_has_now():
    found = corrected(
        booked=Booked(tier=BKR_0, cents=Decimal("0.80"), suspended=Decimal("0.2")),
        groups=[group(5_000_000, 5)],
        unpaid=[group(1000, 1)],
    )
    assert (found.cents, found.suspended) == (Decimal("0.40"), Decimal("0.3"))
    assert found.lines[-1] == CorrectionLine(
        "suspended days", None, None, None, None, 0, ZERO, ZERO, None, Decimal("-0.1")
    )


def decimals(low, high, places=18):
    return some.decimals(low, high, allow_nan=False, allow_infinity=False, places=places)


parts = some.builds(
    Part,
    some.integers(1, 9),
    some.one_of(decimals("0.01", "3e7", 6), some.sampled_from([Decimal(5_000_000)])),
    decimals(0, 30_000),
)
rates = some.one_of(decimals(0, 1), some.sampled_from([Decimal(x) for x in ("0", "0.1", "0.3", "0.5")]))
#: A line of the month: its key, what was booked of it, what came late, and how much of the booked was voided.
keys = some.tuples(some.integers(1, 4), some.sampled_from(["spot", "futures"]), decimals(-1, 1, 4), rates)
months = some.dictionaries(
    keys, some.tuples(parts, some.one_of(some.none(), parts), some.booleans()), max_size=8
)


def groups_of(found):
    return [Group(key[1], key[3], part.fills, part.volume, part.fees) for key, part in found if part.fills]


def add(one, other):
    return Part(one.fills + other.fills, EXACT.add(one.volume, other.volume), EXACT.add(one.fees, other.fees))


@trying_many
@given(months)
def test_booked_and_corrected_is_the_truth_rounded_once_and_the_lines_sum_to_the_cents(month):
    before = calculation.payout(
        terms=TERMS,
        groups=groups_of((key, old) for key, (old, _, _) in month.items()),
        preceding_volume=ZERO,
    )
    late = {key: late or NOTHING for key, (_, late, _) in month.items()}
    voided = {key: old if is_voided else NOTHING for key, (old, _, is_voided) in month.items()}
    kept = {key: NOTHING if is_voided else old for key, (old, _, is_voided) in month.items()}
    groups = groups_of((key, add(kept[key], late[key])) for key in month)
    found = corrected(
        booked=Booked(tier=before.tier, cents=before.payout, suspended=ZERO),
        changes=[Change(*key, late=late[key], voided=voided[key]) for key in month],
        groups=groups,
    )
    truth = calculation.payout(terms=TERMS, groups=groups, preceding_volume=ZERO)
    cents = found.cents if found else ZERO
    assert EXACT.add(before.payout, cents) == truth.payout == to_cents(truth.amount)
    if found:
        total = ZERO
        for line in found.lines:
            total = EXACT.add(total, line.amount)
            if line.rate is not None:
                assert line.amount == formula.amount(fees=line.fees, applied_rate=line.rate)
        assert total == found.cents
        assert EXACT.add(before.amount, found.amount) == truth.amount
