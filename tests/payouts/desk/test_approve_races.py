"""Approvals at the same time as anything else: one approval, one journal entry; and how without guards."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from django.db import connection, connections
from django.db.models import QuerySet

from payouts import books
from payouts.desk import adjust as adjusting
from payouts.ledger import queries as ledger
from payouts.models import Broker, Payout, PayoutAdjustment, PayoutHold, Transaction
from payouts.month import Month
from payouts.monthend import actions as monthend
from payouts.refusal import Refusal
from payouts.statements import actions as statements
from tests import make
from tests.payouts import owner
from tests.payouts.desk.approving import (
    acknowledge_all,
    approve,
    prepare,
    propose,
    shown,
    states,
    unprepare,
)
from tests.payouts.desk.standing_acts import NOON, person, suspend
from tests.payouts.desk.test_standing_races import all_at_once
from tests.payouts.monthend.racing import (
    AT_THE_GATE,
    FOR_ITS_TURN,
    gate_before_writing,
    side_by_side,
    until_waiting,
)

Act = Callable[[], Any]

OCTOBER = Month(2026, 10)


@pytest.fixture
def broker(committed_db: str) -> Broker:
    return make.broker()


@pytest.fixture
def payout(broker: Broker) -> Payout:
    """100.00 USD, prepared by one; others are known already, so that threads need not make them."""
    make.fills(*(make.record(price="50000", userId=each) for each in range(10)))
    monthend.calculate(month=OCTOBER, now=NOON)
    made = Payout.objects.get()
    acknowledge_all(made)
    prepare(made)
    for name in ("quentin", "vera", "walt"):
        person(name)
    return made


def approval(payout: Payout, by: str = "quentin") -> Act:
    """By who has the page open now."""
    seen = shown(payout)
    return lambda: approve(payout, by=by, shown=seen)


def one_after_the_other(first: Act, second: Act, *, gate: str) -> list[Future[Any]]:
    """The first is stopped before it writes to a table; the second begins and waits; then both go on."""
    with side_by_side() as begin:
        with gate_before_writing(gate):
            begun = [begin(first)]
            until_waiting(1, AT_THE_GATE)
            begun.append(begin(second))
            until_waiting(1, FOR_ITS_TURN)
        for each in begun:
            each.exception(timeout=60)
    return begun


def while_it_waits(first: Act, second: Act, *, gate: str) -> list[Future[Any]]:
    """Without locks: the second does all that it does while the first is stopped before it writes."""
    with side_by_side() as begin:
        with gate_before_writing(gate):
            begun = [begin(first)]
            until_waiting(1, AT_THE_GATE)
            begun.append(begin(second))
            begun[1].exception(timeout=60)
        begun[0].exception(timeout=60)
    return begun


def came(ended: list[Future[Any]]) -> list[str]:
    """What each act gave or raised, by name."""
    return [type(each.exception() or each.result()).__name__ for each in ended]


def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A twin in which neither rows nor brokers are locked by whoever decides."""
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **_options: self)
    with owner.connected() as hand:
        hand.execute(
            "CREATE FUNCTION public.pg_advisory_xact_lock(integer, integer) RETURNS void"
            " LANGUAGE sql AS 'SELECT'"
        )
        hand.execute(
            f"ALTER DATABASE {connection.settings_dict['NAME']} SET search_path = public, pg_catalog"
        )
    connections.close_all()


def without(*guards: str) -> None:
    with owner.connected() as hand:
        for guard in guards:
            hand.execute(guard)  # type: ignore[call-overload]


NEVER_EDITED = "DROP TRIGGER payout_goes_its_way ON payout"
BOOKED_ONCE = "ALTER TABLE ledger_transaction DROP CONSTRAINT nothing_is_booked_twice"
WITH_ITS_STATEMENT = "DROP TRIGGER payout_is_approved_with_its_statement ON payout"


def without_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    """A twin in which no statement stands in the way: it would be one more guard, by its numbers."""
    monkeypatch.setattr(statements, "issue", lambda **_of: None)
    without(WITH_ITS_STATEMENT)


def breached() -> list[str]:
    return [each.invariant for each in books.breaches()]


# -- many who approve -------------------------------------------------------------------------


def test_of_fifty_who_approve_at_once_one_does_and_it_is_booked_once(payout: Payout) -> None:
    act = approval(payout)

    found = all_at_once([act] * 50)

    assert Counter(type(each).__name__ for each in found) == {"list": 1, "AlreadyApproved": 49}
    assert states([payout]) == ["approved"]
    assert Transaction.objects.filter(kind="accrual").count() == 1
    assert ledger.balance(1400) == 100


def test_of_two_other_people_one_approves(payout: Payout) -> None:
    found = all_at_once([approval(payout, by) for by in ("quentin", "vera", "walt")])

    assert Counter(type(each).__name__ for each in found) == {"list": 1, "AlreadyApproved": 2}
    assert Transaction.objects.count() == 1


def test_of_fifty_who_prepare_at_once_one_does(broker: Broker) -> None:
    payout = make.payout(broker)
    person("pia")

    found = all_at_once([lambda: prepare(payout)] * 50)

    assert Counter(type(each).__name__ for each in found) == {"list": 1, "AlreadyPrepared": 49}


def two_past_the_locks(payout: Payout, *people: str) -> list[str]:
    with side_by_side() as begin:
        with gate_before_writing("payout"):
            begun = [begin(approval(payout, by)) for by in people or ("quentin", "quentin")]
            until_waiting(2, AT_THE_GATE)  # both have read, neither has written
        for each in begun:
            each.exception(timeout=60)
    return sorted(came(begun))


def test_past_all_locks_the_unique_index_books_it_once(
    payout: Payout, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)

    assert two_past_the_locks(payout) == ["AlreadyBooked", "list"]
    assert ledger.balance(1400) == 100


def test_without_the_unique_index_it_would_be_booked_twice(
    payout: Payout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twin."""
    without_locks(monkeypatch)
    without_statements(monkeypatch)
    without(BOOKED_ONCE)

    assert two_past_the_locks(payout) == ["list", "list"]
    assert ledger.balance(1400) == 200


def test_past_all_locks_the_trigger_keeps_the_first_approver(
    payout: Payout, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)

    assert two_past_the_locks(payout, "quentin", "vera") == ["IntegrityError", "list"]


def test_without_the_trigger_the_second_approver_would_replace_the_first(
    payout: Payout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twin."""
    without_locks(monkeypatch)
    without_statements(monkeypatch)
    without(NEVER_EDITED, BOOKED_ONCE)

    assert two_past_the_locks(payout, "quentin", "vera") == ["list", "list"]


# -- against a preparation taken back ---------------------------------------------------------


def test_what_is_taken_back_meanwhile_is_not_approved(payout: Payout) -> None:
    begun = one_after_the_other(lambda: unprepare(payout), approval(payout), gate="payout")

    assert came(begun) == ["list", "NotPrepared"]
    assert states([payout]) == ["calculated"]
    assert Transaction.objects.count() == 0


def test_what_is_approved_meanwhile_is_not_taken_back(payout: Payout) -> None:
    begun = one_after_the_other(approval(payout), lambda: unprepare(payout), gate="ledger_transaction")

    assert came(begun) == ["list", "AlreadyApproved"]
    assert states([payout]) == ["approved"]


def test_without_locks_and_trigger_an_approval_would_be_taken_back(
    payout: Payout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twin: booked, and not approved any more."""
    without_locks(monkeypatch)
    without_statements(monkeypatch)
    without(NEVER_EDITED, "ALTER TABLE payout DROP CONSTRAINT payout_state_has_its_people")
    act = approval(payout)

    with side_by_side() as begin:
        with gate_before_writing("payout"):
            taking_back = begin(lambda: unprepare(payout))
            until_waiting(1, AT_THE_GATE)
            approving = begin(act)
            until_waiting(2, AT_THE_GATE)
        both = [taking_back, approving]
        for each in both:
            each.exception(timeout=60)

    assert came(both) == ["list", "list"]


# -- against an adjustment --------------------------------------------------------------------


def confirmation(amount: str = "5.50") -> Act:
    proposal = propose(1400, amount)
    seen = adjusting.shown(proposal.pk)
    by = person("vera")
    return lambda: adjusting.confirm(proposal_id=proposal.pk, shown=seen, by=by, now=NOON)


def test_an_adjustment_confirmed_meanwhile_refuses_the_approval(payout: Payout) -> None:
    begun = one_after_the_other(confirmation(), approval(payout), gate="adjustment")

    assert came(begun) == ["Adjustment", "Changed"]
    assert states([payout]) == ["prepared"]


def test_an_adjustment_that_comes_second_waits_for_the_next_payout(payout: Payout) -> None:
    begun = one_after_the_other(approval(payout), confirmation(), gate="ledger_transaction")

    assert came(begun) == ["list", "Adjustment"]
    assert PayoutAdjustment.objects.count() == 0
    assert ledger.carried(1400) == ledger.balance(1400) - 100
    assert breached() == []


def test_without_locks_an_adjustment_would_be_confirmed_under_an_approval(
    payout: Payout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twin: confirmed before the approval was written, and yet not on its statement."""
    without_locks(monkeypatch)

    begun = while_it_waits(approval(payout), confirmation(), gate="payout")

    assert came(begun) == ["list", "Adjustment"]
    assert PayoutAdjustment.objects.count() == 0


# -- against a hold ---------------------------------------------------------------------------


def suspension(broker: Broker) -> Act:
    by = person("vera")
    return lambda: suspend(broker, by=by)


def test_a_hold_placed_meanwhile_refuses_the_approval(broker: Broker, payout: Payout) -> None:
    begun = one_after_the_other(suspension(broker), approval(payout), gate="payout_hold")

    assert came(begun) == ["StandingChange", "Changed"]
    assert states([payout]) == ["prepared"]


def test_a_hold_that_comes_second_holds_what_was_approved(broker: Broker, payout: Payout) -> None:
    begun = one_after_the_other(approval(payout), suspension(broker), gate="ledger_transaction")

    assert came(begun) == ["list", "StandingChange"]
    assert PayoutHold.objects.count() == 1
    assert (ledger.balance(1400), ledger.held(1400)) == (0, 100)
    assert breached() == []


def test_without_locks_a_held_payout_would_be_approved_as_if_it_were_free(
    broker: Broker, payout: Payout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twin: a case holds it, and nothing is held in the ledger."""
    without_locks(monkeypatch)

    begun = while_it_waits(approval(payout), suspension(broker), gate="payout")

    assert came(begun) == ["list", "StandingChange"]
    assert PayoutHold.objects.count() == 1
    assert (ledger.balance(1400), ledger.held(1400)) == (100, 0)
    assert breached() != []


# -- against a recalculation ------------------------------------------------------------------


@pytest.fixture
def october(broker: Broker) -> Payout:
    """A month of fills, calculated, looked at and prepared; a late fill has come since."""
    make.fills(make.record(price="5000"), make.record(price="5000", userId=8))
    monthend.calculate(month=OCTOBER, now=NOON)
    payout = Payout.objects.get()
    acknowledge_all(payout)
    prepare(payout)
    make.fills(make.record(price="9000"))
    return payout


def test_a_calculation_under_way_refuses_the_approval(october: Payout) -> None:
    act = approval(october)

    with side_by_side() as begin:
        with gate_before_writing("payout"):
            again = begin(lambda: monthend.calculate(month=OCTOBER, now=NOON))
            until_waiting(1, AT_THE_GATE)
            refused = begin(act)
            assert type(refused.exception(timeout=60)).__name__ == "StillCalculating"
        again.result(timeout=60)

    assert states([october]) == ["calculated"]
    assert issubclass(type(refused.exception()), Refusal)
    assert Transaction.objects.count() == 0


def test_what_was_calculated_anew_is_not_approved_by_the_old_page(october: Payout) -> None:
    act = approval(october)
    monthend.calculate(month=OCTOBER, now=NOON)

    found = all_at_once([act])

    assert [type(each).__name__ for each in found] == ["NotPrepared"]


def test_a_calculation_that_comes_second_leaves_the_approved_payout_as_it_is(october: Payout) -> None:
    person("quentin")
    act = approval(october)
    october.refresh_from_db()
    before = (october.payout, october.fills, october.digest, october.watermark)

    with side_by_side() as begin:
        with gate_before_writing("ledger_transaction"):
            first = begin(act)
            until_waiting(1, AT_THE_GATE)
            again = begin(lambda: monthend.calculate(month=OCTOBER, now=NOON))
            until_waiting(1, "transactionid")
        first.result(timeout=60)
        again.result(timeout=60)

    october.refresh_from_db()
    assert (october.payout, october.fills, october.digest, october.watermark) == before
    assert states([october]) == ["approved"]
    assert Transaction.objects.count() == 1
