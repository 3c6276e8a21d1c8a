"""The work of one claim: a few brokers of a run on one snapshot, and each alone if they fail together."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from payouts import crash
from payouts.month import Month
from payouts.monthend import bounding, correcting, parking, queries, watermark, work, writing
from payouts.monthend.models import Payout, Run
from payouts.monthend.snapshot import one_snapshot
from payouts.monthend.work import Claim, Overtaken
from payouts.program.models import Broker
from payouts.program.terms import Terms

log = logging.getLogger(__name__)

#: How often it is tried again when somebody else, an approval for one, wrote the same rows at the same time.
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Task:
    """A run that is worked on: its month, its terms and the time."""

    run: Run
    month: Month
    terms: Terms
    clock: Callable[[], datetime]


def work_off(task: Task, claims: Sequence[Claim]) -> None:
    """Calculate the brokers of a claim; one that fails is parked with the reason, the others are done.

    What others have claimed meanwhile is left to them. Raises only what is no broker's own fault.
    """
    crash.point("run: claimed")
    for each in claims:
        if each.attempts > work.MOST_ATTEMPTS:
            _park(task, each, *parking.never_ended(each.attempts - 1))
    claims = [each for each in claims if each.attempts <= work.MOST_ATTEMPTS]
    if claims:
        _together_or_alone(task, claims)


def _together_or_alone(task: Task, claims: Sequence[Claim]) -> None:
    problem = _calculated(task, claims)
    if problem is None:
        return
    if len(claims) > 1:
        for each in claims:
            _together_or_alone(task, [each])
    elif isinstance(problem, Overtaken):
        log.warning("broker %s of %s was claimed by another", claims[0].broker_code, task.month)
    else:
        log.error("parked broker %s of %s", claims[0].broker_code, task.month, exc_info=problem)
        _park(task, claims[0], *parking.words(problem))


def _calculated(task: Task, claims: Sequence[Claim]) -> Exception | None:
    """What kept the brokers from being calculated; None if nothing did. Raises what is nobody's fault."""
    try:
        _calculate(task, claims)
    except Exception as problem:
        if parking.is_everybodys(problem):
            raise
        return problem
    return None


def _calculate(task: Task, claims: Sequence[Claim]) -> None:
    for left in reversed(range(_TRIES)):
        try:
            with one_snapshot():
                payout_ids = _write(task, claims)
            break
        except Exception as problem:
            if not left or not parking.is_collision(problem):
                raise
    crash.point("run: committed")
    work.renew(claims, now=task.clock())
    with transaction.atomic():
        bounding.write_bounds(payout_ids=payout_ids, now=task.clock())
        crash.point("run: bounds written")
        work.finish(claims, now=task.clock())
    crash.point("run: done")


def _write(task: Task, claims: Sequence[Claim]) -> list[int]:
    """Payouts, lines and corrections of one instant, unless somebody has overtaken the claim."""
    with connection.cursor() as cursor:
        # A process that is stopped here, and not killed, would keep whoever claims its items waiting.
        cursor.execute(
            f"SET LOCAL idle_in_transaction_session_timeout = {int(work.LEASE.total_seconds())}000"
        )
    work.must_hold(claims)
    codes = _not_approved(task.run, [each.broker_code for each in claims])
    months = queries.months_as_they_stand(month=task.month, terms=task.terms, broker_codes=codes)
    found = correcting.find(month=task.month, broker_codes=codes)
    payouts = writing.write_payouts(
        task.run,
        months,
        seen=watermark.visible(),
        corrections={code: correcting.total(each) for code, each in found.items()},
    )
    crash.point("run: payouts written")
    writing.write_lines(task.month.first_date, months, payout_ids=payouts.values())
    crash.point("run: lines written")
    correcting.write(payouts=payouts, found=found)
    correcting.take_from_later_drafts(month=task.month, broker_codes=codes)
    crash.point("run: corrections written")
    work.must_hold(claims, lock=True)
    crash.point("run: before commit")
    return list(payouts.values())


def _not_approved(run: Run, codes: Sequence[int]) -> list[int]:
    approved = Payout.objects.filter(run=run, broker__in=codes, approved_at__isnull=False)
    done = set(approved.values_list("broker_id", flat=True))
    return [code for code in codes if code not in done]


def _park(task: Task, claim: Claim, reason: str, next_step: str) -> None:
    try:
        with transaction.atomic():
            broker = Broker.objects.get(code=claim.broker_code)
            if writing.write_parked(task.run, broker, terms=task.terms):
                work.park(claim, reason=reason, next_step=next_step, now=task.clock())
            else:
                work.finish([claim], now=task.clock())
    except Overtaken:
        log.warning("broker %s of %s was claimed by another", claim.broker_code, task.month)
