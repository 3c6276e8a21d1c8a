"""A hundred months, each killed four times: in its run, while sending, while asking and while comparing."""

import random
from collections import Counter
from collections.abc import Iterator

import pytest

from payouts.monthend import work
from payouts.settlement import asking, reconciling, sending
from portal.simulator.credit_faults import Fault
from tests.faults import town
from tests.faults.playing import RUN, SETTLEMENT, Control, Play, playing
from tests.faults.test_killed import KILLED, SENT_AGAIN
from tests.faults.workers import LEASE, Shifted, Workers

#: Each of these is a test of its own, and the seed of its chances.
SEEDS, MONTHS = range(5), 20


@pytest.mark.fault
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
def test_months_killed_anywhere_end_as_one_that_was_not(
    due: str, clock: Shifted, workers: Workers, control: Control, seed: int
) -> None:
    chance, kills = random.Random(seed), Counter[str]()
    decks = [
        dealt(chance, points)
        for points in (
            work.CRASH_POINTS,
            sending.CRASH_POINTS,
            asking.CRASH_POINTS,
            reconciling.CRASH_POINTS,
        )
    ]
    for month in range(MONTHS):
        killed_at = [next(deck) for deck in decks]
        with playing(due, clock, workers) as play:
            try:
                kills.update(play_with_kills(play, killed_at, chance))
                town.assert_all_is_well(play.there, control.final)
            except BaseException:
                print(f"seed {seed}, month {month}: {killed_at}")
                raise
    print(f"seed {seed}: {kills.total()} kills in {MONTHS} months, {dict(kills)}")
    # Each step several times; a question is seldom asked so often that who was to be killed lives on.
    assert kills.total() >= 3.5 * MONTHS


def dealt(chance: random.Random, points: tuple[str, ...]) -> Iterator[str]:
    """The points in any order, all of them before one comes again."""
    while True:
        yield from chance.sample(points, len(points))


def play_with_kills(play: Play, points: list[str], chance: random.Random) -> list[str]:
    """Play the month, killed at each of four points; at which it really was."""
    in_run, in_sending, in_asking, in_comparing = points
    killed = []

    def do(task: str, point: str, skip: int, **how: int) -> None:
        if play.workers.do(task, killed=point, skip=skip, **how) == KILLED:
            killed.append(point)

    # In one piece, broker by broker or in twos, in one lane or two.
    at_once, lanes_from = chance.choice([1, 2, 500]), chance.choice([2, 20])
    pieces = 1 if in_run in work.CRASH_POINTS[:2] else -(-len(town.CODES) // at_once)
    do(RUN[0], in_run, chance.randrange(pieces), at_once=at_once, worth_two_lanes=lanes_from)
    play.clock.forward(LEASE)
    play.finish_run()
    assert play.workers.do("check_books") == 0
    play.approve()
    do("send_credits", in_sending, chance.randrange(6))
    play.clock.forward(LEASE)
    fault = Fault.RESET_BEFORE if in_asking in SENT_AGAIN else Fault.RESET_AFTER
    play.there.faults.will(*[None] * chance.randrange(4), fault)
    assert play.workers.do("send_credits") == 0
    play.clock.forward(3)
    do("ask_credits", in_asking, 0)
    play.clock.forward(LEASE)
    play.finish_settlement()
    play.next_day()
    do("reconcile", in_comparing, 0)
    play.clock.forward(301)
    play.finish_reconciling()
    return killed


@pytest.mark.fault
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [20, 21])
def test_months_killed_at_any_moment_end_as_one_that_was_not(
    due: str, clock: Shifted, workers: Workers, control: Control, seed: int
) -> None:
    chance, kills = random.Random(seed), Counter[int]()

    def killed(*tasks: str) -> None:
        kills[workers.do(*tasks, at_once=2, killed_after=chance.uniform(0, 0.3))] += 1
        clock.forward(3 * LEASE)  # each attempt at an item has a longer lease

    for month in range(10):
        with playing(due, clock, workers) as play:
            print(f"seed {seed}, month {month}")
            for _ in range(3):
                killed(*RUN)
            play.finish_run()
            play.approve()
            for _ in range(6):
                killed(*SETTLEMENT)
            play.finish_settlement()
            play.next_day()
            killed("reconcile")
            play.clock.forward(301)
            play.finish_reconciling()
            town.assert_all_is_well(play.there, control.final)
    print(kills)
    assert kills[KILLED] >= 50
