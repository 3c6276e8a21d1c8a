"""What each kind moves, by the rule alone."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts.ledger import entries
from payouts.ledger.entries import FractionOfACent, NotABooking, Posting

CENTS = st.integers(-(10**18), 10**18).map(lambda cents: Decimal(cents).scaleb(-2))


@pytest.mark.parametrize(
    ("made", "moved"),
    [
        (entries.accrual(Decimal("10.01")), {"owed": "10.01", "rebates": "-10.01"}),
        (entries.correction(Decimal("-3.00")), {"owed": "-3.00", "rebates": "3.00"}),
        (entries.adjustment(Decimal("-0.01")), {"owed": "-0.01", "rebates": "0.01"}),
        (entries.hold(Decimal("10.01")), {"owed": "-10.01", "held": "10.01"}),
        (entries.release(Decimal("10.01")), {"owed": "10.01", "held": "-10.01"}),
        (entries.forfeit(Decimal("4.00"), was_held=True), {"held": "-4.00", "rebates": "4.00"}),
        (entries.forfeit(Decimal("4.00"), was_held=False), {"owed": "-4.00", "rebates": "4.00"}),
        (entries.credit(Decimal("10.01")), {"owed": "-10.01", "credited": "10.01"}),
    ],
)
def test_each_kind_moves_an_amount_between_two_accounts(made: list[Posting], moved: dict[str, str]) -> None:
    assert {each.account: format(each.amount, "f") for each in made} == moved


@given(CENTS, st.sampled_from(["accrual", "correction", "adjustment", "hold", "release", "credit"]))
def test_every_booking_and_its_mirror_sum_to_zero(amount: Decimal, kind: str) -> None:
    made = getattr(entries, kind)(amount)
    both = [*made, *entries.mirror(made)]

    entries.must_be_a_booking(kind, made)
    entries.must_be_a_booking("reversal", entries.mirror(made))
    assert sum(each.amount for each in both if each.account == "owed") == 0


@pytest.mark.parametrize("amount", ["0.001", "-10.005", "1E-18"])
def test_a_fraction_of_a_cent_is_refused(amount: str) -> None:
    with pytest.raises(FractionOfACent, match=r"round .* before it is booked"):
        entries.accrual(Decimal(amount))


def test_a_fraction_in_postings_made_by_hand_is_refused() -> None:
    with pytest.raises(FractionOfACent):
        entries.must_be_a_booking(
            "accrual", [Posting("owed", Decimal("0.001")), Posting("rebates", Decimal("-0.001"))]
        )


def test_what_moves_nothing_is_left_out() -> None:
    assert entries.moving(entries.accrual(Decimal("0.00"))) == []


def test_postings_that_do_not_sum_to_zero_are_no_booking() -> None:
    with pytest.raises(NotABooking, match=r"sum to 1\.00, not to zero"):
        entries.must_be_a_booking(
            "accrual", [Posting("owed", Decimal("3.00")), Posting("rebates", Decimal("-2.00"))]
        )


def test_a_kind_moves_money_between_its_own_accounts_only() -> None:
    with pytest.raises(NotABooking, match="a credit moves no money between held and owed"):
        entries.must_be_a_booking("credit", entries.hold(Decimal(1)))


def test_an_account_is_named_once() -> None:
    with pytest.raises(NotABooking, match="name an account twice"):
        entries.must_be_a_booking("accrual", [*entries.accrual(Decimal(1)), *entries.accrual(Decimal(2))])
