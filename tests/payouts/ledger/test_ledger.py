"""The journal: whole cents, zero sums, nothing twice, nothing edited; and balances."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from payouts.ledger import actions, queries
from payouts.ledger.actions import AlreadyBooked, AlreadyReversed, NotReversible
from payouts.ledger.entries import Posting
from payouts.ledger.models import BooksCheck, Entry, Transaction
from payouts.month import Month
from tests import make
from tests.payouts import owner
from tests.payouts.ledger.booking import NOON, OCTOBER, accrue, book, written

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def broker(db: None) -> Any:
    return make.broker()


def settle() -> None:
    """What the database would say at the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def by_hand(kind: str, *moved: tuple[str, str], reverses: Any = None, broker_code: int = 1400) -> Transaction:
    """Rows as the application's role may write them, past the actions."""
    made = Transaction.objects.create(
        kind=kind, broker_id=1400, month=OCTOBER.first_date, reference="by hand", at=NOON, reverses=reverses
    )
    for account, amount in moved:
        Entry.objects.create(transaction=made, broker_id=broker_code, account=account, amount=amount)
    return made


def test_an_accrual_is_owed_and_a_cost_of_the_program() -> None:
    accrue("11421.06")
    settle()

    assert written() == [
        ("accrual", "payout:1", "owed", "11421.06"),
        ("accrual", "payout:1", "rebates", "-11421.06"),
    ]


def test_what_moves_nothing_is_not_booked() -> None:
    found = actions.post(
        kind="accrual",
        broker_code=1400,
        postings=[Posting("owed", Decimal("0.00")), Posting("rebates", Decimal("0.00"))],
        reference="payout:1",
        at=NOON,
        by=None,
        month=OCTOBER,
    )

    assert found is None
    assert Transaction.objects.count() == 0


def test_the_same_thing_is_booked_once() -> None:
    accrue()

    with pytest.raises(AlreadyBooked, match="The accrual of payout:1 is booked already"):
        accrue()

    book("hold", "10.00")  # another kind of the same payout is another thing
    settle()
    assert Transaction.objects.count() == 2


def test_the_database_refuses_a_fraction_of_a_cent_by_itself() -> None:
    with pytest.raises(IntegrityError, match="ledger_entry_is_whole_cents"), connection.cursor() as cursor:
        cursor.execute(
            "WITH made AS (INSERT INTO ledger_transaction (broker_id, kind, reference, at, note)"
            " VALUES (1400, 'adjustment', 'x', now(), '') RETURNING id)"
            " INSERT INTO ledger_entry (transaction_id, broker_id, account, amount)"
            " SELECT id, 1400, 'owed', 0.001 FROM made"
        )


@pytest.mark.parametrize(
    ("kind", "moved", "why"),
    [
        ("accrual", [("owed", "1.00"), ("rebates", "-2.00")], "sums to zero"),
        ("accrual", [], "sums to zero"),
        ("accrual", [("owed", "1.00"), ("held", "-1.00")], "accrual moves no money between held"),
        ("hold", [("owed", "1.00"), ("rebates", "-1.00")], "hold moves no money between owed"),
        ("forfeit", [("owed", "1.00"), ("held", "-1.00")], "forfeit moves no money"),
        ("credit", [("held", "-1.00"), ("credited", "1.00")], "credit moves no money"),
    ],
)
def test_the_database_refuses_other_sums_and_shapes_at_the_end(
    kind: str, moved: list[tuple[str, str]], why: str
) -> None:
    by_hand(kind, *moved)

    with pytest.raises(IntegrityError, match=why):
        settle()


def test_the_database_refuses_entries_of_another_broker() -> None:
    make.broker(code=1500)
    by_hand("accrual", ("owed", "1.00"), ("rebates", "-1.00"), broker_code=1500)

    with pytest.raises(IntegrityError, match="belongs to the broker of its transaction"):
        settle()


def test_a_reversal_mirrors_its_transaction() -> None:
    made = accrue()

    undone = actions.reverse(transaction_id=made.pk, at=NOON, by=None, note="booked in error")
    settle()

    assert written()[2:] == [
        ("reversal", f"transaction:{made.pk}", "owed", "-10.00"),
        ("reversal", f"transaction:{made.pk}", "rebates", "10.00"),
    ]
    assert undone.reverses_id == made.pk
    assert queries.balance(1400) == Decimal("0.00")
    with pytest.raises(AlreadyReversed):
        actions.reverse(transaction_id=made.pk, at=NOON, by=None, note="again")
    for number in (undone.pk, undone.pk + 1_000):
        with pytest.raises(NotReversible):
            actions.reverse(transaction_id=number, at=NOON, by=None, note="and back")


@pytest.mark.parametrize(
    "moved", [[("owed", "-9.00"), ("rebates", "9.00")], [("owed", "-10"), ("held", "10")]]
)
def test_the_database_refuses_a_reversal_that_is_no_mirror(moved: list[tuple[str, str]]) -> None:
    by_hand("reversal", *moved, reverses=accrue())

    with pytest.raises(IntegrityError, match="mirrors its transaction"):
        settle()


CHANGES = [
    "UPDATE ledger_entry SET amount = amount * 2",
    "DELETE FROM ledger_entry",
    "TRUNCATE ledger_entry",
    "UPDATE ledger_transaction SET reference = 'else'",
    "DELETE FROM ledger_transaction",
    "TRUNCATE ledger_transaction CASCADE",
]


@pytest.mark.parametrize("change", CHANGES)
def test_the_application_cannot_change_the_ledger(change: str) -> None:
    accrue()

    with pytest.raises(DatabaseError, match=r"denied|kept for ever"), transaction.atomic():
        connection.cursor().execute(change)


def test_balances_are_sums_of_entries() -> None:
    make.broker(code=1500)
    accrue("100.00")
    book("hold", "100.00")
    book("release", "60.00")
    book("credit", "60.00")
    accrue("7.00", broker_code=1500, reference="payout:2")

    assert queries.balance(1400) == Decimal("0.00")
    assert queries.held(1400) == Decimal("40.00")
    assert queries.balances([1400, 1500]) == {
        1400: {"owed": 0, "held": 40, "rebates": -100, "credited": 60},
        1500: {"owed": 7, "held": 0, "rebates": -7, "credited": 0},
    }


def test_what_approved_payouts_will_take_is_not_carried() -> None:
    make.approved(make.payout(queries_broker(), amount="100.00"))
    accrue("100.00")
    book("adjustment", "-2.50", reference="proposal:1", month=None)

    assert queries.balance(1400) == Decimal("97.50")
    assert queries.carried(1400) == Decimal("-2.50")


def queries_broker() -> Any:
    from payouts.models import Broker

    return Broker.objects.get(code=1400)


def test_a_held_payout_has_left_what_is_owed_already() -> None:
    broker = queries_broker()
    payout = make.payout(broker, amount="100.00")
    hold(payout)
    make.approved(payout)
    accrue("100.00")
    book("hold", "100.00")

    assert queries.carried(1400) == Decimal("0.00")


def hold(payout: Any) -> None:
    from payouts.models import PayoutHold

    case = make.suspended(payout.broker, NOON).case
    PayoutHold.objects.create(payout=payout, case=case, held_at=NOON)


def test_booked_is_what_a_month_accrued_and_was_corrected_by() -> None:
    accrue("100.00")
    book("correction", "-3.00", reference="payout:2:2026-10")
    book("correction", "8.00", reference="payout:2:2026-09", month=Month(2026, 9))
    book("hold", "97.00")
    book("adjustment", "50.00", month=None, reference="proposal:1")
    wrong = book("correction", "1.00", reference="payout:3:2026-10")
    actions.reverse(transaction_id=wrong.pk, at=NOON, by=None, note="booked in error")

    assert queries.booked(1400, OCTOBER) == Decimal("97.00")
    assert queries.booked(1400, Month(2026, 9)) == Decimal("8.00")
    assert queries.booked(1400, Month(2026, 8)) == Decimal(0)


def test_pages_see_transactions_newest_first_and_what_became_of_them(
    django_assert_num_queries: Any,
) -> None:
    first = accrue()
    undone = actions.reverse(transaction_id=first.pk, at=NOON, by=None, note="booked in error")

    with django_assert_num_queries(3):
        found = queries.transactions_of(1400)

    assert [(each.id, each.kind, each.owed, each.reverses, each.reversed_by) for each in found] == [
        (undone.pk, "reversal", Decimal("-10.00"), first.pk, None),
        (first.pk, "accrual", Decimal("10.00"), None, undone.pk),
    ]
    assert [each.id for each in queries.transactions_with(["payout:1"])] == [first.pk, undone.pk]


def test_the_books_are_breached_if_the_latest_check_says_so() -> None:
    assert not queries.books_breached()
    BooksCheck.objects.create(checked_at=NOON, occasion="nightly", breaches=[{"invariant": "x"}], took_ms=1)
    assert queries.books_breached()
    BooksCheck.objects.create(checked_at=NOON, occasion="again", breaches=[], took_ms=1)
    assert not queries.books_breached()


@pytest.mark.parametrize("change", CHANGES)
def test_not_even_the_owner_can_change_the_ledger(change: str) -> None:
    with owner.connected() as hand, pytest.raises(Exception, match="kept for ever"):
        hand.execute(change)
