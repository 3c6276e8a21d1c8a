"""Holds: a payout that is not sent is held by each case under which its broker is stopped.

A hold of a payout that is approved moves what is due of it from `owed` to `held` in the ledger, once, however
many cases hold it; the release of the last one moves back what is left.

**The order of locks**, the same in every act that touches a payout's way (holding, approving, releasing,
forfeiting, sending): the prepared act's row (`proposals.locked`), the intake's lock (`booking.enter`), the
broker's standing lock (`standing.one_at_a_time`; of several brokers the lower code first), rows of payouts
by number, the broker's ledger lock (`ledger.actions.one_at_a_time`). Whoever leaves one out keeps the order
of the others, so that none wait in a ring; and whoever decides by what holds a payout has its standing lock,
so that no hold comes in between.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import connection, transaction

from payouts.desk.cases import entry
from payouts.desk.models import Case, CaseEntry, PayoutHold
from payouts.desk.standing import one_at_a_time
from payouts.ledger import actions as ledger
from payouts.ledger import entries
from payouts.money import EXACT
from payouts.month import Month
from payouts.monthend.models import Payout

#: States in which a payout can be held: what was sent, or has nothing to send, is past holding.
HOLDABLE = ("calculated", "parked", "prepared", "approved")

#: Suspended or terminated at the instant; a hold is made once, and never again after its release.
_DUE = """
    SELECT DISTINCT payout.id AS payout_id, change.case_id, payout.broker_id
    FROM payout
    JOIN standing_range AS stopped ON stopped.broker_id = payout.broker_id
         AND stopped.starts_at <= %(now)s AND (stopped.ends_at IS NULL OR stopped.ends_at > %(now)s)
    JOIN standing_change AS change ON change.id = stopped.change_id
    WHERE payout.state = ANY (%(holdable)s)
      AND (%(code)s::integer IS NULL OR payout.broker_id = %(code)s)
      AND NOT EXISTS (SELECT FROM payout_hold AS held
                      WHERE held.payout_id = payout.id AND held.case_id = change.case_id)
"""
_BROKERS = f"SELECT DISTINCT broker_id FROM ({_DUE}) AS due ORDER BY broker_id"
# By number: the trigger on holds locks each payout.
_HOLD = f"""
    INSERT INTO payout_hold (payout_id, case_id, held_at)
    SELECT payout_id, case_id, %(now)s::timestamptz FROM ({_DUE}) AS due ORDER BY payout_id, case_id
    ON CONFLICT DO NOTHING RETURNING id
"""

#: A hold that nothing has ended.
_IS_OPEN = "NOT EXISTS (SELECT FROM payout_release AS released WHERE released.hold_id = held.id)"

#: What a payout comes to: what is left of it once that is known, else what it will bring.
_AMOUNT = "coalesce(payout.due - payout.withheld, payout.payout + payout.corrections)"

#: With the change that stopped the broker when it was held: the latest of the case's that had begun.
_HOLDS = f"""
    SELECT held.payout_id, held.case_id, why.kind, why.reason, held.held_at
    FROM payout_hold AS held
    JOIN LATERAL (
        SELECT kind, reason FROM standing_change AS change
        WHERE change.case_id = held.case_id AND change.kind IN ('suspended', 'terminated')
        ORDER BY effective_at <= held.held_at DESC, effective_at DESC, id DESC LIMIT 1
    ) AS why ON true
    WHERE held.payout_id = ANY (%s) AND {_IS_OPEN}
    ORDER BY held.held_at, held.id
"""

_HELD = f"""
    SELECT DISTINCT ON (month_run.month) payout.id, month_run.month, {_AMOUNT}, payout.account_id
    FROM payout JOIN month_run ON month_run.id = payout.run_id
    JOIN payout_hold AS held ON held.payout_id = payout.id AND {_IS_OPEN}
    WHERE payout.broker_id = %s AND payout.state = ANY (%s) ORDER BY month_run.month
"""

#: By month, with what stopped the broker: of several cases the one that held first.
_HELD_MONTHS = f"""
    SELECT DISTINCT ON (month_run.month) month_run.month, why.kind
    FROM payout JOIN month_run ON month_run.id = payout.run_id
    JOIN payout_hold AS held ON held.payout_id = payout.id AND {_IS_OPEN}
    JOIN LATERAL (
        SELECT kind FROM standing_change AS change
        WHERE change.case_id = held.case_id AND change.kind IN ('suspended', 'terminated')
        ORDER BY effective_at <= held.held_at DESC, effective_at DESC, id DESC LIMIT 1
    ) AS why ON true
    WHERE payout.broker_id = %s AND payout.state = ANY (%s)
    ORDER BY month_run.month, held.held_at, held.id
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
    """A payout that a case holds; `amount` in dollars, whole cents: what is left of it to be sent.

    Before it is prepared, what its month and its corrections come to.
    """

    payout_id: int
    #: The first day of its month.
    month: date
    amount: Decimal
    account_id: str
    holds: list[Hold]


def hold_due(*, now: datetime, broker_code: int | None = None) -> int:
    """Hold every payout that is not sent of a broker that is stopped at `now`; how many holds were made.

    Each case under which the broker is suspended or terminated holds it for itself. Whoever comes second
    finds nothing to do. A hold stays when the suspension is lifted: releasing is an act of its own, and what
    was released the same case never holds again. `broker_code` leaves out all other brokers. Each broker is
    a transaction of its own, unless the caller has one.
    """
    if broker_code is not None:
        return _hold(broker_code, now)
    with connection.cursor() as cursor:
        cursor.execute(_BROKERS, {"now": now, "code": None, "holdable": list(HOLDABLE)})
        codes = [code for (code,) in cursor.fetchall()]
    return sum(_hold(code, now) for code in codes)


@transaction.atomic
def _hold(broker_code: int, now: datetime) -> int:
    one_at_a_time(broker_code)
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, {"now": now, "code": broker_code, "holdable": list(HOLDABLE)})
        made = [number for (number,) in cursor.fetchall()]
    if not made:
        return 0
    # Read only now: the new holds have locked their payouts.
    holds = list(PayoutHold.objects.filter(pk__in=made).select_related("payout__run").order_by("pk"))
    _move(broker_code, holds, now)
    told: dict[int, list[tuple[date, Decimal]]] = defaultdict(list)
    for each in holds:
        told[each.case_id].append((each.payout.run.month, to_be_sent(each.payout)))
    for case in Case.objects.filter(pk__in=told).order_by("pk"):
        months = ", ".join(f"{month:%Y-%m}: {amount:f} USD" for month, amount in sorted(told[case.pk]))
        entry(case, CaseEntry.Kind.HELD, by=None, now=now, text=months)
    return len(made)


def _move(broker_code: int, made: Sequence[PayoutHold], now: datetime) -> None:
    """Take what approved payouts were to bring out of what is owed, unless it was held already."""
    approved = {each.payout_id: each for each in reversed(made) if each.payout.state == Payout.State.APPROVED}
    before = PayoutHold.objects.filter(payout__in=approved, release__isnull=True)
    held = set(before.exclude(pk__in=[each.pk for each in made]).values_list("payout_id", flat=True))
    for payout_id, each in sorted(approved.items()):
        if payout_id not in held:
            ledger.post(
                kind="hold",
                broker_code=broker_code,
                postings=entries.hold(to_be_sent(each.payout)),
                reference=f"payout:{payout_id}:hold:{each.pk}",
                at=now,
                by=None,
            )


def to_be_sent(payout: Payout) -> Decimal:
    """What is left of a payout to be sent; before it is prepared, what its month and corrections come to."""
    if payout.due is None:
        return EXACT.add(payout.payout, payout.corrections)
    return EXACT.subtract(payout.due, payout.withheld)


def holds_of(payout_ids: Iterable[int]) -> dict[int, list[Hold]]:
    """What holds each of the payouts, oldest first; what nothing holds any more is left out."""
    found: dict[int, list[Hold]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_HOLDS, [list(payout_ids)])
        for payout_id, *hold in cursor.fetchall():
            found[payout_id].append(Hold(*hold))
    return dict(found)


def held_months(broker_code: int) -> dict[Month, str]:
    """The months whose payout is held, each with "suspended" or "terminated". One query."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD_MONTHS, [broker_code, list(HOLDABLE)])
        return {Month.of_date(month): kind for month, kind in cursor.fetchall()}


def held(broker_code: int) -> list[HeldPayout]:
    """A broker's payouts that are held and could be sent otherwise, by month."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [broker_code, list(HOLDABLE)])
        rows = cursor.fetchall()
    holds = holds_of(row[0] for row in rows)
    return [
        HeldPayout(payout_id, month, amount, account_id, holds[payout_id])
        for payout_id, month, amount, account_id in rows
    ]
