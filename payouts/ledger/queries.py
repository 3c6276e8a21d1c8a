"""Reads of the ledger: what a broker is owed, what is held, what was booked. Dollars in whole cents."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import cast

from django.db import connection

from payouts.ledger.entries import Account, Posting
from payouts.ledger.models import BooksCheck, Entry, Transaction
from payouts.money import ZERO
from payouts.month import Month

#: What approved payouts will take out of `owed`. Those that a case holds have been moved to `held`.
_CARRIED = """
    SELECT broker.code,
           coalesce((SELECT sum(amount) FROM ledger_entry
                     WHERE broker_id = broker.code AND account = 'owed'), 0)
           - coalesce((SELECT sum(payout.due - payout.withheld) FROM payout
                       WHERE payout.broker_id = broker.code AND payout.state IN ('approved', 'sending')
                         AND NOT EXISTS (SELECT FROM payout_hold AS held WHERE held.payout_id = payout.id
                                         AND NOT EXISTS (SELECT FROM payout_release AS released
                                                         WHERE released.hold_id = held.id))), 0)
    FROM broker WHERE broker.code = ANY (%s)
"""

_BOOKED = """
    SELECT coalesce((SELECT sum(entry.amount) FROM ledger_entry AS entry
                     JOIN ledger_transaction AS made ON made.id = entry.transaction_id
                     LEFT JOIN ledger_transaction AS undone ON undone.id = made.reverses_id
                     WHERE made.broker_id = %(code)s AND made.month = %(month)s AND entry.account = 'owed'
                       AND coalesce(undone.kind, made.kind) IN ('accrual', 'correction')), 0)
           - coalesce((SELECT payout.withheld FROM payout JOIN month_run ON month_run.id = payout.run_id
                       WHERE payout.broker_id = %(code)s AND month_run.month = %(month)s), 0)
"""


@dataclass(frozen=True, slots=True)
class BookedTransaction:
    """A transaction of a broker's ledger as pages show it."""

    id: int
    kind: str
    kind_label: str
    #: The first day of the month that was earned or corrected.
    month: date | None
    reference: str
    at: datetime
    #: The login of whoever did it; None: the portal itself.
    by: int | None
    note: str
    #: The number of the transaction that this one mirrors, and of the one that mirrors this.
    reverses: int | None
    reversed_by: int | None
    postings: list[Posting]

    @property
    def owed(self) -> Decimal:
        """By how much it changed what the broker is owed and may be credited."""
        return next((each.amount for each in self.postings if each.account == "owed"), ZERO)


def balance(broker_code: int) -> Decimal:
    """What the broker is owed and no case holds; below zero it owes the program."""
    return balances([broker_code])[broker_code]["owed"]


def held(broker_code: int) -> Decimal:
    """What the broker is owed and cases hold back."""
    return balances([broker_code])[broker_code]["held"]


def balances(broker_codes: Iterable[int]) -> dict[int, dict[Account, Decimal]]:
    """Every account of each of the brokers; one query."""
    found: dict[int, dict[Account, Decimal]] = {
        code: {"owed": ZERO, "held": ZERO, "rebates": ZERO, "credited": ZERO} for code in broker_codes
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT broker_id, account, sum(amount) FROM ledger_entry WHERE broker_id = ANY (%s)"
            " GROUP BY broker_id, account",
            [list(found)],
        )
        for code, account, amount in cursor.fetchall():
            found[code][account] = amount
    return found


def carried(broker_code: int) -> Decimal:
    """What is owed beyond the payouts that are approved and not credited yet: the next payout takes it along.

    "Only a balance ≤ 0.00 is carried", and adjustments until a payout shows them are in it too.
    """
    return carried_of([broker_code])[broker_code]


def carried_of(broker_codes: Iterable[int]) -> dict[int, Decimal]:
    """`carried` for each of the brokers; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_CARRIED, [list(broker_codes)])
        return dict(cursor.fetchall())


def booked(broker_code: int, month: Month) -> Decimal:
    """What is booked for a month: accrual and corrections, less what was withheld of suspended days."""
    with connection.cursor() as cursor:
        cursor.execute(_BOOKED, {"code": broker_code, "month": month.first_date})
        row = cursor.fetchone()
    return cast("Decimal", row[0])


def transactions_of(broker_code: int) -> list[BookedTransaction]:
    """A broker's transactions, newest first; two queries."""
    return _told(Transaction.objects.filter(broker_id=broker_code).order_by("-id"))


def transactions_with(references: Iterable[str]) -> list[BookedTransaction]:
    """The transactions that book these things, like `payout:12`, oldest first, with their reversals."""
    found = set(
        Transaction.objects.filter(reference__in=list(references)).values_list("pk", flat=True),
    )
    rows = Transaction.objects.filter(pk__in=found) | Transaction.objects.filter(reverses__in=found)
    return _told(rows.order_by("id"))


def books_breached() -> bool:
    """Whether the latest check of the books found something: then nothing is approved or sent."""
    latest = BooksCheck.objects.order_by("-checked_at", "-pk").values_list("breaches", flat=True).first()
    return bool(latest)


def _told(rows: Iterable[Transaction]) -> list[BookedTransaction]:
    rows = list(rows)
    postings: dict[int, list[Posting]] = {row.pk: [] for row in rows}
    entries = Entry.objects.filter(transaction__in=postings).order_by("pk")
    for number, account, amount in entries.values_list("transaction_id", "account", "amount"):
        postings[number].append(Posting(cast("Account", account), amount))
    undone = dict(Transaction.objects.filter(reverses__in=postings).values_list("reverses_id", "pk"))
    return [
        BookedTransaction(
            id=row.pk,
            kind=row.kind,
            kind_label=str(row.get_kind_display()),
            month=row.month,
            reference=row.reference,
            at=row.at,
            by=row.by_id,
            note=row.note,
            reverses=row.reverses_id,
            reversed_by=undone.get(row.pk),
            postings=postings[row.pk],
        )
        for row in rows
    ]
