"""Reads of settlement: what is under way, what waits for a person, and whether the exchange's list agrees."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from django.db import connection
from django.db.models import Q, QuerySet

from payouts.month import Month
from payouts.settlement import allowed, attempts
from payouts.settlement.models import Attempt, Difference, ExchangeCredit, Reconciliation

#: What has to be done: two people resolve, or one retries.
Kind = Literal["unknown", "rejected", "account changed", "difference"]

_WAITING = """
    SELECT CASE WHEN tried.is_rejected THEN 'rejected' ELSE 'account changed' END, payout.id,
           payout.broker_id, broker.name, month_run.month, payout.due - payout.withheld, tried.attempt_id,
           coalesce(tried.detail, ''), coalesce(tried.decided_at, payout.approved_at)
    FROM payout JOIN broker ON broker.code = payout.broker_id JOIN month_run ON month_run.id = payout.run_id
    LEFT JOIN LATERAL (
        SELECT attempt.id AS attempt_id, attempt.detail, attempt.decided_at, true AS is_rejected
        FROM credit_attempt AS attempt WHERE attempt.payout_id = payout.id AND attempt.sent_at IS NOT NULL
        ORDER BY attempt.number DESC LIMIT 1
    ) AS tried ON true
    WHERE payout.state = 'approved' AND (tried.is_rejected OR payout.account_id <> broker.account_id)
      AND NOT EXISTS (SELECT FROM payout_hold AS held WHERE held.payout_id = payout.id
                      AND NOT EXISTS (SELECT FROM payout_release WHERE hold_id = held.id))
    ORDER BY 9, 2
"""

_TOTALS = """
    SELECT payout.state, count(*), sum(payout.due - payout.withheld)
    FROM payout JOIN month_run ON month_run.id = payout.run_id
    WHERE month_run.month = %s AND payout.state IN ('approved', 'sending', 'credited')
    GROUP BY payout.state
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something about a credit that only people can decide. Amounts are dollars, whole cents."""

    kind: Kind
    #: None only for a difference that belongs to no payout of ours.
    payout_id: int | None
    broker_code: int | None
    broker_name: str
    #: The first day of the payout's month.
    month: date | None
    amount: Decimal | None
    attempt_id: int | None
    difference_id: int | None
    #: In words for staff, with what to do.
    why: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of the exchange's own list."""

    credit_id: str
    account_id: str
    amount: Decimal
    credited_at: datetime


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt as pages show it, with what the exchange lists under its key."""

    id: int
    payout_id: int
    broker_code: int
    month: date
    number: int
    key: str
    account_id: str
    amount: Decimal
    state: str
    state_label: str
    created_at: datetime
    sent_at: datetime | None
    asks: int
    #: None: it is decided, or people have to decide.
    next_ask_at: datetime | None
    credit_id: str
    detail: str
    decided_at: datetime | None
    #: The act of two people that decided it.
    decided_by: int | None
    #: Only two people can decide it.
    needs_people: bool
    listed: list[Listed]


@dataclass(frozen=True, slots=True)
class LastReconciliation:
    """How far the exchange's list was compared, and what is in the way."""

    #: The latest day that was compared, with its figures; None before the first.
    day: date | None
    done_at: datetime | None
    listed: int
    listed_total: Decimal
    confirmed: int
    confirmed_total: Decimal
    #: Days that are finished and not compared yet.
    missing_days: list[date]
    #: Since when the exchange has not answered; None while it does.
    failing_since: datetime | None
    open_differences: int


@dataclass(frozen=True, slots=True)
class Totals:
    """A month's payouts on their way; amounts are dollars, whole cents."""

    to_send: int
    to_send_amount: Decimal
    sending: int
    sending_amount: Decimal
    credited: int
    credited_amount: Decimal


def must_be_decided_by_people(now: datetime) -> Q:
    """Attempts that two people have to resolve, or may: nobody asks any more, or the key is too old."""
    return Q(state=Attempt.State.UNKNOWN) & (
        Q(next_ask_at=None) | Q(sent_at__lte=now - attempts.KEY_IS_SAFE_FOR)
    )


def waiting_for_a_person(*, now: datetime) -> list[Waiting]:
    """Everything that stays as it is until people act, the oldest of each kind first."""
    return [*_unknown(now), *_to_retry(), *_differences()]


def attempts_of(payout_id: int, *, now: datetime) -> list[Tried]:
    """The attempts of a payout, the first one first."""
    return _tried(Attempt.objects.filter(payout=payout_id).order_by("number"), now)


def in_flight(*, now: datetime) -> list[Tried]:
    """Attempts that are not decided, the oldest first."""
    rows = Attempt.objects.filter(state__in=["pending", "sending", "unknown"])
    return _tried(rows.order_by("created_at", "pk"), now)


def last_reconciliation() -> LastReconciliation:
    """How far the exchange's list has been compared with ours."""
    done = Reconciliation.objects.filter(done_at__isnull=False).order_by("-day").first()
    missing = Reconciliation.objects.filter(done_at=None).order_by("day")
    failing = Reconciliation.objects.filter(failing_since__isnull=False).order_by("failing_since").first()
    return LastReconciliation(
        day=done.day if done else None,
        done_at=done.done_at if done else None,
        listed=done.listed if done else 0,
        listed_total=done.listed_total if done else Decimal("0.00"),
        confirmed=done.confirmed if done else 0,
        confirmed_total=done.confirmed_total if done else Decimal("0.00"),
        missing_days=list(missing.values_list("day", flat=True)),
        failing_since=failing.failing_since if failing else None,
        open_differences=Difference.objects.filter(state=Difference.State.OPEN).count(),
    )


def totals(month: Month) -> Totals:
    """What of a month's payouts is approved, on its way and credited."""
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, [month.first_date])
        by_state = {state: (count, amount) for state, count, amount in cursor.fetchall()}
    nothing = (0, Decimal("0.00"))
    return Totals(
        *by_state.get("approved", nothing),
        *by_state.get("sending", nothing),
        *by_state.get("credited", nothing),
    )


def _unknown(now: datetime) -> list[Waiting]:
    rows = Attempt.objects.filter(must_be_decided_by_people(now)).select_related(
        "payout__broker", "payout__run"
    )
    return [
        Waiting(
            "unknown",
            row.payout_id,
            row.payout.broker_id,
            row.payout.broker.name,
            row.payout.run.month,
            row.amount,
            row.pk,
            None,
            row.detail,
            row.sent_at or row.created_at,
        )
        for row in rows.order_by("sent_at", "pk")
    ]


def _to_retry() -> list[Waiting]:
    with connection.cursor() as cursor:
        cursor.execute(_WAITING)
        rows = cursor.fetchall()
    return [
        Waiting(
            kind,
            payout_id,
            code,
            name,
            month,
            amount,
            attempt_id,
            None,
            detail or allowed.ACCOUNT_CHANGED,
            since,
        )
        for kind, payout_id, code, name, month, amount, attempt_id, detail, since in rows
    ]


def _differences() -> list[Waiting]:
    rows = Difference.objects.filter(state=Difference.State.OPEN).select_related(
        "broker", "attempt__payout__run", "credit"
    )
    return [
        Waiting(
            "difference",
            row.attempt.payout_id if row.attempt else None,
            row.broker_id,
            row.broker.name if row.broker else "",
            row.attempt.payout.run.month if row.attempt else None,
            row.credit.amount if row.credit else row.attempt.amount if row.attempt else None,
            row.attempt_id,
            row.pk,
            row.detail,
            row.found_at,
        )
        for row in rows.order_by("found_at", "pk")
    ]


def _tried(rows: QuerySet[Attempt], now: datetime) -> list[Tried]:
    found = list(rows.select_related("payout__run"))
    listed: dict[str, list[Listed]] = {str(each.key): [] for each in found}
    for row in ExchangeCredit.objects.filter(key__in=listed).order_by("credited_at", "pk"):
        listed[row.key].append(Listed(row.credit_id, row.account_id, row.amount, row.credited_at))
    return [
        Tried(
            id=each.pk,
            payout_id=each.payout_id,
            broker_code=each.payout.broker_id,
            month=each.payout.run.month,
            number=each.number,
            key=str(each.key),
            account_id=each.account_id,
            amount=each.amount,
            state=each.state,
            state_label=str(each.get_state_display()),
            created_at=each.created_at,
            sent_at=each.sent_at,
            asks=each.asks,
            next_ask_at=each.next_ask_at,
            credit_id=each.credit_id,
            detail=each.detail,
            decided_at=each.decided_at,
            decided_by=each.decided_by_id,
            needs_people=_needs_people(each, now),
            listed=listed[str(each.key)],
        )
        for each in found
    ]


def _needs_people(attempt: Attempt, now: datetime) -> bool:
    return attempt.state == Attempt.State.UNKNOWN and (
        attempt.next_ask_at is None or attempt.sent_at is None or attempts.too_old(attempt.sent_at, now)
    )
