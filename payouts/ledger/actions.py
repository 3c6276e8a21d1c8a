"""Booking: transactions are added inside the act that they belong to, and mirrored, never edited."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import cast

from django.db import IntegrityError, connection, transaction

from payouts.ledger import entries
from payouts.ledger.entries import Account, Kind, Posting
from payouts.ledger.models import Entry, Transaction
from payouts.month import Month
from payouts.refusal import Refusal

#: The first number of the advisory lock; the second is the broker's code.
_LEDGER_LOCK = 7_230_051

#: The unique indexes that see to it that nothing is booked, or reversed, twice.
_TWICE = ("nothing_is_booked_twice", "ledger_transaction_reverses_id")


class AlreadyBooked(Refusal):
    """The same thing is booked once: a transaction of this kind has this reference."""


class AlreadyReversed(Refusal):
    """A transaction is reversed at most once."""


class NotReversible(Refusal):
    """There is no such transaction, or it is a reversal itself."""


def one_at_a_time(broker_code: int) -> None:
    """Wait until nobody else books for this broker, to the end of the transaction.

    Whoever reads a balance to write by it takes this before reading, and after the rows of payouts, so that
    none wait in a ring. Of several brokers the lower code comes first.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LEDGER_LOCK, broker_code])


def each_at_a_time(broker_codes: Iterable[int]) -> None:
    """`one_at_a_time` for several brokers, in the order of their codes."""
    for code in sorted(set(broker_codes)):
        one_at_a_time(code)


@transaction.atomic
def post(
    *,
    kind: Kind,
    broker_code: int,
    postings: Sequence[Posting],
    reference: str,
    at: datetime,
    by: int | None,
    month: Month | None = None,
    note: str = "",
    reverses: int | None = None,
) -> Transaction | None:
    """Book a transaction inside the caller's; None if its postings move nothing.

    `reference` says what it books, like `payout:12`: the same thing is booked once. `by` is the login of
    whoever does it, None for the portal itself. Refuses `AlreadyBooked`, `FractionOfACent`.
    """
    postings = entries.moving(postings)
    if not postings:
        return None
    made = Transaction(
        kind=kind,
        broker_id=broker_code,
        month=None if month is None else month.first_date,
        reference=reference,
        at=at,
        by_id=by,
        note=note,
        reverses_id=reverses,
    )
    _write(made, postings)
    return made


@transaction.atomic
def reverse(*, transaction_id: int, at: datetime, by: int | None, note: str) -> Transaction:
    """Mirror a transaction, account by account. Refuses `NotReversible`, `AlreadyReversed`."""
    found = Transaction.objects.filter(pk=transaction_id).exclude(kind=Transaction.Kind.REVERSAL).first()
    if found is None:
        raise NotReversible(
            f"Transaction {transaction_id} does not exist or is a reversal itself: choose the one to undo."
        )
    rows = Entry.objects.filter(transaction=found).values_list("account", "amount")
    made = Transaction(
        kind=Transaction.Kind.REVERSAL,
        broker_id=found.broker_id,
        month=found.month,
        reference=f"transaction:{transaction_id}",
        at=at,
        by_id=by,
        note=note,
        reverses=found,
    )
    try:
        _write(made, entries.mirror(Posting(cast("Account", account), amount) for account, amount in rows))
    except AlreadyBooked:
        raise AlreadyReversed(
            f"Transaction {transaction_id} is reversed already: look at the broker's ledger."
        ) from None
    return made


def _write(made: Transaction, postings: Sequence[Posting]) -> None:
    """The rows. That nothing is booked twice is the database's to say, whoever else is at it."""
    entries.must_be_a_booking(made.kind, postings)
    one_at_a_time(made.broker_id)
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError as problem:
        if not any(name in str(problem) for name in _TWICE):
            raise
        raise AlreadyBooked(
            f"The {made.kind} of {made.reference} is booked already: look at the broker's ledger."
        ) from None
    Entry.objects.bulk_create(
        [
            Entry(transaction=made, broker_id=made.broker_id, account=each.account, amount=each.amount)
            for each in postings
        ]
    )
