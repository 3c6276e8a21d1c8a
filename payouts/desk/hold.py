"""Holds: a payout that is not approved is held by each case under which its broker is stopped."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import connection, transaction

from payouts.desk.cases import entry
from payouts.desk.models import Case, CaseEntry
from payouts.month import Month

#: Suspended or terminated at the instant; what was approved is past holding; a hold is made once.
_HOLD = """
    WITH made AS (
        INSERT INTO payout_hold (payout_id, case_id, held_at)
        SELECT DISTINCT payout.id, change.case_id, %(now)s::timestamptz
        FROM payout
        JOIN standing_range AS stopped ON stopped.broker_id = payout.broker_id
             AND stopped.starts_at <= %(now)s AND (stopped.ends_at IS NULL OR stopped.ends_at > %(now)s)
        JOIN standing_change AS change ON change.id = stopped.change_id
        WHERE payout.approved_at IS NULL AND (%(code)s::integer IS NULL OR payout.broker_id = %(code)s)
          AND NOT EXISTS (SELECT FROM payout_hold AS held
                          WHERE held.payout_id = payout.id AND held.case_id = change.case_id)
        ON CONFLICT DO NOTHING
        RETURNING payout_id, case_id
    )
    SELECT made.case_id, month_run.month, payout.payout
    FROM made JOIN payout ON payout.id = made.payout_id JOIN month_run ON month_run.id = payout.run_id
    ORDER BY made.case_id, month_run.month
"""

#: With the change that stopped the broker when it was held: the latest of the case's that had begun.
_HOLDS = """
    SELECT held.payout_id, held.case_id, why.kind, why.reason, held.held_at
    FROM payout_hold AS held
    JOIN LATERAL (
        SELECT kind, reason FROM standing_change AS change
        WHERE change.case_id = held.case_id AND change.kind IN ('suspended', 'terminated')
        ORDER BY effective_at <= held.held_at DESC, effective_at DESC, id DESC LIMIT 1
    ) AS why ON true
    WHERE held.payout_id = ANY (%s)
    ORDER BY held.held_at, held.id
"""

_HELD = """
    SELECT DISTINCT ON (month_run.month) payout.id, month_run.month, payout.payout, payout.account_id
    FROM payout JOIN month_run ON month_run.id = payout.run_id
    JOIN payout_hold AS held ON held.payout_id = payout.id
    WHERE payout.broker_id = %s ORDER BY month_run.month
"""


#: By month, with what stopped the broker: of several cases the one that held first.
_HELD_MONTHS = """
    SELECT DISTINCT ON (month_run.month) month_run.month, why.kind
    FROM payout JOIN month_run ON month_run.id = payout.run_id
    JOIN payout_hold AS held ON held.payout_id = payout.id
    JOIN LATERAL (
        SELECT kind FROM standing_change AS change
        WHERE change.case_id = held.case_id AND change.kind IN ('suspended', 'terminated')
        ORDER BY effective_at <= held.held_at DESC, effective_at DESC, id DESC LIMIT 1
    ) AS why ON true
    WHERE payout.broker_id = %s ORDER BY month_run.month, held.held_at, held.id
"""


@dataclass(frozen=True, slots=True)
class Hold:
    """That a case holds a payout, since when, and why."""

    case_id: int
    #: "suspended" or "terminated".
    kind: str
    #: The category, as `Reason` names it.
    reason: str
    held_at: datetime


@dataclass(frozen=True, slots=True)
class HeldPayout:
    """A payout that is held; `amount` in dollars, whole cents."""

    payout_id: int
    #: The first day of its month.
    month: date
    amount: Decimal
    account_id: str
    holds: list[Hold]


@transaction.atomic
def hold_due(*, now: datetime, broker_code: int | None = None) -> int:
    """Hold every payout that is not approved of a broker that is stopped at `now`; how many holds were made.

    Each case under which the broker is suspended or terminated holds it for itself. Whoever comes second
    finds nothing to do. A hold stays when the suspension is lifted: releasing is an act of its own.
    `broker_code` leaves out all other brokers.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, {"now": now, "code": broker_code})
        made: dict[int, list[tuple[date, Decimal]]] = defaultdict(list)
        for case_id, month, amount in cursor.fetchall():
            made[case_id].append((month, amount))
    for case in Case.objects.filter(pk__in=made).order_by("pk"):
        months = ", ".join(f"{month:%Y-%m}: {amount:f} USD" for month, amount in made[case.pk])
        entry(case, CaseEntry.Kind.HELD, by=None, now=now, text=months)
    return sum(map(len, made.values()))


def holds_of(payout_ids: Iterable[int]) -> dict[int, list[Hold]]:
    """What holds each of the payouts, oldest first; a payout that nothing holds is left out."""
    found: dict[int, list[Hold]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_HOLDS, [list(payout_ids)])
        for payout_id, *hold in cursor.fetchall():
            found[payout_id].append(Hold(*hold))
    return dict(found)


def held_months(broker_code: int) -> dict[Month, str]:
    """The months whose payout is held, each with "suspended" or "terminated". One query."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD_MONTHS, [broker_code])
        return {Month.of_date(month): kind for month, kind in cursor.fetchall()}


def held(broker_code: int) -> list[HeldPayout]:
    """A broker's payouts that are held, by month."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [broker_code])
        rows = cursor.fetchall()
    holds = holds_of(row[0] for row in rows)
    return [
        HeldPayout(payout_id, month, amount, account_id, holds[payout_id])
        for payout_id, month, amount, account_id in rows
    ]
