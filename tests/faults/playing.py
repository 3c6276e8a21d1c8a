"""A month played from its close to the day on which its credits are compared, with or without accidents."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Q

from payouts.models import Attempt, Reconciliation, Run, WorkItem
from payouts.settlement import allowed
from portal.simulator.answering import AnsweringExchange
from tests import make
from tests.exchange import answering
from tests.faults import town
from tests.faults.copies import copy_of
from tests.faults.town import OCTOBER, Rows
from tests.faults.workers import LEASE, Shifted, Workers

RUN = ("close_due_months", "work_runs", "hold_payouts")
SETTLEMENT = ("ask_credits", "send_credits")
#: More restarts than any accident needs.
_MOST = 8


@dataclass
class Play:
    clock: Shifted
    workers: Workers
    there: AnsweringExchange

    def finish_run(self) -> None:
        self._until(is_calculated, *RUN)

    def approve(self) -> None:
        town.approve_month(OCTOBER, at=self.clock())

    def finish_settlement(self) -> None:
        self._until(lambda: is_settled(self.clock), *SETTLEMENT)

    def next_day(self) -> None:
        """A quarter past midnight, when the day before is compared."""
        midnight = self.clock().replace(hour=0, minute=15, second=0, microsecond=0)
        self.clock.forward((midnight + timedelta(days=1) - self.clock()).total_seconds())

    def finish_reconciling(self) -> None:
        self._until(is_compared, "reconcile", seconds=301)

    def _until(self, done: Callable[[], bool], *tasks: str, seconds: float = LEASE) -> None:
        """Restart whoever does it, each time after the lease of who was killed, until nothing is left."""
        for _ in range(_MOST):
            assert self.workers.do(*tasks) == 0
            if done():
                return
            self.clock.forward(seconds)
        raise AssertionError(f"{tasks} are not done after {_MOST} restarts")


def is_calculated() -> bool:
    run = Run.objects.filter(month=OCTOBER.first_date)
    return run.exists() and not WorkItem.objects.filter(run__in=run, state__in=["due", "working"]).exists()


def is_settled(clock: Callable[[], Any]) -> bool:
    under_way = Attempt.objects.filter(~Q(state__in=["confirmed", "rejected"]))
    return not under_way.exists() and not allowed.due(now=clock(), most=1)


def is_compared() -> bool:
    return Reconciliation.objects.exists() and not Reconciliation.objects.filter(done_at=None).exists()


@contextmanager
def playing(due: str, clock: Shifted, workers: Workers) -> Iterator[Play]:
    """On a database in which October is due, and with an exchange, of its own."""
    with copy_of(due, "played"):
        clock.forward((make.NOW - clock()).total_seconds())
        with answering(clock=clock) as there:
            workers.there = there
            yield Play(clock, workers, there)


@dataclass(frozen=True, slots=True)
class Control:
    """What a month without accidents comes to: the drafts of its run, and its books at the very end."""

    drafts: dict[str, Rows]
    final: dict[str, Rows]


def without_accidents(due: str, clock: Shifted, workers: Workers) -> Control:
    with playing(due, clock, workers) as play:
        play.finish_run()
        drafts = town.drafts()
        play.approve()
        play.finish_settlement()
        play.next_day()
        play.finish_reconciling()
        final = town.final_books()
        town.assert_money_moved_once(play.there)
        assert len(play.there.credits.listed()) == town.CREDITS
    assert {row[11] for row in final["payouts"]} == {"approved", "carried", "credited", "nil"}
    return Control(drafts, final)
