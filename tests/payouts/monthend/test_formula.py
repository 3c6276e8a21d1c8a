"""The program's formula for one line: min{tier, max{0, 50 % − affiliate rate}} and what bound it."""

from decimal import Decimal

import pytest

from payouts.monthend import formula

CAP = Decimal("0.50")
REBATES = ("0.20", "0.30", "0.35", "0.40", "0.45", "0.50")
#: Affiliate rate → applied rate at BKR 0 … BKR 5.
APPLIED = {
    "0": ("0.20", "0.30", "0.35", "0.40", "0.45", "0.50"),
    "0.05": ("0.20", "0.30", "0.35", "0.40", "0.45", "0.45"),
    "0.10": ("0.20", "0.30", "0.35", "0.40", "0.40", "0.40"),
    "0.15": ("0.20", "0.30", "0.35", "0.35", "0.35", "0.35"),
    "0.20": ("0.20", "0.30", "0.30", "0.30", "0.30", "0.30"),
    "0.30": ("0.20", "0.20", "0.20", "0.20", "0.20", "0.20"),
    "0.35": ("0.15", "0.15", "0.15", "0.15", "0.15", "0.15"),
    "0.40": ("0.10", "0.10", "0.10", "0.10", "0.10", "0.10"),
    "0.45": ("0.05", "0.05", "0.05", "0.05", "0.05", "0.05"),
    "0.499": ("0.001", "0.001", "0.001", "0.001", "0.001", "0.001"),
    "0.499999999999999999": ("0.000000000000000001",) * 6,
    "0.50": ("0", "0", "0", "0", "0", "0"),
    "0.500000000000000001": ("0", "0", "0", "0", "0", "0"),
    "0.60": ("0", "0", "0", "0", "0", "0"),
    "1": ("0", "0", "0", "0", "0", "0"),
}
#: Affiliate rate → the arm that gave it: t = tier, a = affiliate cap, x = cap exhausted. A tie is the tier's.
BOUND = {
    "0": "tttttt",
    "0.05": "ttttta",
    "0.10": "ttttaa",
    "0.15": "tttaaa",
    "0.20": "ttaaaa",
    "0.30": "taaaaa",
    "0.35": "aaaaaa",
    "0.40": "aaaaaa",
    "0.45": "aaaaaa",
    "0.499": "aaaaaa",
    "0.499999999999999999": "aaaaaa",
    "0.50": "xxxxxx",
    "0.500000000000000001": "xxxxxx",
    "0.60": "xxxxxx",
    "1": "xxxxxx",
}
ARMS = {"t": "tier", "a": "affiliate cap", "x": "cap exhausted"}


@pytest.mark.parametrize("affiliate_rate", APPLIED)
def test_the_applied_rate_at_every_tier(affiliate_rate):
    found = [
        formula.applied_rate(rebate=Decimal(rebate), affiliate_rate=Decimal(affiliate_rate), cap=CAP)
        for rebate in REBATES
    ]
    assert found == [Decimal(rate) for rate in APPLIED[affiliate_rate]]


@pytest.mark.parametrize("affiliate_rate", BOUND)
def test_what_bound_the_rate_at_every_tier(affiliate_rate):
    found = [
        formula.bound_by(rebate=Decimal(rebate), affiliate_rate=Decimal(affiliate_rate), cap=CAP)
        for rebate in REBATES
    ]
    assert found == [ARMS[arm] for arm in BOUND[affiliate_rate]]


@pytest.mark.parametrize(
    ("affiliate_rate", "arm"),
    [
        ("0.299999999999999999", "tier"),
        ("0.300000000000000000", "tier"),
        ("0.300000000000000001", "affiliate cap"),
    ],
)
def test_a_tie_is_bound_by_the_tier_and_the_least_bit_more_by_the_affiliate(affiliate_rate, arm):
    assert formula.bound_by(rebate=Decimal("0.20"), affiliate_rate=Decimal(affiliate_rate), cap=CAP) == arm


def test_an_amount_keeps_every_digit():
    assert formula.amount(
        fees=Decimal("99999999999999999999.999999999999999999"), applied_rate=Decimal("0.499999999999999999")
    ) == Decimal("49999999999999999899.999999999999999999500000000000000001")
    assert formula.amount(fees=Decimal("10"), applied_rate=Decimal("0.35")) == Decimal("3.5")
    assert formula.amount(fees=Decimal("0"), applied_rate=Decimal("0.5")) == 0
