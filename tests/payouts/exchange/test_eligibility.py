"""Who may join, in the program's own words."""

import pytest

from payouts.exchange.eligibility import (
    AFFILIATE,
    IsAnAffiliate,
    NoSuchAccount,
    NotABusinessAccount,
    must_be_eligible,
)
from payouts.exchange.port import Account
from payouts.refusal import Refusal


def test_a_business_account_that_is_no_affiliate_may_join() -> None:
    must_be_eligible(Account("BP-1", is_business=True, is_affiliate=False))


@pytest.mark.parametrize(
    ("account", "refusal", "sentence"),
    [
        (
            None,
            NoSuchAccount,
            "Backpack Exchange has no account with this id: copy it from the account's page.",
        ),
        (
            Account("BP-1", is_business=False, is_affiliate=False),
            NotABusinessAccount,
            "This is a personal account: open up a business account at Backpack Exchange and give its id.",
        ),
        (Account("BP-1", is_business=True, is_affiliate=True), IsAnAffiliate, AFFILIATE),
        (Account("BP-1", is_business=False, is_affiliate=True), IsAnAffiliate, AFFILIATE),
    ],
)
def test_others_may_not(account: Account | None, refusal: type[Refusal], sentence: str) -> None:
    with pytest.raises(refusal) as refused:
        must_be_eligible(account)

    assert str(refused.value) == sentence


def test_an_affiliate_is_told_the_programs_own_reason() -> None:
    assert AFFILIATE == (
        "Please note that the API Broker Program and the Backpack Affiliate Program are mutually exclusive."
        " Enrollment in one program will preclude enrollment in the other."
    )
