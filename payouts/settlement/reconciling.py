"""Compares each finished UTC day of the exchange's list of credits with ours. A sweep, often.

What does not agree freezes the broker's sending, or everybody's, until two people have resolved it.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max, Min, Q

from payouts import crash
from payouts.exchange.port import Credited, Exchange, ExchangeUnavailable
from payouts.money import EXACT, ZERO
from payouts.monthend.models import Payout
from payouts.program.models import Broker
from payouts.settlement import attempts, comparing
from payouts.settlement.models import Attempt, Difference, ExchangeCredit, Reconciliation
from payouts.settlement.outcomes import remember

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

#: From midnight UTC until a day is compared. A day later it is compared again, for what is listed late.
WAIT = timedelta(minutes=10)
#: Longer than all pages of a list take.
_LEASE = timedelta(minutes=5)
_AT_MOST = 40
_TURN = timedelta(seconds=60)
_DAY = timedelta(days=1)

CRASH_POINTS = (
    "reconciling: claimed",
    "reconciling: after the list",
    "reconciling: before it is committed",
    "reconciling: committed",
)


@dataclass(frozen=True, slots=True)
class _Claim:
    day: date
    fence: int
    failures: int

    @property
    def begins(self) -> datetime:
        return _midnight(self.day)

    @property
    def ends(self) -> datetime:
        return _midnight(self.day) + _DAY


def reconcile_due(*, exchange: Exchange, clock: Clock) -> int:
    """Compare every day that is due, the oldest first; how many were compared.

    Every day since the first attempt was made, from 00:10 UTC of the next day, and once more a day later.
    Missed days are caught up with. While the exchange does not answer, the day says since when, and is tried
    again later.
    """
    _plan(now=clock())
    compared, ends = 0, clock() + _TURN
    for _ in range(_AT_MOST):
        now = clock()
        claim = _claim(now) if now <= ends else None
        if claim is None:
            break
        crash.point("reconciling: claimed")
        since, until = _span(claim)
        try:
            listed = exchange.credits(since=since, until=until)
        except ExchangeUnavailable:
            _note_outage(claim, now=clock())
            break
        crash.point("reconciling: after the list")
        compared += _write(claim, listed, now=clock())
    return compared


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _second_look(day: date) -> datetime:
    return _midnight(day) + 2 * _DAY + WAIT


@transaction.atomic
def _plan(*, now: datetime) -> None:
    """A row for every finished day that has none."""
    latest = Reconciliation.objects.aggregate(day=Max("day"))["day"]
    if latest is not None:
        day = latest + _DAY
    else:
        first = Attempt.objects.aggregate(at=Min("created_at"))["at"]
        if first is None:
            return
        day = first.astimezone(UTC).date()
    days = []
    while _midnight(day) + _DAY + WAIT <= now:
        days.append(day)
        day += _DAY
    Reconciliation.objects.bulk_create(
        [Reconciliation(day=each, due_at=_midnight(each) + _DAY + WAIT) for each in days],
        ignore_conflicts=True,
    )


@transaction.atomic
def _claim(now: datetime) -> _Claim | None:
    row = (
        Reconciliation.objects.select_for_update(skip_locked=True)
        .filter(
            Q(done_at=None) | Q(done_at__lt=F("due_at")),
            Q(lease_until=None) | Q(lease_until__lte=now),
            due_at__lte=now,
        )
        .order_by("day")
        .first()
    )
    if row is None:
        return None
    row.fence += 1
    row.lease_until = now + _LEASE
    row.save(update_fields=["fence", "lease_until"])
    return _Claim(row.day, row.fence, row.failures)


def _note_outage(claim: _Claim, *, now: datetime) -> None:
    again = attempts.ask_again_after(claim.failures + 3, jitter=claim.day.toordinal() % 7 / 6)
    with transaction.atomic():
        rows = Reconciliation.objects.filter(day=claim.day, fence=claim.fence)
        rows.filter(failing_since=None).update(failing_since=now)
        rows.update(due_at=now + again, lease_until=None, failures=claim.failures + 1)


def _decided_on(claim: _Claim) -> Iterable[Attempt]:
    return Attempt.objects.filter(
        state=Attempt.State.CONFIRMED, decided_at__gte=claim.begins, decided_at__lt=claim.ends
    )


def _span(claim: _Claim) -> tuple[datetime, datetime]:
    """What to ask for: the day, and back to when anything was sent that was confirmed on it."""
    earliest = min([claim.begins, *(each.sent_at for each in _decided_on(claim) if each.sent_at)])
    return earliest - attempts.SKEW, claim.ends + attempts.SKEW


def _write(claim: _Claim, listed: list[Credited], *, now: datetime) -> bool:
    """Keep the list, the differences and the totals. False if another sweep has taken the day over."""
    with transaction.atomic():
        row = Reconciliation.objects.select_for_update().filter(day=claim.day, fence=claim.fence).first()
        if row is None:
            log.warning("the comparison of %s was overtaken: nothing is written", claim.day)
            return False
        remember(listed, now=now)
        of_the_day = list(_decided_on(claim))
        found = comparing.differences(
            _with_earlier(listed),
            [_ours(each) for each in {*_with_keys(listed), *of_the_day}],
            must_be_listed={each.pk for each in of_the_day},
            brokers=_brokers(listed),
        )
        made = _keep(found, now=now)
        today = [each for each in listed if claim.begins <= each.credited_at < claim.ends]
        numbers = {each.credit_id for each in today}
        missing = {each.attempt_id for each in found if each.kind == "missing"}
        confirmed = {
            each.pk: each.amount
            for each in [*Attempt.objects.filter(state="confirmed", credit_id__in=numbers), *of_the_day]
            if each.credit_id in numbers or each.pk in missing
        }
        row.listed, row.listed_total = len(today), _sum(each.amount for each in today)
        row.confirmed, row.confirmed_total = len(confirmed), _sum(confirmed.values())
        row.done_at, row.failing_since, row.failures, row.lease_until = now, None, 0, None
        again = _second_look(claim.day)
        row.due_at = again if now < again else now
        row.save(
            update_fields=[
                "listed", "listed_total", "confirmed", "confirmed_total", "done_at", "failing_since",
                "failures", "lease_until", "due_at",
            ]
        )  # fmt: skip
        crash.point("reconciling: before it is committed")
    crash.point("reconciling: committed")
    if made:
        log.error("%d differences with the exchange's list of %s", made, claim.day)
    return True


def _with_earlier(listed: list[Credited]) -> list[Credited]:
    """With what other days' lists showed under the same keys: one may be credited twice on two days."""
    kept = ExchangeCredit.objects.filter(key__in={each.key for each in listed}).order_by("credited_at", "pk")
    return [
        Credited(row.key, row.credit_id, row.account_id, row.amount, row.credited_at.astimezone(UTC))
        for row in kept
    ]


def _with_keys(listed: list[Credited]) -> list[Attempt]:
    keys = []
    for each in listed:
        try:
            keys.append(UUID(each.key))
        except ValueError:
            continue  # no key of ours: the comparison says so
    return list(Attempt.objects.filter(key__in=keys))


def _ours(attempt: Attempt) -> comparing.Ours:
    state: attempts.State = attempt.state  # type: ignore[assignment]  # the constraint lists the same
    return comparing.Ours(
        attempt.pk,
        attempt.payout.broker_id,
        str(attempt.key),
        state,
        attempt.credit_id,
        attempt.account_id,
        attempt.amount,
    )


def _brokers(listed: list[Credited]) -> dict[str, int]:
    """Whose account it is; else whose it was, by what was to be paid to it."""
    accounts = {each.account_id for each in listed}
    was = Payout.objects.filter(account_id__in=accounts).values_list("account_id", "broker_id")
    present = Broker.objects.filter(account_id__in=accounts).values_list("account_id", "code")
    return dict(was) | dict(present)


def _keep(found: list[comparing.Found], *, now: datetime) -> int:
    """Each difference is found once, whatever became of it since; how many are new."""
    credits = [each.credit for each in found if each.credit is not None]
    rows = iter(remember(credits, now=now))
    made = [
        Difference(
            kind=each.kind,
            broker_id=each.broker_code,
            attempt_id=each.attempt_id,
            credit=next(rows) if each.credit is not None else None,
            detail=each.detail,
            found_at=now,
        )
        for each in found
    ]
    # What two people call rejected because its difference was put right is not found once more as unknown.
    about: set[tuple[int | None, int | None]] = {
        (row.attempt_id, row.credit_id)
        for row in Difference.objects.filter(attempt__isnull=False).filter(
            credit__in=[each.credit_id for each in made if each.credit_id]
        )
    }
    made = [each for each in made if each.kind != "unknown" or (each.attempt_id, each.credit_id) not in about]
    before = Difference.objects.count()
    Difference.objects.bulk_create(made, ignore_conflicts=True)
    return Difference.objects.count() - before


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for each in amounts:
        total = EXACT.add(total, each)
    return total
