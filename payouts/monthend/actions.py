"""Calculates months: one run a month, recalculated until its payouts are approved, one broker at a time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection, transaction

from payouts import crash
from payouts.month import Month
from payouts.monthend import chunk, lanes, queries, work
from payouts.monthend.chunk import Task
from payouts.monthend.models import Payout, Run, WorkItem
from payouts.program.terms import Terms, entry_named, terms_for
from payouts.refusal import Refusal

#: A month closes by itself on the 1st at 00:30 UTC: late enough for the last fills to have arrived.
CLOSES_AFTER = timedelta(minutes=30)

#: The first of the two numbers of the advisory lock; the second is the month.
_CALCULATION_LOCK = 7_230_003
#: Brokers of one claim: a month's fills are read once for the bounds of all of them.
_MOST_AT_ONCE = 500
#: Fewer brokers are not worth a second connection.
_WORTH_TWO_LANES = 20
#: Between looks at what others are at work on.
_WAIT = timedelta(milliseconds=100)

Clock = Callable[[], datetime]


class MonthNotOver(Refusal):
    """A month in progress has no run; it can only be looked at as it stands."""


class NoRun(Refusal):
    """The month has not been calculated yet."""


class NotInTheRun(Refusal):
    """No broker of the run has this code."""


class AlreadyApproved(Refusal):
    """The payout is approved, and is never calculated again."""


def calculate(*, month: Month, now: datetime, terms: Terms | None = None) -> Run:
    """Calculate a finished month, or calculate it again from the books as they stand.

    "On the first day of every month, broker tiers are updated and payouts calculated." Every payout that is
    not approved is calculated anew, which voids its preparation; one that fails is parked and keeps no
    other. Whoever comes second waits for the first and finds the one run. Refuses `MonthNotOver`.
    """
    _must_be_over(month, now)
    with _one_at_a_time(month):
        return _calculate(month, terms or terms_for(month), _from(now), now)


def recalculate_one(*, month: Month, broker_code: int, now: datetime) -> WorkItem:
    """Calculate one broker's part of a run again, for example after what parked it has been repaired.

    The item says whether it went well. Refuses `NoRun`, `NotInTheRun`, `AlreadyApproved`.
    """
    with _one_at_a_time(month):
        run = queries.run_of(month)
        if run is None:
            raise NoRun(f"{month} has no run yet: calculate the month first.")
        if Payout.objects.filter(run=run, broker=broker_code, approved_at__isnull=False).exists():
            raise AlreadyApproved(
                f"The payout of broker {broker_code} for {month} is approved: what has changed since is"
                " corrected with its next payout."
            )
        if not work.ask(run_id=run.pk, now=now, broker_codes=[broker_code]):
            raise NotInTheRun(f"No broker has the code {broker_code}: look at the list of brokers.")
        _work(Task(run, month, _terms_of(run, month), _from(now)))
    return WorkItem.objects.get(run=run, broker=broker_code)


def close_due_months(*, now: datetime) -> list[Month]:
    """Calculate every month that is over and has no run, in order, from the first with a fill.

    A run that somebody left unfinished is finished first, and one that lacks a broker whose records were
    replayed after it gets that broker. The rows say what is due, so it does not matter
    who asks, how often, or how long nobody did. A month that somebody else is closing is left to them. A
    month that fails keeps no other open; what went wrong is raised at the end as an `ExceptionGroup`. A
    parked broker is no failure: its item says why.
    """
    closed, failed = [], []
    work.ask_for_newcomers(now=now)
    unfinished = [Month.of_date(first) for first in work.months_left()]
    for month in sorted({*unfinished, *due_months(now=now)}):
        try:
            if _close(month, now):
                closed.append(month)
        except Exception as problem:
            problem.add_note(f"while calculating {month}")
            failed.append(problem)
    if failed:
        raise ExceptionGroup("months that could not be calculated", failed)
    return closed


def work_due(*, clock: Clock) -> int:
    """Do what waits in any run and nobody is at work on, oldest month first; how many brokers that were.

    Waits for nobody: for a sweep that comes often.
    """
    done = 0
    while claims := work.claim(run_id=None, now=clock(), most=_MOST_AT_ONCE):
        run = Run.objects.get(pk=claims[0].run_id)
        month = Month.of_date(run.month)
        chunk.work_off(Task(run, month, _terms_of(run, month), clock), claims)
        done += len(claims)
    return done


def due_months(*, now: datetime) -> list[Month]:
    """Months that should have a run by now and have none, oldest first."""
    month = queries.first_month_with_fills()
    calculated = set(Run.objects.values_list("month", flat=True))
    due = []
    while month is not None and month.is_over(now - CLOSES_AFTER):
        if month.first_date not in calculated:
            due.append(month)
        month = month.next()
    return due


def _close(month: Month, now: datetime) -> bool:
    """Calculate a month, or finish what of it is left; False if somebody else is about to.

    It waits for nobody: workers that queued here would leave letters and credits lying.
    """
    _must_be_over(month, now)
    with _one_at_a_time(month, waiting=False) as is_ours:
        if not is_ours:
            return False
        run = queries.run_of(month)
        if run is None:
            _calculate(month, terms_for(month), _from(now), now)
        else:
            _work(Task(run, month, _terms_of(run, month), _from(now)))
    return True


def _calculate(month: Month, terms: Terms, clock: Clock, now: datetime) -> Run:
    with transaction.atomic():
        run, is_new = Run.objects.get_or_create(
            month=month.first_date, defaults={"calculated_at": now, "terms": terms.name}
        )
        if not is_new:
            run.calculated_at, run.terms = now, terms.name
            run.save(update_fields=["calculated_at", "terms"])
        crash.point("run: opened")
        work.ask(run_id=run.pk, now=now)
    crash.point("run: items made")
    _work(Task(run, month, terms, clock))
    return run


def _work(task: Task) -> None:
    """Work on a run until nothing of it is left, also what others have claimed and do not finish."""
    while True:
        waiting = work.waiting(task.run.pk, now=task.clock())
        if waiting:
            number = lanes.number_for(waiting, least=_WORTH_TWO_LANES)
            most = min(_MOST_AT_ONCE, -(-waiting // number))
            lanes.run(lambda most=most: _claim_and_work(task, most), lanes=number)  # type: ignore[misc]
        elif work.is_left(task.run.pk):
            time.sleep(_WAIT.total_seconds())
        else:
            return


def _claim_and_work(task: Task, most: int) -> None:
    while claims := work.claim(run_id=task.run.pk, now=task.clock(), most=most):
        chunk.work_off(task, claims)


def _must_be_over(month: Month, now: datetime) -> None:
    if not month.is_over(now):
        raise MonthNotOver(f"{month} is not over: it ends at {month.ends_at:%Y-%m-%d %H:%M} UTC")


def _terms_of(run: Run, month: Month) -> Terms:
    return entry_named(run.terms) if run.terms else terms_for(month)


def _from(now: datetime) -> Clock:
    """The time as it passes from the door's now: leases end, however long the work takes."""
    begun = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - begun)


@contextmanager
def _one_at_a_time(month: Month, *, waiting: bool = True) -> Iterator[bool]:
    """Calculations of a month queue here, or learn that another is under way.

    Saves work only: what makes one run, and one payout a broker, is the unique month and the fences.
    """
    key = [_CALCULATION_LOCK, month.year * 12 + month.number]
    with connection.cursor() as cursor:
        if waiting:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", key)
        else:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
            if not cursor.fetchone()[0]:
                yield False
                return
    try:
        yield True
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)
