"""`kill -9` at every named step from the close of a month to the day its credits are compared.

However often and wherever a worker is killed: the books are those of a month in which nobody was, the
exchange lists each key once, and each payout was credited once.
"""

import signal
from collections import Counter

from payouts.monthend import work
from payouts.settlement import asking, reconciling, sending
from portal.simulator.credit_faults import Fault
from tests.faults import town
from tests.faults.playing import Control, playing
from tests.faults.town import IDLE, LATE, OCTOBER, SUSPENDED, VOIDED
from tests.faults.workers import LEASE, Shifted, Workers

KILLED = -signal.SIGKILL
#: Of these the same key is sent again; of the others the lookup finds the credit.
SENT_AGAIN = ("asking: before the request", "asking: after the answer")


def test_what_the_month_comes_to_when_nobody_is_killed(control: Control) -> None:
    october = [row for row in control.final["payouts"] if row[0] == OCTOBER.first_date]
    assert [(row[1], str(row[10]), str(row[16]), str(row[19]), row[11]) for row in october[:6]] == [
        (2001, "4.07", "0.00", "4.07", "credited"),
        (LATE, "4.07", "812.08", "816.15", "credited"),
        (VOIDED, "0.07", "-4.01", "-3.94", "carried"),
        (SUSPENDED, "4.08", "0.00", "4.08", "approved"),
        (IDLE, "0.00", "0.00", "0.00", "nil"),
        (2006, "4.08", "0.00", "4.08", "credited"),
    ]
    kinds = Counter(row[3] for row in control.final["correction lines"])
    assert kinds == {"late volume": 2, "tier repricing": 1, "voided fills": 1, "rounding": 2}
    assert len(control.final["exchange's credits"]) == town.CREDITS == 16


def test_a_month_killed_at_every_step(due: str, clock: Shifted, workers: Workers, control: Control) -> None:
    with playing(due, clock, workers) as play:
        for point in work.CRASH_POINTS:
            assert (point, workers.do("calculate", killed=point)) == (point, KILLED)
            clock.forward(LEASE)
            play.finish_run()
            assert (point, town.drafts() == control.drafts) == (point, True)
        play.approve()
        for point in sending.CRASH_POINTS:
            assert (point, workers.do("send_credits", killed=point)) == (point, KILLED)
            clock.forward(LEASE)
            assert workers.do("ask_credits") == 0
        for point in asking.CRASH_POINTS:
            play.there.faults.will(Fault.RESET_BEFORE if point in SENT_AGAIN else Fault.RESET_AFTER)
            assert workers.do("send_credits") == 0
            clock.forward(3)
            assert (point, workers.do("ask_credits", killed=point)) == (point, KILLED)
            clock.forward(LEASE)
        play.finish_settlement()
        for point in reconciling.CRASH_POINTS:
            play.next_day()
            assert (point, workers.do("reconcile", killed=point)) == (point, KILLED)
            clock.forward(301)
            play.finish_reconciling()
        town.assert_money_moved_once(play.there)
        found = town.final_books()
    # More days were compared than without accidents, each of them the same.
    assert found.pop("reconciled")[:1] == control.final["reconciled"]
    assert found == {name: rows for name, rows in control.final.items() if name != "reconciled"}
