"""Fifty who suspend, lift and terminate at once make one valid history; the database sees to it."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, connections

from payouts import books
from payouts.desk import terminate as terminations
from payouts.desk.standing import AlreadySuspended
from payouts.models import Broker, Fill, StandingChange, StandingRange, Termination
from payouts.program.queries import changes_of, rules_of
from payouts.program.standing import ranges, state_at
from payouts.refusal import Refusal
from tests import make
from tests.payouts import owner
from tests.payouts.desk.standing_acts import (
    DAY,
    HOUR,
    NOON,
    SECOND,
    TICK,
    confirm,
    kept,
    lift,
    person,
    prepare,
    ruled,
    suspend,
)
from tests.payouts.monthend.racing import (
    AT_THE_GATE,
    FOR_ITS_TURN,
    gate_before_writing,
    side_by_side,
    until_waiting,
)

Act = Callable[[], Any]


def all_at_once(acts: list[Act]) -> list[Any]:
    """Each act in a thread with a connection of its own, begun together; what it gave or refused."""
    start = threading.Barrier(len(acts))
    found: list[Any] = [None] * len(acts)

    def run(number: int, act: Act) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")  # connected before the start
            start.wait(timeout=60)
            found[number] = act()
        except Exception as problem:
            found[number] = problem
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return found


def without(function: str) -> None:
    """A twin of the database in which this kind of advisory lock does nothing for who asks from outside."""
    with owner.connected() as hand:
        hand.execute(f"CREATE FUNCTION public.{function} RETURNS void LANGUAGE sql AS 'SELECT'")
        name = connection.settings_dict["NAME"]
        hand.execute(f"ALTER DATABASE {name} SET search_path = public, pg_catalog")
    connections.close_all()


def without_waiting() -> None:
    without("pg_advisory_xact_lock(integer, integer)")


def attempts(broker: Broker, seed: int, *, ending: Termination | None) -> list[Act]:
    """Fifty attempts; what they are depends on the seed alone."""
    chosen = random.Random(seed)
    by = [person(f"staff-{number}") for number in range(5)]
    known = [suspend(broker, now=NOON - number * DAY) for number in (9,)]

    def attempt(number: int) -> Act:
        now = NOON + chosen.randrange(1000) * SECOND
        who = chosen.choice(by)
        kind = chosen.choice(["suspend", "suspend", "plan", "back", "lift", "lift"])
        if ending is not None and number == 25:
            return lambda: confirm(ending, now=now)
        if kind == "lift":
            return lambda: lift(newest(broker, known), now=now, by=who)
        starts_at = {"suspend": None, "plan": now + chosen.randrange(3) * HOUR, "back": now - DAY}[kind]
        return lambda: suspend(broker, starts_at=starts_at, now=now, by=who)

    return [attempt(number) for number in range(50)]


def newest(broker: Broker, known: list[StandingChange]) -> StandingChange:
    """The latest suspension that is not lifted, as whoever presses the button sees it; else the first."""
    rows = StandingChange.objects.filter(broker=broker, kind="suspended", ended_by=None)
    return rows.order_by("-pk").first() or known[0]


@pytest.mark.parametrize("is_waiting", [True, False], ids=["waiting", "not waiting"])
@pytest.mark.parametrize("seed", [1, 2])
def test_fifty_attempts_at_once_make_one_valid_history(
    committed_db: str, seed: int, is_waiting: bool
) -> None:
    """Also when nobody waits for anybody, and only the constraints are left."""
    broker = make.broker()
    ending = prepare(broker) if seed == 2 else None
    acts = attempts(broker, seed, ending=ending)
    if not is_waiting:
        without_waiting()

    found = all_at_once(acts)

    assert [each for each in found if not isinstance(each, StandingChange | Refusal)] == []
    done = [each for each in found if isinstance(each, StandingChange)]
    changes = changes_of(broker.code)
    beside = {"enrolled": 1, "suspended": 1} | (
        {"lifted": len([each for each in changes if each.note.startswith("Cancelled")])} if ending else {}
    )
    assert Counter(each.kind for each in changes) == Counter(each.kind for each in done) + Counter(beside)
    assert kept(broker) == ruled(broker)
    assert books.breaches() == []
    rules, spans = rules_of(changes), ranges(rules_of(changes))
    for moment in {each.effective_at + tick for each in changes for tick in (-TICK, 0 * TICK, TICK)}:
        holding = [each.kind for each in spans if each.holds_at(moment)]
        assert state_at(rules, moment) in (holding or ["active", "not enrolled"])
        assert len(holding) <= 1


@pytest.fixture
def broker(committed_db: str) -> Broker:
    return make.broker()


def both_after_looking(*acts: Act, table: str = "standing_change") -> list[Future[Any]]:
    """Both have looked and nothing was there, before either may write."""
    without_waiting()
    with side_by_side() as begin, gate_before_writing(table):
        begun = [begin(act) for act in acts]
        until_waiting(len(acts), AT_THE_GATE)
    return begun


def outcomes(begun: list[Future[Any]]) -> list[type]:
    return sorted((type(each.exception() or each.result()) for each in begun), key=lambda kind: kind.__name__)


def test_of_two_who_suspend_one_does_and_the_other_is_told(broker: Broker) -> None:
    by = person()

    begun = both_after_looking(
        lambda: suspend(broker, by=by), lambda: suspend(broker, by=by, now=NOON + HOUR)
    )

    assert outcomes(begun) == [AlreadySuspended, StandingChange]
    assert StandingRange.objects.count() == 1


def test_without_the_exclusion_constraint_both_would(broker: Broker) -> None:
    """Twin."""
    by = person()
    with owner.connected() as hand:
        hand.execute("ALTER TABLE standing_range DROP CONSTRAINT standing_ranges_do_not_overlap")

    begun = both_after_looking(
        lambda: suspend(broker, by=by), lambda: suspend(broker, by=by, now=NOON + HOUR)
    )

    assert outcomes(begun) == [StandingChange, StandingChange]
    assert [each.invariant for each in books.breaches()] == [
        "a broker is never in two ranges of standing at once"
    ]


def test_of_two_who_lift_one_does_and_the_other_is_told(broker: Broker) -> None:
    suspension, by = suspend(broker), person()

    found = all_at_once([lambda: lift(suspension, by=by, now=NOON + HOUR)] * 10)

    assert sorted(type(each).__name__ for each in found) == ["AlreadyLifted"] * 9 + ["StandingChange"]
    assert StandingChange.objects.filter(kind="lifted").count() == 1


def test_of_two_who_prepare_one_does_and_the_other_is_told(broker: Broker) -> None:
    by = person()

    begun = both_after_looking(
        lambda: prepare(broker, by=by), lambda: prepare(broker, by=by), table="desk_termination"
    )

    assert outcomes(begun) == [terminations.AlreadyPrepared, Termination]


def test_without_the_unique_index_both_would_be_prepared(broker: Broker) -> None:
    """Twin."""
    by = person()
    with owner.connected() as hand:
        hand.execute("DROP INDEX one_prepared_termination_per_broker")

    begun = both_after_looking(
        lambda: prepare(broker, by=by), lambda: prepare(broker, by=by), table="desk_termination"
    )

    assert outcomes(begun) == [Termination, Termination]


# -- a termination during an intake -----------------------------------------------------------


class Clock:
    """A clock that a test moves, and that remembers when it was read."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.read: list[datetime] = []

    def __call__(self) -> datetime:
        self.read.append(self.now)
        return self.now


def fill(at: datetime) -> dict[str, Any]:
    return make.record(timestamp=at.isoformat().replace("+00:00", "Z"))


def test_a_termination_waits_for_the_intake_under_way_before_it_reads_the_clock(broker: Broker) -> None:
    termination, quentin = prepare(broker), person("quentin")
    make.fills(fill(NOON))  # the month has its partition
    shown = terminations.shown(termination.pk, now=NOON)
    clock = Clock(NOON)
    executed = NOON + 10 * SECOND

    def end() -> StandingChange:
        return terminations.confirm(termination_id=termination.pk, shown=shown, by=quentin, clock=clock)

    with side_by_side() as begin:
        with gate_before_writing("total_by_rate"):
            before = begin(lambda: make.fills(fill(executed), now=executed))
            until_waiting(1, AT_THE_GATE)  # keys and fills are written, nothing is committed
            ending = begin(end)
            until_waiting(1, FOR_ITS_TURN)
            after = begin(lambda: make.fills(fill(NOON + 20 * SECOND), now=NOON + 20 * SECOND))
            until_waiting(2, FOR_ITS_TURN)  # who comes later waits for the termination
            assert clock.read == []
            clock.now = NOON + 20 * SECOND
        change = ending.result()

    assert change.effective_at == NOON + 20 * SECOND
    assert before.result().accepted == 1
    assert dict(after.result().excluded) == {"terminated": 1}
    assert list(Fill.objects.order_by("executed_at").values_list("executed_at", flat=True)) == [
        NOON,
        executed,
    ]
    assert books.breaches() == []


def test_without_the_lock_a_fill_after_the_termination_would_count(broker: Broker) -> None:
    """Twin: the intake decided by enrolments that were true when it began."""
    termination, quentin = prepare(broker), person("quentin")
    make.fills(fill(NOON))
    without("pg_advisory_xact_lock(bigint)")
    executed = NOON + 10 * SECOND

    with side_by_side() as begin, gate_before_writing("total_by_rate"):
        before = begin(lambda: make.fills(fill(executed), now=executed))
        until_waiting(1, AT_THE_GATE)
        change = begin(lambda: confirm(termination, now=NOON + SECOND, by=quentin)).result(timeout=60)

    assert change.effective_at == NOON + SECOND
    assert before.result().accepted == 1
    assert [each.invariant for each in books.breaches()] == [
        "no fill counts before enrolment or after termination"
    ]
