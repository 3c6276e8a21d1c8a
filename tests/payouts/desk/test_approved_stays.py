"""What is approved stays as it is: no SQL of the application's role edits it. And what its page tells."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from payouts.desk.payout_queries import payout_page
from payouts.models import Broker, Correction, Line, Payout, PayoutBound
from tests import make
from tests.payouts.desk.approving import (
    acknowledge,
    adjust,
    approved,
    bound,
    correction,
    line,
    settle,
)
from tests.payouts.desk.standing_acts import person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rows_by_hand")]


@pytest.fixture
def broker() -> Broker:
    return make.broker(name="Aurora")


@pytest.fixture
def payout(broker: Broker) -> Payout:
    made: Payout = make.payout(broker, amount="100.00")
    return made


_COLUMNS = [
    ("account_id", "'ACC99999'"),
    ("tier", "'BKR 5'"),
    ("rebate", "0.5"),
    ("spot_volume", "spot_volume + 1"),
    ("futures_volume", "1"),
    ("volume", "1"),
    ("fills", "2"),
    ("fees", "9"),
    ("amount", "9"),
    ("payout", "9"),
    ("terms", "'else'"),
    ("preceding_volume", "9"),
    ("watermark", "'{[1,9)}'"),
    ("voids", "'{[1,9)}'"),
    ("corrections", "9"),
    ("adjustments", "9"),
    ("carried", "9"),
    ("due", "9"),
    ("input_digest", "'x'"),
    ("digest", "'x'"),
    ("prepared_by_id", "NULL"),
    ("prepared_at", "now()"),
    ("approved_by_id", "NULL"),
    ("approved_at", "NULL"),
    ("run_id", "run_id + 1"),
    ("broker_id", "1500"),
    ("state", "'calculated'"),
    ("state", "'prepared'"),
    ("state", "'credited'"),
    ("state", "'sending'"),
    ("withheld", "-1"),
]


def test_every_column_of_a_payout_is_tried_here() -> None:
    names = {field.column for field in Payout._meta.concrete_fields} - {"id"}

    assert {column for column, _ in _COLUMNS} == names


_OTHERS = [
    "DELETE FROM payout",
    "UPDATE payout_line SET amount = 0",
    "DELETE FROM payout_line",
    "INSERT INTO payout_line SELECT payout_id, trader + 1, market, fee_rate, affiliate_rate, fills, volume,"
    " fees, applied_rate, bound_by, amount FROM payout_line",
    "UPDATE payout_correction SET cents = 9",
    "DELETE FROM payout_correction",
    "INSERT INTO payout_correction (payout_id, month, tier_before, tier_after, amount, cents, suspended)"
    " SELECT payout_id, '2026-08-01', 'x', 'x', 0, 0, 0 FROM payout_correction",
    "UPDATE correction_line SET amount = 9",
    "DELETE FROM correction_line",
    "INSERT INTO correction_line (correction_id, kind, market, fills, volume, fees, amount)"
    " SELECT id, 'rounding', '', 0, 0, 0, 1 FROM payout_correction",
    "UPDATE payout_bound SET value = 'x'",
    "DELETE FROM payout_bound",
    'INSERT INTO payout_bound (payout_id, name, value, "limit", detail)'
    " SELECT id, 'x', 'y', 'z', '{}' FROM payout",
    "UPDATE bound_acknowledgement SET note = 'x'",
    "DELETE FROM bound_acknowledgement",
    "UPDATE payout_adjustment SET payout_id = 1",
    "DELETE FROM payout_adjustment",
    "UPDATE ledger_transaction SET note = 'x'",
    "DELETE FROM ledger_entry",
]


@pytest.fixture
def approved_with_everything(rows_by_hand: None, payout: Payout) -> Payout:
    line(payout)
    correction(payout, "-3.00")
    adjust(1400, "5.50")
    bound(payout)
    acknowledge(payout)
    approved(payout)
    settle()
    return payout


def changed_by(statement: str) -> int:
    """How many rows SQL of the application's role changes."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
        settle()
        return int(cursor.rowcount)


@pytest.mark.parametrize(("column", "value"), _COLUMNS, ids=lambda part: str(part))
@pytest.mark.usefixtures("approved_with_everything")
def test_sql_of_the_application_edits_no_column_of_it(column: str, value: str) -> None:
    with pytest.raises(DatabaseError):
        changed_by(f"UPDATE payout SET {column} = {value}")


@pytest.mark.parametrize("statement", _OTHERS)
@pytest.mark.usefixtures("approved_with_everything")
def test_sql_of_the_application_changes_nothing_that_belongs_to_it(statement: str) -> None:
    with pytest.raises(DatabaseError):
        changed_by(statement)


def test_a_payout_that_is_not_approved_can_still_be_replaced(payout: Payout) -> None:
    """So that the tests above show the approval, not a missing right."""
    correction(payout, "-3.00")
    bound(payout)

    for table in ("payout_line", "correction_line", "payout_correction", "payout_bound"):
        assert changed_by(f"DELETE FROM {table}") == 1
    assert [each.objects.count() for each in (Line, Correction, PayoutBound)] == [0, 0, 0]


# -- the page ---------------------------------------------------------------------------------


def test_the_page_of_a_payout_tells_all_of_it(
    approved_with_everything: Payout, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(20):
        page = payout_page(approved_with_everything.pk)

    assert page is not None
    assert (page.broker_code, page.broker_name, page.state, f"{page.month:%Y-%m}") == (
        1400,
        "Aurora",
        "approved",
        "2026-10",
    )
    assert (page.carried, page.adjustments, page.payout, page.corrections, page.due, page.to_send) == (
        Decimal("0.00"),
        Decimal("5.50"),
        Decimal("100.00"),
        Decimal("-3.00"),
        Decimal("102.50"),
        Decimal("102.50"),
    )
    assert [(each.amount, each.text) for each in page.adjusted] == [
        (Decimal("5.50"), "a fee that was charged twice")
    ]
    assert [(f"{each.month:%Y-%m}", each.cents, len(each.lines)) for each in page.corrected] == [
        ("2026-09", Decimal("-3.00"), 1)
    ]
    assert [(each.name, each.note) for each in page.bounds] == [
        ("very large fill", "a block trade, agreed before")
    ]
    assert [(each.kind, each.owed) for each in page.transactions] == [
        ("accrual", Decimal("100.00")),
        ("correction", Decimal("-3.00")),
    ]
    assert [(each.state, each.by, each.reason) for each in page.history] == [
        ("calculated", None, ""),
        ("prepared", person("pia"), "prepared"),
        ("approved", person("quentin"), "approved"),
    ]
    assert (page.is_held, page.waiting_bounds, page.attempts) == (False, [], [])


def test_before_it_is_prepared_the_page_says_what_it_would_come_to(payout: Payout) -> None:
    adjust(1400, "-150.00")

    page = payout_page(payout.pk)

    assert page is not None
    assert (page.adjustments, page.carried, page.due, page.to_send) == (-150, 0, -50, 0)
    assert payout_page(payout.pk + 1) is None
