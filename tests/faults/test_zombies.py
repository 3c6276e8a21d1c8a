"""Real processes stopped (SIGSTOP) past their lease, woken when others have done their work. With twins."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from payouts.desk import hold
from payouts.models import Attempt, Payout, WorkItem
from payouts.monthend import actions as monthend
from payouts.settlement import asking
from portal.simulator.credit_faults import Fault
from tests.exchange import asking as client
from tests.faults import town
from tests.faults.playing import RUN, Play, is_calculated, playing
from tests.faults.town import CODES, OCTOBER
from tests.faults.workers import LEASE, Shifted, Workers, until_stopped
from tests.payouts.desk.standing_acts import person
from tests.payouts.monthend.racing import eventually

WITHOUT_THE_FENCE = "work.must_hold = work.renew = work.finish = lambda *claims, **how: None"
WITHOUT_A_LOOK_AT_THE_LEASE = "sending.attempts.time_is_left = lambda lease_until, now: True"
#: Whose rows are wanted is waited for as long as its lease; for a test that is a second.
A_SHORT_LEASE = "work.LEASE = timedelta(seconds=1)"
#: After this the exchange has forgotten a key.
A_DAY = 25 * 3_600


@contextmanager
def zombie(play: Play, *tasks: str, at: str, before: str = "") -> Iterator[None]:
    """A worker that is stopped at a crash point; inside the block its lease is over, after it it wakes."""
    process = play.workers.begin(*tasks, stopped=at, before=before)
    try:
        until_stopped(process)
        play.clock.forward(LEASE)
        yield
    finally:
        os.kill(process, signal.SIGCONT)
        ended = play.workers.ended()
    assert ended == 0


def others_finish_the_run(play: Play) -> None:
    """Sweeps pass over what somebody has locked, and come again."""
    eventually(lambda: monthend.work_due(clock=play.clock) == len(CODES), seconds=30)
    assert is_calculated()
    hold.hold_due(now=play.clock())


def october() -> list[str]:
    rows = Payout.objects.filter(run__month=OCTOBER.first_date).order_by("broker")
    return list(rows.values_list("state", flat=True))


def prepare_october(play: Play) -> None:
    """By somebody who looks at what the others have calculated."""
    town.prepare_month(OCTOBER, by=person("pia"), at=play.clock())
    assert set(october()) == {"prepared"}


def test_a_run_that_wakes_when_another_has_finished_it_writes_nothing(
    due: str, clock: Shifted, workers: Workers
) -> None:
    with playing(due, clock, workers) as play:
        with zombie(play, *RUN, at="run: claimed"):
            others_finish_the_run(play)
            prepare_october(play)
            found = town.final_books()

        assert town.final_books() == found
        assert set(october()) == {"prepared"}
        of_october = WorkItem.objects.filter(run__month=OCTOBER.first_date)
        assert set(of_october.values_list("state", "fence", "attempts")) == {("done", 2, 2)}


def test_twin_without_the_fence_it_takes_back_what_was_prepared_since(
    due: str, clock: Shifted, workers: Workers
) -> None:
    with playing(due, clock, workers) as play:
        with zombie(play, *RUN, at="run: claimed", before=WITHOUT_THE_FENCE):
            others_finish_the_run(play)
            prepare_october(play)

        assert set(october()) == {"calculated"}


def test_a_run_that_is_stopped_with_rows_in_hand_loses_them_with_its_lease(
    due: str, clock: Shifted, workers: Workers
) -> None:
    with playing(due, clock, workers) as play:
        with zombie(play, *RUN, at="run: before commit", before=A_SHORT_LEASE):
            others_finish_the_run(play)
            found = town.drafts()

        assert town.drafts() == found
        play.finish_run()
        assert town.drafts() == found


def sent_by_another(play: Play) -> None:
    """Asked by key, the exchange knows of nothing, and the same key is sent by who asks."""
    assert asking.ask_due(exchange=client(play.there, deadline=5, read_timeout=5), clock=play.clock) == 1
    assert [each.key for each in play.there.credits.listed()] == keys()
    assert tries() == [("confirmed", 2)]


def keys() -> list[str]:
    return [str(key) for key in Attempt.objects.values_list("key", flat=True)]


def tries() -> list[tuple[str, int]]:
    return list(Attempt.objects.values_list("state", "fence"))


def test_a_sending_that_wakes_when_its_key_is_forgotten_sends_nothing(
    due: str, clock: Shifted, workers: Workers
) -> None:
    with playing(due, clock, workers) as play:
        with zombie(play, "send_credits", at="credit: before the request"):
            sent_by_another(play)
            play.clock.forward(A_DAY)
            play.there.faults.always["list"] = Fault.DOWN  # nothing else is sent meanwhile

        assert [each.key for each in play.there.credits.listed()] == keys()
        assert tries() == [("confirmed", 2)]
        town.assert_money_moved_once(play.there)


def test_twin_without_a_look_at_the_lease_one_key_is_credited_twice(
    due: str, clock: Shifted, workers: Workers
) -> None:
    with playing(due, clock, workers) as play:
        before = WITHOUT_A_LOOK_AT_THE_LEASE
        with zombie(play, "send_credits", at="credit: before the request", before=before):
            sent_by_another(play)
            play.clock.forward(A_DAY)

        assert Counter(each.key for each in play.there.credits.listed()) == {keys()[0]: 2}


def test_a_run_whose_session_was_ended_while_it_slept_parks_nobody(
    due: str, clock: Shifted, workers: Workers
) -> None:
    """One broker in its claim and nobody who overtook it: that it was stopped is not the broker's fault."""
    with playing(due, clock, workers) as play:
        process = play.workers.begin(
            *RUN, stopped="run: before commit", before=A_SHORT_LEASE, at_once=1, worth_two_lanes=500
        )
        until_stopped(process)
        time.sleep(2)
        os.kill(process, signal.SIGCONT)
        play.workers.ended()

        assert not WorkItem.objects.filter(state="parked").exists()
