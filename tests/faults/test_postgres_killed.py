"""PostgreSQL killed while a worker stands at every named step of a run and of settlement."""

import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from django.db import connections

from payouts.monthend import work
from payouts.settlement import asking, reconciling, sending
from portal.simulator.credit_faults import Fault
from tests.faults import town
from tests.faults.playing import RUN, Control, Play, playing
from tests.faults.servers import Servers, own_servers
from tests.faults.test_killed import SENT_AGAIN
from tests.faults.test_months_killed import dealt
from tests.faults.workers import LEASE, Shifted, forking, until_stopped

pytestmark = pytest.mark.fault

#: So that each step of a run, of which there are most, comes once.
MONTHS = len(work.CRASH_POINTS)
WAYS: dict[str, Callable[[Servers], None]] = {
    "the postmaster is killed": lambda servers: servers.kill("postgres"),
    "an immediate shutdown": lambda servers: servers.kill("postgres", signal.SIGQUIT),
    "a session is killed": Servers.kill_a_session,
}


@pytest.mark.timeout(1200)
def test_postgres_killed_at_any_step_the_books_are_the_same(
    control: Control, clock: Shifted, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chance, ends = random.Random(5), Counter[tuple[str, int]]()
    every = (work.CRASH_POINTS, sending.CRASH_POINTS, asking.CRASH_POINTS, reconciling.CRASH_POINTS)
    decks, ways = [dealt(chance, points) for points in every], dealt(chance, tuple(WAYS))
    with own_servers(tmp_path_factory.mktemp("own") / "var") as servers:
        due = town.built()
        with forking(clock, environment=tuple(servers.environment.items())) as workers:
            for month in range(MONTHS):
                points = [next(deck) for deck in decks]
                with playing(due, clock, workers) as play:
                    accident = Accident(play, servers, ways)
                    try:
                        a_month_with_accidents(play, points, accident)
                        town.assert_all_is_well(play.there, control.final)
                    except BaseException:
                        print(f"month {month}: {points} {accident.said}")
                        raise
                    ends.update(accident.said)
    print(ends)
    assert ends.total() == 4 * MONTHS


class Accident:
    """PostgreSQL is killed while a worker stands at a point; then the worker goes on as well as it can."""

    def __init__(self, play: Play, servers: Servers, ways: Iterator[str]) -> None:
        self.play, self.servers, self.ways = play, servers, ways
        self.said: list[tuple[str, int]] = []

    def at(self, point: str, task: str) -> None:
        process = self.play.workers.begin(task, stopped=point)
        way = next(self.ways)
        until_stopped(process)
        connections.close_all()
        try:
            WAYS[way](self.servers)
        finally:
            os.kill(process, signal.SIGCONT)
            ended = self.play.workers.ended()
        assert ended in (0, 1), "nobody killed the worker"
        self.said.append((way, ended))


def a_month_with_accidents(play: Play, points: list[str], accident: Accident) -> None:
    in_run, in_sending, in_asking, in_comparing = points
    accident.at(in_run, RUN[0])
    play.clock.forward(LEASE)
    play.finish_run()
    play.approve()
    accident.at(in_sending, "send_credits")
    play.clock.forward(LEASE)
    play.there.faults.will(Fault.RESET_BEFORE if in_asking in SENT_AGAIN else Fault.RESET_AFTER)
    assert play.workers.do("send_credits", credits=2) == 0
    play.clock.forward(3)
    accident.at(in_asking, "ask_credits")
    play.clock.forward(LEASE)
    play.finish_settlement()
    play.next_day()
    accident.at(in_comparing, "reconcile")
    play.clock.forward(301)
    play.finish_reconciling()
