"""What each kind of transaction moves between a broker's accounts, in whole cents. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from payouts.money import EXACT, ZERO, to_cents
from payouts.refusal import Refusal

Account = Literal["owed", "held", "rebates", "credited"]
Kind = Literal["accrual", "correction", "adjustment", "hold", "release", "forfeit", "credit", "reversal"]

#: The accounts between which a kind moves money; a reversal takes those of what it mirrors.
SHAPES: dict[str, tuple[frozenset[str], ...]] = {
    "accrual": (frozenset({"owed", "rebates"}),),
    "correction": (frozenset({"owed", "rebates"}),),
    "adjustment": (frozenset({"owed", "rebates"}),),
    "hold": (frozenset({"owed", "held"}),),
    "release": (frozenset({"held", "owed"}),),
    "forfeit": (frozenset({"held", "rebates"}), frozenset({"owed", "rebates"})),
    "credit": (frozenset({"owed", "credited"}),),
}


class FractionOfACent(Refusal):
    """The ledger is whole cents: what is finer stays on the lines, and is rounded once, before."""


class NotABooking(ValueError):
    """Postings that do not sum to zero, or that move money between other accounts than their kind does."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of a transaction: signed dollars in whole cents on one of a broker's accounts."""

    account: Account
    amount: Decimal


def accrual(amount: Decimal) -> list[Posting]:
    """What a broker has earned in a month: owed to it, and a cost of the program."""
    return _move(amount, out_of="rebates", into="owed")


def correction(amount: Decimal) -> list[Posting]:
    """By how much an earlier month turned out to be worth more, or less if below zero."""
    return _move(amount, out_of="rebates", into="owed")


def adjustment(amount: Decimal) -> list[Posting]:
    """What no fill explains; below zero it is taken from the broker."""
    return _move(amount, out_of="rebates", into="owed")


def hold(amount: Decimal) -> list[Posting]:
    """What is owed and now held back by a case."""
    return _move(amount, out_of="owed", into="held")


def release(amount: Decimal) -> list[Posting]:
    """What no case holds back any more."""
    return _move(amount, out_of="held", into="owed")


def forfeit(amount: Decimal, *, was_held: bool) -> list[Posting]:
    """What the broker will never be paid: the program takes its cost back."""
    return _move(amount, out_of="held" if was_held else "owed", into="rebates")


def credit(amount: Decimal) -> list[Posting]:
    """What the exchange has credited to the broker's account."""
    return _move(amount, out_of="owed", into="credited")


def mirror(postings: Iterable[Posting]) -> list[Posting]:
    """The opposite of a transaction, account by account."""
    return [Posting(each.account, -each.amount) for each in postings]


def moving(postings: Iterable[Posting]) -> list[Posting]:
    """Without those that move nothing: an amount of 0.00 is not written down."""
    return [each for each in postings if each.amount]


def must_be_a_booking(kind: str, postings: Sequence[Posting]) -> None:
    """Refuse `FractionOfACent`; raise `NotABooking` where the database would refuse the transaction."""
    total = ZERO
    for each in postings:
        _must_be_cents(each.amount)
        total = EXACT.add(total, each.amount)
    if total:
        raise NotABooking(f"the postings of a {kind} sum to {total}, not to zero")
    accounts = [each.account for each in postings]
    if len(set(accounts)) < len(accounts):
        raise NotABooking(f"the postings of a {kind} name an account twice: {', '.join(accounts)}")
    if kind != "reversal" and frozenset(accounts) not in SHAPES[kind]:
        raise NotABooking(f"a {kind} moves no money between {' and '.join(sorted(accounts))}")


def _move(amount: Decimal, *, out_of: Account, into: Account) -> list[Posting]:
    _must_be_cents(amount)
    return [Posting(out_of, -amount), Posting(into, amount)]


def _must_be_cents(amount: Decimal) -> None:
    if amount != to_cents(amount):
        raise FractionOfACent(f"The ledger holds whole cents: round {amount} USD before it is booked.")
