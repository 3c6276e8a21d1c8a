"""Which accounts may join, in the program's own words. Pure."""

from payouts.exchange.port import Account
from payouts.refusal import Refusal

AFFILIATE = (
    "Please note that the API Broker Program and the Backpack Affiliate Program are mutually exclusive."
    " Enrollment in one program will preclude enrollment in the other."
)


class NoSuchAccount(Refusal):
    """The exchange knows no such account."""


class NotABusinessAccount(Refusal):
    """The account belongs to a person."""


class IsAnAffiliate(Refusal):
    """The account is enrolled in the Affiliate Program."""


def must_be_eligible(account: Account | None) -> None:
    """Refuse an account that may not join.

    "Open up a business account at Backpack Exchange." "Enrollment in one program will preclude enrollment
    in the other." Refuses `NoSuchAccount`, `NotABusinessAccount`, `IsAnAffiliate`.
    """
    if account is None:
        raise NoSuchAccount("Backpack Exchange has no account with this id: copy it from the account's page.")
    if account.is_affiliate:
        raise IsAnAffiliate(AFFILIATE)
    if not account.is_business:
        raise NotABusinessAccount(
            "This is a personal account: open up a business account at Backpack Exchange and give its id."
        )
