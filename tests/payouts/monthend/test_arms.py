"""Which arm of the formula bound a rate, in words; and that figures of fills are summed to the last digit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from payouts.month import Month
from payouts.monthend import arms, figures, formula
from payouts.monthend.figures import Figures
from payouts.program.terms import terms_for

CAP = Decimal("0.5")


def said(rebate: str, affiliate: str) -> tuple[str, str]:
    found = arms.arm(rebate=Decimal(rebate), affiliate_rate=Decimal(affiliate), cap=CAP)
    return found.sentence, found.worked_out


@pytest.mark.parametrize(
    ("rebate", "affiliate", "sentence", "worked_out"),
    [
        (
            "0.4",
            "0",
            "Tier 40%, and no referral code takes a share, so the tier's 40% applies.",
            "min{40%, max{0, 50% − 0%}} = 40%",
        ),
        (
            "0.4",
            "0.05",
            "Tier 40%. The trader's referral code takes 5%, which leaves 45% of 50%: more than the tier"
            " gives, so the tier's 40% applies.",
            "min{40%, max{0, 50% − 5%}} = 40%",
        ),
        (
            "0.4",
            "0.1",
            "Tier 40%. The trader's referral code takes 10%, which leaves just as much of 50%, so the tier's"
            " 40% applies.",
            "min{40%, max{0, 50% − 10%}} = 40%",
        ),
        (
            "0.4",
            "0.2",
            "Tier 40%, but the trader's referral code takes 20%, which leaves 30% of 50%, so 30% applies.",
            "min{40%, max{0, 50% − 20%}} = 30%",
        ),
        (
            "0.35",
            "0.123456789012345678",
            "Tier 35%. The trader's referral code takes 12.3456789012345678%, which leaves"
            " 37.6543210987654322% of 50%: more than the tier gives, so the tier's 35% applies.",
            "min{35%, max{0, 50% − 12.3456789012345678%}} = 35%",
        ),
        (
            "0.2",
            "0.5",
            "Tier 20%, but the trader's referral code takes 50%, which leaves nothing of 50%, so 0% applies.",
            "min{20%, max{0, 50% − 50%}} = 0%",
        ),
        (
            "0.5",
            "1",
            "Tier 50%, but the trader's referral code takes 100%, which leaves nothing of 50%, so 0%"
            " applies.",
            "min{50%, max{0, 50% − 100%}} = 0%",
        ),
    ],
)
def test_the_arm_that_bound_a_rate_is_said_in_words_with_its_numbers(
    rebate: str, affiliate: str, sentence: str, worked_out: str
) -> None:
    assert said(rebate, affiliate) == (sentence, worked_out)


rates = some.decimals(0, 1, places=18)


@given(some.sampled_from([tier.rebate for tier in terms_for(Month(2026, 10)).ladder]), rates)
def test_an_arm_is_that_of_the_formula_for_every_rate(rebate: Decimal, affiliate_rate: Decimal) -> None:
    given_rates = {"rebate": rebate, "affiliate_rate": affiliate_rate, "cap": CAP}
    found = arms.arm(**given_rates)

    assert found.applied_rate == formula.applied_rate(**given_rates)
    assert found.bound_by == formula.bound_by(**given_rates)
    assert found.pattern in arms.PATTERNS
    assert found.sentence.endswith(f"{arms.percent(found.applied_rate)} applies.")
    assert "%(" not in found.sentence


def test_figures_are_summed_exactly_and_what_is_missing_is_told() -> None:
    whole = Figures(3, Decimal("10.000000000000000003"), Decimal("1"), Decimal("0.3"))
    parts = [
        Figures(1, Decimal("0.000000000000000001"), Decimal("0.4"), Decimal("0.1")),
        Figures(2, Decimal("10.000000000000000002"), Decimal("0.6"), Decimal("0.2")),
    ]

    assert figures.summed(parts) == whole
    assert figures.summed([]) == Figures(0, Decimal(0), Decimal(0), Decimal(0))
    assert not figures.missing(whole, parts)
    assert figures.missing(whole, parts[:1]) == parts[1]
