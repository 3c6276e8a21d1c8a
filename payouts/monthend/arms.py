"""Which arm of the formula bound a rate, in words, with the numbers put in. Pure.

The words are patterns that doors translate and fill in; every number in them is named beside.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from payouts.money import EXACT, ZERO, plain
from payouts.monthend import formula
from payouts.monthend.formula import BoundBy


def _(text: str) -> str:
    """Marks a pattern for translation."""
    return text


#: No affiliate takes anything of the fees.
NO_CODE = _("Tier %(rebate)s, and no referral code takes a share, so the tier's %(applied)s applies.")
#: A code takes a share, and what it leaves is more than the tier gives.
CODE_LEAVES_MORE = _(
    "Tier %(rebate)s. The trader's referral code takes %(affiliate)s, which leaves %(left)s of %(cap)s:"
    " more than the tier gives, so the tier's %(applied)s applies."
)
#: Both arms are equal.
CODE_LEAVES_THE_SAME = _(
    "Tier %(rebate)s. The trader's referral code takes %(affiliate)s, which leaves just as much of %(cap)s,"
    " so the tier's %(applied)s applies."
)
#: "min {Broker Rebate %, max{0, 50% - Affiliate Rate %}}": the second is the smaller one.
CODE_LEAVES_LESS = _(
    "Tier %(rebate)s, but the trader's referral code takes %(affiliate)s, which leaves %(left)s of %(cap)s,"
    " so %(applied)s applies."
)
#: Of the cap nothing is left, or less: max{0, …} is 0.
CODE_TAKES_ALL = _(
    "Tier %(rebate)s, but the trader's referral code takes %(affiliate)s, which leaves nothing of %(cap)s,"
    " so %(applied)s applies."
)
PATTERNS = (NO_CODE, CODE_LEAVES_MORE, CODE_LEAVES_THE_SAME, CODE_LEAVES_LESS, CODE_TAKES_ALL)


@dataclass(frozen=True, slots=True)
class Arm:
    """The arm that bound a rate; rates are fractions."""

    bound_by: BoundBy
    rebate: Decimal
    affiliate_rate: Decimal
    cap: Decimal
    #: What the affiliate leaves of the cap; below zero where it takes more than that.
    left: Decimal
    applied_rate: Decimal

    @property
    def pattern(self) -> str:
        """The sentence, with places for `numbers`."""
        if self.bound_by == "cap exhausted":
            return CODE_TAKES_ALL
        if self.bound_by == "affiliate cap":
            return CODE_LEAVES_LESS
        if not self.affiliate_rate:
            return NO_CODE
        return CODE_LEAVES_THE_SAME if self.left == self.rebate else CODE_LEAVES_MORE

    @property
    def numbers(self) -> Mapping[str, str]:
        """Every number of the sentence, as percent with all its digits."""
        return {
            "rebate": percent(self.rebate),
            "affiliate": percent(self.affiliate_rate),
            "cap": percent(self.cap),
            "left": percent(max(ZERO, self.left)),
            "applied": percent(self.applied_rate),
        }

    @property
    def sentence(self) -> str:
        """In English: "Tier 40%, but the trader's referral code takes 20%, … so 30% applies." """
        return self.pattern % self.numbers

    @property
    def worked_out(self) -> str:
        """The formula's own min{…} with the numbers put in: `min{40%, max{0, 50% − 20%}} = 30%`."""
        numbers = self.numbers
        return (
            f"min{{{numbers['rebate']}, max{{0, {numbers['cap']} − {numbers['affiliate']}}}}}"
            f" = {numbers['applied']}"
        )


def arm(*, rebate: Decimal, affiliate_rate: Decimal, cap: Decimal) -> Arm:
    """The arm of "min {Broker Rebate %, max{0, 50% - Affiliate Rate %}}" that binds; rates are fractions."""
    return Arm(
        bound_by=formula.bound_by(rebate=rebate, affiliate_rate=affiliate_rate, cap=cap),
        rebate=rebate,
        affiliate_rate=affiliate_rate,
        cap=cap,
        left=EXACT.subtract(cap, affiliate_rate),
        applied_rate=formula.applied_rate(rebate=rebate, affiliate_rate=affiliate_rate, cap=cap),
    )


def percent(fraction: Decimal) -> str:
    """A rate with every digit: 0.2 → `20%`."""
    return f"{plain(fraction.scaleb(2, context=EXACT))}%"
