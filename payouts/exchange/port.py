"""What we ask of the exchange, and what it may answer."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from payouts.refusal import Refusal

#: The longest id or key that we keep.
_LONGEST_ID = 100


class ExchangeUnavailable(Refusal):
    """The exchange gave no answer that can be used: it is down, slow, or not configured. Decides nothing.

    About a credit that was asked for it leaves open whether money moved: ask by the credit's key.
    """


@dataclass(frozen=True, slots=True)
class Account:
    """An account at the exchange as it answered."""

    account_id: str
    is_business: bool
    #: Enrolled in the Affiliate Program.
    is_affiliate: bool


@dataclass(frozen=True, slots=True)
class Credited:
    """Money that the exchange says it has credited. Account and amount are what *it* says: compare them."""

    #: Ours, by which the credit was asked for.
    key: str
    #: The exchange's own number of the credit.
    credit_id: str
    account_id: str
    #: US dollars with two places. Below zero only if the exchange says so.
    amount: Decimal
    #: UTC.
    credited_at: datetime


@dataclass(frozen=True, slots=True)
class CreditRejected:
    """The exchange's own word that under this key no money moved, nor will while it knows the key."""

    key: str
    #: `ACCOUNT_CLOSED`, `ACCOUNT_NOT_FOUND`, `ACCOUNT_RESTRICTED` or another of the exchange's.
    code: str
    #: Why, in the exchange's words, for staff.
    message: str


class Exchange(Protocol):
    """All of it may take seconds, asks over the network, and is refused inside a transaction."""

    def account(self, account_id: str) -> Account | None:
        """The account, or None if the exchange says that there is none. Raises `ExchangeUnavailable`.

        A text that can be no account's id is answered with None, unasked.
        """
        ...

    def credit(
        self, *, key: str, account_id: str, amount: Decimal, reference: str
    ) -> Credited | CreditRejected:
        """Credit dollars to an account; `reference` is shown there. What came of it, as the exchange says.

        The same key with the same content credits once, however often it is sent, as long as the exchange
        knows the key: 24 hours. Raises `ExchangeUnavailable`, after which the money may have moved or not,
        and `CannotBeCredited` where it was not asked.
        """
        ...

    def credit_by_key(self, key: str) -> Credited | CreditRejected | None:
        """What became of a credit; None only if the exchange itself says that it knows no such key.

        That is no proof that nothing was credited: it forgets keys. Raises `ExchangeUnavailable`.
        """
        ...

    def credits(self, *, since: datetime, until: datetime) -> list[Credited]:
        """Every credit that the exchange made to brokers from `since` on and before `until`, by time.

        The whole list or nothing: raises `ExchangeUnavailable` when any of its pages is missing.
        """
        ...


class CannotBeCredited(ValueError):
    """A mistake in the program: no exchange can be asked for this. Nothing was sent."""


def can_be_account_id(text: str) -> bool:
    """Whether the exchange can be asked about it: 1 to 100 visible characters, no space at the ends."""
    return is_name(text)


def is_name(text: str) -> bool:
    """Whether the text can be an id or a key: 1 to 100 visible characters, no space at the ends."""
    return 0 < len(text) <= _LONGEST_ID and text.isprintable() and text == text.strip()
