"""Transactions of the ledger as rows: what each moved between the accounts, and what is owed after it."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet, Sum

from payouts.ledger.models import Entry, Transaction
from payouts.money import EXACT, ZERO
from payouts.monthend.models import Payout

TRANSACTIONS_A_PAGE = 100
_ACCOUNTS = ("owed", "held", "rebates", "credited")


@dataclass(frozen=True, slots=True)
class TransactionShown:
    transaction: Transaction
    #: Account → by how much it changed; 0 where it did not.
    owed: Decimal
    held: Decimal
    rebates: Decimal
    credited: Decimal
    #: What the broker is owed, and what cases hold, after it; None where only some transactions are shown.
    owed_after: Decimal | None = None
    held_after: Decimal | None = None


def of_payout(payout: Payout) -> list[TransactionShown]:
    """What was booked for a payout, its corrections and its holds, oldest first."""
    names = Q(reference=f"payout:{payout.pk}") | Q(reference__startswith=f"payout:{payout.pk}:")
    found = Transaction.objects.filter(names, broker=payout.broker_id)
    reversals = Transaction.objects.filter(reverses__in=found)
    rows = Transaction.objects.filter(Q(pk__in=found) | Q(pk__in=reversals)).select_related("by")
    return shown(rows.order_by("pk"))


def page_of(broker_code: int, page: str) -> Page[TransactionShown]:
    """A broker's ledger, the newest first, each with the balances after it."""
    rows: QuerySet[Transaction] = (
        Transaction.objects.filter(broker=broker_code).select_related("by").order_by("-pk")
    )
    paginator: Any = Paginator(rows, TRANSACTIONS_A_PAGE)
    found = paginator.get_page(page)
    found.object_list = _with_balances(list(found.object_list), broker_code)
    return found  # type: ignore[no-any-return]  # a page of what the list now holds


def shown(rows: Iterable[Transaction]) -> list[TransactionShown]:
    rows = list(rows)
    moved = _moved(rows)
    return [TransactionShown(transaction=row, **moved[row.pk]) for row in rows]


def balances(broker_code: int) -> dict[str, Decimal]:
    totals = Entry.objects.filter(broker=broker_code).values_list("account")
    found = dict(totals.annotate(total=Sum("amount")).order_by())
    return {account: found.get(account, ZERO) for account in _ACCOUNTS}


def _with_balances(rows: list[Transaction], broker_code: int) -> list[TransactionShown]:
    """Rows from the newest to the oldest, with no other between them."""
    if not rows:
        return []
    moved = _moved(rows)
    earlier = Entry.objects.filter(broker=broker_code, transaction__lt=rows[-1].pk)
    before = dict(earlier.values_list("account").annotate(total=Sum("amount")).order_by())
    owed, held = before.get("owed", ZERO), before.get("held", ZERO)
    found = []
    for row in reversed(rows):
        owed = EXACT.add(owed, moved[row.pk]["owed"])
        held = EXACT.add(held, moved[row.pk]["held"])
        found.append(TransactionShown(row, **moved[row.pk], owed_after=owed, held_after=held))
    return found[::-1]


def _moved(rows: list[Transaction]) -> dict[int, dict[str, Decimal]]:
    found = {row.pk: dict.fromkeys(_ACCOUNTS, ZERO) for row in rows}
    for number, account, amount in Entry.objects.filter(transaction__in=found).values_list(
        "transaction_id", "account", "amount"
    ):
        found[number][account] = amount
    return found
