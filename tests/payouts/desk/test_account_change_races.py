"""Changes of account at the same time: one course each, whoever comes in between; and how without guards."""

from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections
from django.db.models import QuerySet

from payouts.desk import account_apply, account_change
from payouts.desk.account_change import CannotBeUsed, OpenAlready
from payouts.desk.account_guards import WentOn
from payouts.models import AccountChange, AccountChangeStep, Broker
from tests import make
from tests.payouts import owner
from tests.payouts.desk import changing_account as make_
from tests.payouts.desk.changing_account import EFFECTIVE, NEW, NOW, OLD, People, Scripted
from tests.payouts.monthend.racing import (
    AT_THE_GATE,
    FOR_ANOTHERS_ROW,
    FOR_ITS_TURN,
    gate_before_writing,
    side_by_side,
    until_waiting,
)

Act = Callable[[], Any]


@pytest.fixture
def of(committed_db: str) -> People:
    make_.broker()
    return make_.people()


def one_after_the_other(first: Act, second: Act, *, gate: str, waits: str) -> list[Future[Any]]:
    """The first is stopped before it writes to a table, the second begins and waits; then both go on."""
    with side_by_side() as begin:
        with gate_before_writing(gate):
            begun = [begin(first)]
            until_waiting(1, AT_THE_GATE)
            begun.append(begin(second))
            until_waiting(2 if waits == AT_THE_GATE else 1, waits)
        for each in begun:
            each.exception(timeout=60)
    return begun


def came(ended: list[Future[Any]]) -> list[Any]:
    """What each act returned, or the class of what it raised."""
    return [type(each.exception()) if each.exception() else each.result() for each in ended]


def without_row_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **_options: self)


def without_advisory_locks() -> None:
    """A twin of the database in which the advisory locks of transactions do nothing."""
    with owner.connected() as hand:
        hand.execute(
            "CREATE FUNCTION public.pg_advisory_xact_lock(integer, integer) RETURNS void"
            " LANGUAGE sql AS 'SELECT'"
        )
        name = connection.settings_dict["NAME"]
        hand.execute(f"ALTER DATABASE {name} SET search_path = public, pg_catalog")
    connections.close_all()


def without(*guards: str) -> None:
    with owner.connected() as hand:
        for guard in guards:
            hand.execute(guard)  # type: ignore[call-overload]


STAYS_DECIDED = "DROP TRIGGER account_change_stays_decided ON account_change"
APPLIED_SAYS_WHEN = "ALTER TABLE account_change DROP CONSTRAINT change_of_account_is_applied_after_its_wait"
ENDED_SAYS_WHEN = "ALTER TABLE account_change DROP CONSTRAINT change_of_account_that_ended_says_when"
ONE_STEP = "ALTER TABLE account_change_step DROP CONSTRAINT one_step_of_a_kind_per_change"
ONE_PER_BROKER = "DROP INDEX one_open_change_of_account_per_broker"
ONE_TO_AN_ACCOUNT = "DROP INDEX one_open_change_to_an_account"


# -- cancelled at the moment it is applied ----------------------------------------------------


def cancelling(change: AccountChange, by: Any) -> Act:
    return lambda: account_change.cancel(reference=change.reference, by=by.pk, why="", now=EFFECTIVE).state


def applied_then_cancelled(of: People) -> tuple[AccountChange, list[Future[Any]]]:
    change = make_.waiting(of)
    ended = one_after_the_other(
        lambda: make_.sweep(EFFECTIVE),
        cancelling(change, of.otto),
        gate="account_change_step",
        waits=FOR_ANOTHERS_ROW,
    )
    change.refresh_from_db()
    return change, ended


def cancelled_then_applied(of: People) -> tuple[AccountChange, list[Future[Any]]]:
    """The sweep has asked the exchange already when the owner cancels."""
    change = make_.waiting(of)
    ended: list[Future[Any]] = []
    with side_by_side() as begin:

        def meanwhile() -> None:
            ended.append(begin(cancelling(change, of.otto)))
            until_waiting(1, AT_THE_GATE)

        with gate_before_writing("account_change_step"):
            ended.append(begin(lambda: make_.sweep(EFFECTIVE, Scripted(meanwhile=meanwhile))))
            until_waiting(1, FOR_ANOTHERS_ROW)
        for each in ended:
            each.exception(timeout=60)
    change.refresh_from_db()
    return change, ended


def test_an_owner_who_cancels_too_late_is_told_so(of: People) -> None:
    change, ended = applied_then_cancelled(of)

    assert came(ended) == [1, WentOn]
    assert (change.state, make_.account()) == ("applied", NEW)


def test_an_owner_who_cancels_while_the_sweep_asks_is_in_time(of: People) -> None:
    change, ended = cancelled_then_applied(of)

    assert sorted(came(ended), key=str) == [0, "cancelled"]
    assert (change.state, make_.account()) == ("cancelled", OLD)


def test_without_row_locks_only_the_database_would_stop_it(
    of: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twin: the second guard holds, but has no answer for people."""
    without_row_locks(monkeypatch)

    change, ended = applied_then_cancelled(of)

    assert came(ended) == [1, IntegrityError]
    assert (change.state, make_.account()) == ("applied", NEW)


def test_without_any_guard_a_cancelled_change_would_hold(of: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twin: the owner would read that it is cancelled, and the money would go elsewhere."""
    without_row_locks(monkeypatch)
    without(STAYS_DECIDED, APPLIED_SAYS_WHEN)

    change, ended = applied_then_cancelled(of)

    assert came(ended) == [1, "cancelled"]
    assert (change.state, make_.account()) == ("cancelled", NEW)


def test_without_any_guard_the_sweep_would_apply_what_was_cancelled(
    of: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twin of the other order: the sweep has read that it is confirmed, and goes on."""
    without_row_locks(monkeypatch)
    without(STAYS_DECIDED, ENDED_SAYS_WHEN)

    change, ended = cancelled_then_applied(of)

    assert sorted(came(ended), key=str) == [1, "cancelled"]
    assert (change.state, make_.account()) == ("applied", NEW)


# -- confirmed by two -------------------------------------------------------------------------


def confirmed_twice(of: People, *, waits: str = FOR_ANOTHERS_ROW) -> tuple[AccountChange, list[Future[Any]]]:
    change = make_.asked(of.olga)
    make_.prepared(change, of.pia)
    later = NOW + timedelta(hours=9)
    ended = one_after_the_other(
        lambda: make_.confirmed(change, of.quentin).state,
        lambda: make_.confirmed(change, of.otto, now=later).state,
        gate="account_change_step",
        waits=waits,
    )
    change.refresh_from_db()
    return change, ended


def test_of_two_who_confirm_one_does_and_the_other_is_told(of: People) -> None:
    change, ended = confirmed_twice(of)

    assert came(ended) == ["confirmed", WentOn]
    assert (change.confirmed_by_id, change.effective_at) == (of.quentin.pk, EFFECTIVE)
    assert make_.steps(change)[2:] == [("confirmed", "quentin")]


def test_without_row_locks_a_second_confirmation_is_stopped_by_its_step(
    of: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_row_locks(monkeypatch)

    change, ended = confirmed_twice(of, waits=FOR_ITS_TURN)

    assert came(ended) == ["confirmed", IntegrityError]
    assert change.confirmed_by_id == of.quentin.pk


def test_without_either_guard_a_second_confirmation_would_replace_the_first(
    of: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twin: two people would have read that they confirmed it."""
    without_row_locks(monkeypatch)
    without(ONE_STEP)

    change, ended = confirmed_twice(of, waits=FOR_ITS_TURN)

    assert came(ended) == ["confirmed", "confirmed"]
    assert make_.steps(change)[2:] == [("confirmed", "quentin"), ("confirmed", "otto")]


# -- asked for twice --------------------------------------------------------------------------


def asked_twice(of: People, *, waits: str, **second: Any) -> list[Future[Any]]:
    return one_after_the_other(
        lambda: make_.asked(of.olga).state,
        lambda: make_.asked(of.otto, **second).state,
        gate="account_change",
        waits=waits,
    )


def open_changes() -> list[tuple[int, str]]:
    rows = AccountChange.objects.filter(state="asked").order_by("broker_id", "new_account_id")
    return list(rows.values_list("broker_id", "new_account_id"))


SAME_BROKER = {"new_account_id": "BP-900002"}
SAME_ACCOUNT = {"broker_code": 1500}


@pytest.mark.parametrize(
    ("second", "refusal"),
    [(SAME_BROKER, OpenAlready), (SAME_ACCOUNT, CannotBeUsed)],
    ids=["broker", "account"],
)
def test_of_two_that_ask_one_does_and_the_other_is_told(
    of: People, second: dict[str, Any], refusal: type[Exception]
) -> None:
    make.broker(code=1500)

    ended = asked_twice(of, waits=FOR_ITS_TURN, **second)

    assert came(ended) == ["asked", refusal]
    assert open_changes() == [(1400, NEW)]


@pytest.mark.parametrize(
    ("second", "refusal"),
    [(SAME_BROKER, OpenAlready), (SAME_ACCOUNT, CannotBeUsed)],
    ids=["broker", "account"],
)
def test_without_the_locks_the_database_decides_and_people_hear_the_same(
    of: People, second: dict[str, Any], refusal: type[Exception]
) -> None:
    make.broker(code=1500)
    without_advisory_locks()

    ended = asked_twice(of, waits=AT_THE_GATE, **second)

    assert sorted(came(ended), key=str) == sorted(["asked", refusal], key=str)
    assert len(open_changes()) == 1


@pytest.mark.parametrize(
    ("second", "guard", "both"),
    [
        (SAME_BROKER, ONE_PER_BROKER, [(1400, NEW), (1400, "BP-900002")]),
        (SAME_ACCOUNT, ONE_TO_AN_ACCOUNT, [(1400, NEW), (1500, NEW)]),
    ],
    ids=["broker", "account"],
)
def test_without_either_guard_both_would_be_open(
    of: People, second: dict[str, Any], guard: str, both: list[tuple[int, str]]
) -> None:
    """Twin: it is the index that saves, not that somebody looked first."""
    make.broker(code=1500)
    without_advisory_locks()
    without(guard)

    ended = asked_twice(of, waits=AT_THE_GATE, **second)

    assert came(ended) == ["asked", "asked"]
    assert open_changes() == both


# -- one broker gets the account in the moment in which another asks for it -------------------


def asked_while_applied(
    of: People, monkeypatch: pytest.MonkeyPatch, *, is_stopped: bool
) -> tuple[list[Any], int]:
    """The sweep comes between the two looks of who asks: at the brokers, then at the open changes."""
    make.broker(code=1500)
    make_.waiting(of)
    look, sweeps = account_change._is_wanted, []
    with side_by_side() as begin:

        def sweep_first(account_id: str) -> bool:
            sweeps.append(begin(lambda: make_.sweep(EFFECTIVE)))
            if is_stopped:
                until_waiting(1, FOR_ITS_TURN)
            else:
                sweeps[0].result(timeout=60)
            return look(account_id)

        monkeypatch.setattr(account_change, "_is_wanted", sweep_first)
        asking = begin(lambda: make_.asked(of.otto, broker_code=1500, now=EFFECTIVE).state)
        asking.exception(timeout=60)
        return came([asking]), sweeps[0].result(timeout=60)


def test_an_account_that_goes_to_one_broker_in_this_moment_is_no_others(
    of: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked_while_applied(of, monkeypatch, is_stopped=True) == ([CannotBeUsed], 1)
    assert open_changes() == []


def test_without_the_lock_the_other_would_have_asked_for_it(
    of: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twin: neither look finds it. The wish would be refused only when staff look at it."""
    without_advisory_locks()

    assert asked_while_applied(of, monkeypatch, is_stopped=False) == (["asked"], 1)
    assert Broker.objects.filter(account_id=NEW).count() == 1


# -- applied twice ----------------------------------------------------------------------------


def swept_twice() -> list[int]:
    """While one sweep waits for the exchange for longer than its claim lasts, another one comes."""
    second: list[int] = []

    def meanwhile() -> None:
        second.append(make_.sweep(EFFECTIVE + timedelta(seconds=15)))

    return [make_.sweep(EFFECTIVE, Scripted(meanwhile=meanwhile)), *second]


def applied_steps() -> int:
    return AccountChangeStep.objects.filter(kind="applied").count()


def test_two_sweeps_apply_a_change_once(of: People) -> None:
    make_.waiting(of)

    assert swept_twice() == [0, 1]
    assert (make_.account(), applied_steps()) == (NEW, 1)


def test_a_second_sweep_finds_nothing_while_the_first_one_asks(of: People) -> None:
    make_.waiting(of)
    second: list[int] = []

    first = make_.sweep(EFFECTIVE, Scripted(meanwhile=lambda: second.append(make_.sweep(EFFECTIVE))))

    assert (first, second, applied_steps()) == (1, [0], 1)


def test_without_the_fence_only_the_database_stops_the_second(
    of: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twin: without it the slower sweep would write over what the faster one did."""
    monkeypatch.setattr(account_apply, "_still", lambda claimed: AccountChange.objects.filter(pk=claimed.pk))
    make_.waiting(of)

    with pytest.raises(IntegrityError, match="is decided: it stays applied"):
        swept_twice()
    assert (make_.account(), applied_steps()) == (NEW, 1)
