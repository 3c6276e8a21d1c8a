"""Many at once, killed anywhere, stopped and woken: each payout is credited once. Each with its twin."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, connections
from django.db.models import QuerySet

from payouts.models import Attempt, Difference, Payout, Reconciliation, Transaction
from payouts.settlement import asking, reconciling, sending
from payouts.settlement.invariants import INVARIANTS
from portal.simulator.credit_faults import Fault
from tests.exchange import answering
from tests.exchange import asking as client
from tests.payouts import owner
from tests.payouts.desk import standing_acts as acts
from tests.payouts.desk.test_account_change_races import without_advisory_locks
from tests.payouts.monthend.racing import (
    AT_THE_GATE,
    FOR_ANOTHERS_ROW,
    FOR_ITS_TURN,
    gate_before_writing,
    side_by_side,
    until_waiting,
)
from tests.payouts.settlement.processes import Others, Shifted, others, until_stopped
from tests.payouts.settlement.scene import Between, Scene, attempt, state, tries


def all_at_once(scene: Scene, count: int = 10) -> list[int]:
    def alone() -> int:
        try:
            return scene.send()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return [each.result() for each in [pool.submit(alone) for _ in range(count)]]


def test_ten_at_once_credit_a_payout_once(committed: Scene) -> None:
    payout = committed.payout()

    assert sorted(all_at_once(committed)) == [0] * 9 + [1]

    assert (state(payout), tries(payout), len(committed.listed())) == ("credited", ["confirmed"], 1)


def two_have_looked_before_either_wrote(scene: Scene, waiting: int, what_for: str) -> None:
    with side_by_side() as begin, gate_before_writing("credit_attempt"):
        both = [begin(scene.send) for _ in range(2)]
        until_waiting(waiting, what_for)
    for each in both:
        each.exception(timeout=60)


def test_the_second_waits_for_the_first_and_finds_it_sent(committed: Scene) -> None:
    payout = committed.payout()

    two_have_looked_before_either_wrote(committed, 1, FOR_ITS_TURN)

    assert (tries(payout), len(committed.listed())) == (["confirmed"], 1)


def test_twin_without_locks_the_index_alone_keeps_it_at_one(
    committed: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    payout = committed.payout()
    without_locks(monkeypatch)
    with owner.connected() as hand:
        hand.execute("ALTER TABLE credit_attempt DROP CONSTRAINT attempts_of_a_payout_are_numbered")

    two_have_looked_before_either_wrote(committed, 2, AT_THE_GATE)

    assert (len(tries(payout)), len(committed.listed())) == (1, 1)


def test_twin_without_locks_and_index_it_is_credited_twice(
    committed: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    payout = committed.payout()
    without_locks(monkeypatch)
    with owner.connected() as hand:
        hand.execute("ALTER TABLE credit_attempt DROP CONSTRAINT attempts_of_a_payout_are_numbered")
        hand.execute("DROP INDEX one_attempt_that_is_not_rejected")
    both = Barrier(2, timeout=30)
    committed.port = Between(committed.port, before_credit=both.wait)

    two_have_looked_before_either_wrote(committed, 2, AT_THE_GATE)

    assert len(tries(payout)) == 2
    assert len(committed.listed()) == 2


def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows)
    with owner.connected() as hand:
        hand.execute("DROP TRIGGER credit_attempt_may_be_made ON credit_attempt")
    without_advisory_locks()


def test_a_suspension_and_a_sending_at_once_are_one_after_the_other(committed: Scene) -> None:
    """The suspension was first: nothing is sent."""
    payout = committed.payout()
    with side_by_side() as begin:
        with gate_before_writing("standing_change"):
            suspending = begin(lambda: acts.suspend(payout.broker, now=committed.clock()))
            until_waiting(1, AT_THE_GATE)
            sent = begin(committed.send)
            until_waiting(1, FOR_ITS_TURN)
        suspending.result(timeout=60)

    assert sent.result() == 0
    assert (state(payout), committed.listed()) == ("approved", [])


def test_a_hold_and_a_sending_at_once_are_one_after_the_other(committed: Scene) -> None:
    """The sending was first: the payout is past holding."""
    payout = committed.payout()
    with side_by_side() as begin:
        with gate_before_writing("credit_attempt"):
            sent = begin(committed.send)
            until_waiting(1, AT_THE_GATE)
            holding = begin(lambda: hold(committed, payout))
            until_waiting(1, FOR_ANOTHERS_ROW)
        assert sent.result(timeout=60) == 1

    assert "past holding" in str(holding.exception())
    assert state(payout) == "credited"


def hold(scene: Scene, payout: Payout) -> None:
    from payouts.models import Case, PayoutHold

    case = Case.objects.create(broker=payout.broker, kind="other", title="?", opened_at=scene.clock())
    PayoutHold.objects.create(payout=payout, case=case, held_at=scene.clock())


# -- killed and stopped processes -------------------------------------------------------------------


@pytest.fixture
def shifted(committed_db: str, tmp_path: Path) -> Iterator[tuple[Scene, Others]]:
    """The stage on the real clock, which is moved on, and processes that work on the same database."""
    clock: Any = Shifted(tmp_path / "shift")
    with answering(clock=clock) as there, others(committed_db, there, clock) as processes:
        yield Scene(clock, there, client(there, deadline=2, read_timeout=1)), processes


def recovered(scene: Scene, processes: Others) -> None:
    """As sweeps that run again and again once the lease is over."""
    clock: Any = scene.clock
    for _ in range(4):
        clock.forward(61)
        processes.do("send")
        processes.do("ask")
        if not Attempt.objects.filter(state__in=["pending", "sending", "unknown"]).exists():
            return


@pytest.mark.fault
def test_killed_at_any_step_the_money_moves_once(shifted: tuple[Scene, Others]) -> None:
    scene, processes = shifted
    clock: Any = scene.clock
    points = [("send", each) for each in sending.CRASH_POINTS] + [
        ("ask", each) for each in asking.CRASH_POINTS
    ]
    for number, (act, point) in enumerate(points):
        payout = scene.payout(f"{number + 1}.00", code=2000 + number)
        if act == "ask":
            is_sent_again = point in ("asking: before the request", "asking: after the answer")
            scene.there.faults.will(Fault.RESET_BEFORE if is_sent_again else Fault.RESET_AFTER)
            assert processes.do("send") == 0
            clock.forward(3)

        assert (point, processes.do(act, how="killed", point=point)) == (point, -signal.SIGKILL)
        recovered(scene, processes)

        assert (point, state(payout), tries(payout)) == (point, "credited", ["confirmed"])
    for point in reconciling.CRASH_POINTS:
        clock.forward(86_400)
        assert (point, processes.do("reconcile", how="killed", point=point)) == (point, -signal.SIGKILL)
        clock.forward(301)
        processes.do("reconcile")

    listed = scene.there.credits.listed()
    assert Counter(each.key for each in listed) == {str(each.key): 1 for each in Attempt.objects.all()}
    assert sorted(int(each.amount) for each in listed) == list(range(1, len(points) + 1))
    assert Transaction.objects.filter(kind="credit").count() == len(points)
    assert Difference.objects.count() == 0
    for name, invariant in INVARIANTS.items():
        with connection.cursor() as cursor:
            cursor.execute(invariant.query)
            assert (name, cursor.fetchall()) == (name, [])
    assert not Reconciliation.objects.filter(done_at=None).exists()


def woken(shifted: tuple[Scene, Others], point: str) -> Payout:
    """A process is stopped at a point past its lease, others go on, then it wakes."""
    scene, processes = shifted
    clock: Any = scene.clock
    payout = scene.payout()
    zombie = processes.begin("send", how="stopped", point=point)
    until_stopped(zombie)
    try:
        clock.forward(61)
        scene.send()
        scene.ask()
        assert (state(payout), tries(payout)) == ("credited", ["confirmed"])
    finally:
        os.kill(zombie, signal.SIGCONT)
    assert processes.ended() == 0
    return payout


@pytest.mark.parametrize("point", ["credit: attempt made", "credit: before the request"])
def test_a_zombie_that_has_not_sent_yet_sends_nothing(shifted: tuple[Scene, Others], point: str) -> None:
    payout = woken(shifted, point)

    scene, _ = shifted
    assert scene.asked("credit") == 1
    assert (attempt(payout).state, len(scene.listed())) == ("confirmed", 1)


def test_a_zombie_with_an_answer_in_hand_is_refused_by_its_fence(shifted: tuple[Scene, Others]) -> None:
    payout = woken(shifted, "credit: after the answer")

    assert (attempt(payout).fence, len(shifted[0].listed())) == (2, 1)
    assert Transaction.objects.filter(kind="credit").count() == 1
