"""Appeals and closings at once: one appeal a change, and no appeal waits in a closed case. With twins."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from django.db import transaction
from django.db.models import QuerySet

from payouts import books
from payouts.desk import appeals, cases
from payouts.desk.models import Appeal, AppealMessage, Case
from payouts.program.models import StandingChange
from tests import make
from tests.payouts import owner
from tests.payouts.desk.case_making import LATER, MESSAGE, NOON, member, staff, told
from tests.payouts.monthend.racing import FOR_ANOTHERS_ROW, side_by_side, until_waiting


@pytest.fixture
def end(committed_db: str) -> StandingChange:
    found: StandingChange = make.terminated(make.broker(), NOON)
    return found


def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows)


def one_after_the_other(first: Callable[[], Any], second: Callable[[], Any], *, waits: bool) -> Future[Any]:
    """The first has done everything but commit when the second begins; how the second ends."""
    with side_by_side() as start:
        with transaction.atomic():
            first()
            begun = start(second)
            if waits:
                until_waiting(1, FOR_ANOTHERS_ROW)
            else:
                begun.exception()
        begun.exception()
    return begun


def appealing(change: StandingChange, by: int) -> Callable[[], Appeal]:
    return lambda: appeals.open_appeal(
        broker_code=1400, change_id=change.pk, text=MESSAGE, files=[], by=by, now=LATER
    )


def closing(change: StandingChange, by: int) -> Callable[[], None]:
    assert change.case_id is not None
    case_id = change.case_id
    return lambda: cases.close(case_id=case_id, outcome="Terminated.", by=by, now=LATER)


def stands() -> tuple[list[str], list[str]]:
    """The states of all cases and of all appeals."""
    return (
        list(Case.objects.values_list("state", flat=True)),
        list(Appeal.objects.values_list("state", flat=True)),
    )


def test_of_two_appeals_at_once_one_is_kept(end: StandingChange) -> None:
    second = one_after_the_other(appealing(end, member("olga")), appealing(end, member("otto")), waits=True)

    assert isinstance(second.exception(), appeals.AlreadyAppealed)
    assert (Appeal.objects.count(), AppealMessage.objects.count()) == (1, 1)


def test_twin_without_lock_and_constraint_both_are(
    end: StandingChange, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    with owner.connected() as hand:
        [(name,)] = hand.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'desk_appeal'::regclass AND contype = 'u'"
            " AND pg_get_constraintdef(oid) = 'UNIQUE (change_id)'"
        ).fetchall()
        hand.execute(f"ALTER TABLE desk_appeal DROP CONSTRAINT {name}")

    second = one_after_the_other(appealing(end, member("olga")), appealing(end, member("otto")), waits=False)

    assert second.exception() is None
    assert Appeal.objects.count() == 2


def test_without_the_lock_the_constraint_alone_keeps_one(
    end: StandingChange, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)

    second = one_after_the_other(appealing(end, member("olga")), appealing(end, member("otto")), waits=True)

    assert isinstance(second.exception(), appeals.AlreadyAppealed)
    assert Appeal.objects.count() == 1


def test_a_case_is_not_closed_while_an_appeal_opens(end: StandingChange) -> None:
    closed = one_after_the_other(appealing(end, member()), closing(end, staff()), waits=True)

    assert isinstance(closed.exception(), cases.NotYetClosable)
    assert stands() == (["open"], ["open"])
    assert books.breaches() == []


def test_twin_without_the_lock_an_appeal_waits_in_a_closed_case(
    end: StandingChange, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)

    closed = one_after_the_other(appealing(end, member()), closing(end, staff()), waits=False)

    assert closed.exception() is None
    assert stands() == (["closed"], ["open"])
    assert [breach.invariant for breach in books.breaches()] == ["no appeal waits in a closed case"]


def test_an_appeal_that_comes_while_the_case_closes_reopens_it(end: StandingChange) -> None:
    opened = one_after_the_other(closing(end, staff()), appealing(end, member()), waits=True)

    assert opened.exception() is None
    assert stands() == (["open"], ["open"])
    assert end.case is not None
    assert [kind for kind, _, _ in told(end.case)] == ["closed", "reopened", "appealed", "appeal message"]


def test_an_appeal_that_comes_while_the_suspension_is_lifted_is_told_so(committed_db: str) -> None:
    suspension = make.suspended(make.broker(), NOON)
    by = staff()

    def lift() -> None:
        cases.locked(suspension.case_id)
        make.lifted(suspension, LATER)
        appeals.grant_by_lifting(suspension, message="Over.", by=by, now=LATER)

    opened = one_after_the_other(lift, appealing(suspension, member()), waits=True)

    assert isinstance(opened.exception(), appeals.NothingToAppeal)
    assert Appeal.objects.count() == 0


def test_an_appeal_that_opens_while_the_suspension_is_lifted_is_granted(committed_db: str) -> None:
    suspension = make.suspended(make.broker(), NOON)
    by = staff()

    def lift() -> None:
        with transaction.atomic():
            cases.locked(suspension.case_id)
            make.lifted(suspension, LATER)
            appeals.grant_by_lifting(suspension, message="Over.", by=by, now=LATER)

    lifted = one_after_the_other(appealing(suspension, member()), lift, waits=True)

    assert lifted.exception() is None
    assert [(each.state, each.decision) for each in Appeal.objects.all()] == [("granted", "Over.")]


def test_of_two_decisions_at_once_the_first_stays(end: StandingChange) -> None:
    reference = appealing(end, member())().reference
    sven, tara = staff("sven"), staff("tara")

    def decide(granted: bool, by: int) -> Callable[[], Appeal]:
        return lambda: appeals.decide(
            reference=reference, granted=granted, decision="So it is.", by=by, now=LATER
        )

    second = one_after_the_other(decide(False, sven), decide(True, tara), waits=True)

    assert isinstance(second.exception(), appeals.AppealIsDecided)
    assert [(each.state, each.decided_by_id) for each in Appeal.objects.all()] == [("refused", sven)]
