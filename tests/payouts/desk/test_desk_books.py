"""Each invariant of the desk is broken here once, by the owner's hand, and must be found by its name."""

import pytest

from payouts import books
from payouts.desk import appeals, hold
from payouts.desk.models import AffiliateCheck
from payouts.month import Month
from payouts.monthend import actions
from tests import make
from tests.payouts import owner
from tests.payouts.desk.case_making import LATER, MESSAGE, NOON, member

BREACHES = [
    (
        "UPDATE payout_hold SET case_id = (SELECT max(id) FROM desk_case)",
        {"a hold belongs to a case of the same broker"},
    ),
    (
        "DELETE FROM payout_hold WHERE id = (SELECT min(id) FROM payout_hold)",
        {"a case that holds a payout holds all that there were"},
    ),
    (
        "UPDATE affiliate_check SET answer = 'affiliate'",
        {"no broker is an affiliate without an open case"},
    ),
    (
        "UPDATE desk_case SET state = 'closed', outcome = 'o', closed_at = now(),"
        " closed_by_id = (SELECT min(id) FROM portal_user)",
        {"no appeal waits in a closed case"},
    ),
]


@pytest.fixture
def desk(committed_db: str) -> None:
    """A suspended broker with two held payouts, an appeal and an answer; and another with a case."""
    broker = make.broker()
    for month in (Month(2026, 9), Month(2026, 10)):
        make.fills(make.record(timestamp=f"{month}-15T12:00:00Z"))
        actions.calculate(month=month, now=NOON)
    suspension = make.suspended(broker, NOON)
    assert hold.hold_due(now=LATER) == 2
    appeals.open_appeal(
        broker_code=1400, change_id=suspension.pk, text=MESSAGE, files=[], by=member(), now=LATER
    )
    AffiliateCheck.objects.create(
        broker=broker, due_at=LATER, account_id=broker.account_id, answer="business", answered_at=NOON
    )
    make.suspended(make.broker(code=1500, enrolled_at=LATER), LATER)


def test_good_books_have_no_breach(desk: None) -> None:
    assert books.breaches() == []


@pytest.mark.parametrize(
    ("deed", "broken"), BREACHES, ids=[" ".join(deed.split()[:4]) for deed, _ in BREACHES]
)
def test_a_breach_is_found_by_name(desk: None, deed: str, broken: set[str]) -> None:
    with owner.connected() as connection:
        for table in ("payout_hold", "affiliate_check", "desk_case"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        connection.execute(deed)

    assert {breach.invariant for breach in books.breaches()} == broken


def test_a_payout_calculated_after_the_holds_waits_for_the_next_sweep(desk: None) -> None:
    """It is no breach meanwhile: the invariant knows no clock."""
    make.fills(make.record(timestamp="2026-08-15T12:00:00Z"))
    actions.calculate(month=Month(2026, 8), now=LATER + (LATER - NOON))

    assert books.breaches() == []
