"""What we ask of the exchange, and what it may answer."""

from dataclasses import dataclass
from typing import Protocol

from payouts.refusal import Refusal

#: The longest account id that we keep.
_LONGEST_ID = 100


class ExchangeUnavailable(Refusal):
    """The exchange gave no answer that can be used: it is down, slow, or not configured. Decides nothing."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account at the exchange as it answered."""

    account_id: str
    is_business: bool
    #: Enrolled in the Affiliate Program.
    is_affiliate: bool


class Exchange(Protocol):
    def account(self, account_id: str) -> Account | None:
        """The account, or None if the exchange says that there is none. Raises `ExchangeUnavailable`.

        A text that can be no account's id is answered with None, unasked.
        """
        ...


def can_be_account_id(text: str) -> bool:
    """Whether the exchange can be asked about it: 1 to 100 visible characters, no space at the ends."""
    return 0 < len(text) <= _LONGEST_ID and text.isprintable() and text == text.strip()
