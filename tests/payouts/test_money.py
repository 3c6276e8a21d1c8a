"""Exact decimals and the one rounding of the house."""

from decimal import Decimal, Inexact, InvalidOperation, getcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts.money import EXACT, plain, to_cents, two_places

DECIMALS = st.decimals(
    allow_nan=False, allow_infinity=False, places=18, min_value=-(10**20), max_value=10**20
)


@pytest.mark.parametrize(
    ("amount", "cents"),
    [
        ("0", "0.00"), ("-0", "0.00"), ("-0.004", "0.00"), ("0.004999999999999999999999", "0.00"),
        ("0.005", "0.01"), ("-0.005", "-0.01"), ("0.015", "0.02"), ("0.025", "0.03"), ("-0.025", "-0.03"),
        ("2.675", "2.68"), ("1.005", "1.01"), ("0.994999", "0.99"), ("0.995", "1.00"), ("1E+3", "1000.00"),
        ("99999999999999999999.995", "100000000000000000000.00"),
    ],
)  # fmt: skip
def test_dollars_are_rounded_to_the_cent_half_away_from_zero(amount: str, cents: str) -> None:
    assert str(to_cents(Decimal(amount))) == cents


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_what_is_no_amount_is_not_rounded(amount: str) -> None:
    with pytest.raises(ValueError, match="is not an amount of money"):
        to_cents(Decimal(amount))


@given(DECIMALS)
def test_rounding_is_odd_and_never_off_by_more_than_half_a_cent(amount: Decimal) -> None:
    assert to_cents(amount.copy_negate()) == -to_cents(amount)
    assert abs(EXACT.subtract(to_cents(amount), amount)) <= Decimal("0.005")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0", "0"), ("-0", "0"), ("0.000", "0"), ("-0.00", "0"), ("0E+5", "0"), ("0E-30", "0"),
        ("1.50", "1.5"),
        ("100", "100"), ("1E+2", "100"), ("1E-18", "0.000000000000000001"),
        ("-0.20", "-0.2"), ("5E+6", "5000000"),
        ("9" * 40 + "." + "9" * 36, "9" * 40 + "." + "9" * 36),
    ],
)  # fmt: skip
def test_all_digits_are_shown_and_no_zeros_that_say_nothing(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text


@given(DECIMALS, st.integers(0, 10))
def test_equal_values_have_equal_texts_and_texts_keep_the_value(number: Decimal, zeros: int) -> None:
    longer = EXACT.quantize(number, Decimal(1).scaleb(-18 - zeros))

    assert plain(longer) == plain(number)
    assert Decimal(plain(number)) == number
    assert "E" not in plain(number)


def test_two_places_show_and_never_round() -> None:
    shown = {
        "0": "0.00",
        "-0": "0.00",
        "0.2": "0.20",
        "11421.06": "11421.06",
        "-0.5": "-0.50",
        "1E+2": "100.00",
    }

    assert {number: two_places(Decimal(number)) for number in shown} == shown
    assert two_places(Decimal("-10.00")) == "-10.00"
    with pytest.raises(Inexact):
        two_places(Decimal("0.001"))


def test_the_house_s_context_is_exact_or_raises() -> None:
    product = EXACT.multiply(Decimal("9" * 38), EXACT.multiply(Decimal("9" * 38), Decimal("9" * 18)))

    assert int(product) == int("9" * 38) ** 2 * int("9" * 18)
    with pytest.raises(Inexact):
        EXACT.divide(Decimal(1), Decimal(3))
    with pytest.raises(InvalidOperation):
        EXACT.add(Decimal("Infinity"), Decimal("-Infinity"))
    assert getcontext().prec == 28  # and nobody else's context was changed
