"""Twenty who book the same thing at once book it once; the unique indexes see to it."""

from collections import Counter
from typing import Any

import pytest

from payouts.ledger import actions, queries
from payouts.ledger.models import Transaction
from tests import make
from tests.payouts import owner
from tests.payouts.desk.test_standing_races import all_at_once
from tests.payouts.ledger.booking import NOON, accrue


@pytest.fixture(autouse=True)
def _broker(committed_db: str) -> None:
    make.broker()


def kinds(found: list[Any]) -> Counter[str]:
    return Counter(type(each).__name__ for each in found)


def drop(*indexes: str) -> None:
    with owner.connected() as hand:
        for name in indexes:
            hand.execute(f"ALTER TABLE ledger_transaction DROP CONSTRAINT {name}")


def test_twenty_who_book_the_same_book_it_once() -> None:
    found = all_at_once([accrue] * 20)

    assert kinds(found) == {"Transaction": 1, "AlreadyBooked": 19}
    assert queries.balance(1400) == 10


def test_without_the_unique_index_all_twenty_would() -> None:
    """Twin."""
    drop("nothing_is_booked_twice")

    found = all_at_once([accrue] * 20)

    assert kinds(found) == {"Transaction": 20}
    assert queries.balance(1400) == 200


def reversals() -> list[Any]:
    made = accrue()
    return all_at_once(
        [lambda: actions.reverse(transaction_id=made.pk, at=NOON, by=None, note="in error")] * 10
    )


def test_of_ten_who_reverse_one_does() -> None:
    found = reversals()

    assert kinds(found) == {"Transaction": 1, "AlreadyReversed": 9}
    assert queries.balance(1400) == 0


def test_without_the_unique_indexes_all_ten_would() -> None:
    """Twin."""
    with owner.connected() as hand:
        (name,) = hand.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'ledger_transaction'::regclass"
            " AND contype = 'u' AND conname LIKE '%%reverses%%'"
        ).fetchone() or ("",)
    drop("nothing_is_booked_twice", name)

    found = reversals()

    assert kinds(found) == {"Transaction": 10}
    assert Transaction.objects.filter(kind="reversal").count() == 10
    assert queries.balance(1400) == -90


def test_without_its_triggers_a_transaction_need_not_sum_to_zero() -> None:
    """Twin."""
    from tests.payouts.ledger.test_ledger import by_hand

    with owner.connected() as hand:
        hand.execute("DROP TRIGGER ledger_entries_balance ON ledger_entry")
        hand.execute("DROP TRIGGER ledger_transactions_balance ON ledger_transaction")

    by_hand("accrual", ("owed", "1.00"))

    assert queries.balance(1400) == 1
