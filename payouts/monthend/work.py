"""The work items of runs, one a broker: claimed with a lease, and written only by whoever holds the fence."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

#: How long whoever claims an item may be at work before anybody may claim it; longer with each attempt.
LEASE = timedelta(seconds=60)
_SECONDS = int(LEASE.total_seconds())
#: An item that was begun so often and never ended is parked: it kills whoever does it.
MOST_ATTEMPTS = 5

#: The named steps of a run, in their order, for tests that kill it there.
CRASH_POINTS = (
    "run: opened",
    "run: items made",
    "run: claimed",
    "run: payouts written",
    "run: lines written",
    "run: corrections written",
    "run: before commit",
    "run: committed",
    "run: bounds written",
    "run: done",
)


class Overtaken(Exception):
    """The item was claimed anew or asked for again meanwhile: what this claim found out is not wanted."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to write one broker's part of a run, as long as nobody has a later fence."""

    item_id: int
    run_id: int
    broker_code: int
    fence: int
    attempts: int


#: What is approved is asked for no more: what changes of it is corrected with a later month.
_ASK = """
    INSERT INTO run_item (run_id, broker_id, state, fence, attempts, reason, next_step, changed_at)
    SELECT %(run)s, broker.code, 'due', 0, 0, '', '', %(now)s FROM broker
    WHERE (%(codes)s::integer[] IS NULL OR broker.code = ANY (%(codes)s))
      AND NOT EXISTS (SELECT FROM payout WHERE payout.run_id = %(run)s AND payout.broker_id = broker.code
                      AND payout.approved_at IS NOT NULL)
    ORDER BY broker.code
    ON CONFLICT (run_id, broker_id) DO UPDATE SET state = 'due', fence = run_item.fence + 1,
        lease_until = NULL, attempts = 0, reason = '', next_step = '', changed_at = excluded.changed_at
"""
#: A code may be issued, and its records leave quarantine, after the month was calculated without it.
_ASK_FOR_NEWCOMERS = """
    INSERT INTO run_item (run_id, broker_id, state, fence, attempts, reason, next_step, changed_at)
    SELECT month_run.id, broker.code, 'due', 0, 0, '', '', %(now)s
    FROM (SELECT month, broker_code FROM total_by_month GROUP BY month, broker_code HAVING sum(fills) > 0)
        AS counted
    JOIN month_run ON month_run.month = counted.month
    JOIN broker ON broker.code = counted.broker_code
    WHERE NOT EXISTS (SELECT FROM run_item AS item
                      WHERE item.run_id = month_run.id AND item.broker_id = broker.code)
    ORDER BY month_run.id, broker.code
    ON CONFLICT (run_id, broker_id) DO NOTHING
"""
_IS_FREE = "(item.state = 'due' OR (item.state = 'working' AND item.lease_until <= %(now)s))"
_RUNS = f"""
    SELECT month_run.id FROM month_run
    WHERE EXISTS (SELECT FROM run_item AS item WHERE item.run_id = month_run.id
                  AND item.state IN ('due', 'working') AND {_IS_FREE})
    ORDER BY month_run.month
"""
_CLAIM = f"""
    WITH found AS (
        SELECT item.id FROM run_item AS item
        WHERE item.run_id = %(run)s AND item.state IN ('due', 'working') AND {_IS_FREE}
        ORDER BY item.broker_id LIMIT %(most)s FOR UPDATE SKIP LOCKED
    )
    UPDATE run_item SET state = 'working', fence = run_item.fence + 1, attempts = run_item.attempts + 1,
        lease_until = %(now)s + make_interval(secs => %(lease)s) * (run_item.attempts + 1),
        changed_at = %(now)s
    FROM found WHERE run_item.id = found.id
    RETURNING run_item.id, run_item.run_id, run_item.broker_id, run_item.fence, run_item.attempts
"""
_HELD = """
    FROM unnest(%(items)s::bigint[], %(fences)s::bigint[]) AS claimed (id, fence)
    WHERE run_item.id = claimed.id AND run_item.fence = claimed.fence AND run_item.state = 'working'
"""
_STILL_HELD = """
    SELECT count(*) FROM (
        SELECT run_item.id FROM run_item
        JOIN unnest(%(items)s::bigint[], %(fences)s::bigint[]) AS claimed (id, fence)
            ON run_item.id = claimed.id AND run_item.fence = claimed.fence
        WHERE run_item.state = 'working' ORDER BY run_item.id {lock}
    ) AS held
"""
_LATER_DRAFTS = """
    UPDATE run_item SET state = 'due', fence = run_item.fence + 1, lease_until = NULL, attempts = 0,
        reason = '', next_step = '', changed_at = %(now)s
    FROM month_run, payout
    WHERE month_run.id = run_item.run_id AND month_run.month > %(month)s
      AND payout.run_id = run_item.run_id AND payout.broker_id = run_item.broker_id
      AND payout.approved_at IS NULL AND run_item.broker_id = ANY (%(codes)s)
"""


def ask(*, run_id: int, now: datetime, broker_codes: Collection[int] | None = None) -> int:
    """Ask for every broker's part of a run that is not approved, or for these brokers'; how many that are.

    A new broker gets its item, and whoever is at work on one is overtaken.
    """
    codes = None if broker_codes is None else list(broker_codes)
    with connection.cursor() as cursor:
        cursor.execute(_ASK, {"run": run_id, "now": now, "codes": codes})
        return int(cursor.rowcount)


def ask_for_newcomers(*, now: datetime) -> int:
    """Ask for brokers with fills in a month that was calculated before anything was known of them; how many.

    Nothing else would pay them: what is late is added to a later payout only where there is an earlier one.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ASK_FOR_NEWCOMERS, {"now": now})
        return int(cursor.rowcount)


def ask_for_later_drafts(*, broker_codes: Collection[int], after: date, now: datetime) -> int:
    """Ask again for drafts of later months than one just approved: corrections now go on the next of them.

    Called inside the transaction of the approval; `after` is the first day of the approved month.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LATER_DRAFTS, {"codes": list(broker_codes), "month": after, "now": now})
        return int(cursor.rowcount)


def claim(*, run_id: int | None, now: datetime, most: int) -> list[Claim]:
    """Claim up to so many items of one run that are due or whose lease is over, by broker code.

    Without a run it is the oldest month's that has any. Items that others claim at the same instant are
    passed over. An empty list means that nothing waits.
    """
    runs = _runs_to_do(now) if run_id is None else [run_id]
    for number in runs:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_CLAIM, {"run": number, "now": now, "most": most, "lease": _SECONDS})
            found = sorted((Claim(*row) for row in cursor.fetchall()), key=lambda each: each.broker_code)
        if found:
            return found
    return []


def renew(claims: Sequence[Claim], *, now: datetime) -> None:
    """Begin the lease of claims anew. Raises `Overtaken`."""
    _change(claims, "lease_until = %(now)s + make_interval(secs => %(lease)s) * run_item.attempts", now=now)


def must_hold(claims: Sequence[Claim], *, lock: bool = False) -> None:
    """Nobody has claimed any of it since, or, with `lock`, will before this transaction ends.

    Raises `Overtaken`.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STILL_HELD.format(lock="FOR UPDATE OF run_item" if lock else ""), _names(claims))
        if cursor.fetchone() != (len(claims),):
            raise Overtaken


def finish(claims: Sequence[Claim], *, now: datetime) -> None:
    """The items are done. Raises `Overtaken`."""
    _change(claims, "state = 'done', lease_until = NULL, reason = '', next_step = ''", now=now)


def park(claim: Claim, *, reason: str, next_step: str, now: datetime) -> None:
    """The item failed: why, in plain words, and what to do. Raises `Overtaken`."""
    _change(
        [claim],
        "state = 'parked', lease_until = NULL, reason = %(reason)s, next_step = %(next_step)s",
        now=now,
        reason=reason,
        next_step=next_step,
    )


def waiting(run_id: int, *, now: datetime) -> int:
    """How many items of a run anybody may claim."""
    return _count(f"run_id = %(run)s AND state IN ('due', 'working') AND {_IS_FREE}", run=run_id, now=now)


def is_left(run_id: int) -> bool:
    """Whether any item of a run is neither done nor parked."""
    return _count("run_id = %(run)s AND state IN ('due', 'working')", run=run_id) > 0


def months_left() -> list[date]:
    """The first days of months whose run has items that are neither done nor parked, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT month FROM month_run WHERE EXISTS (SELECT FROM run_item WHERE run_id = month_run.id"
            " AND state IN ('due', 'working')) ORDER BY month"
        )
        return [month for (month,) in cursor.fetchall()]


def _runs_to_do(now: datetime) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_RUNS, {"now": now})
        return [number for (number,) in cursor.fetchall()]


def _change(claims: Sequence[Claim], what: str, *, now: datetime, **values: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE run_item SET {what}, changed_at = %(now)s {_HELD}",
            _names(claims) | {"now": now, "lease": _SECONDS} | values,
        )
        if cursor.rowcount != len(claims):
            raise Overtaken


def _names(claims: Sequence[Claim]) -> dict[str, Any]:
    return {"items": [each.item_id for each in claims], "fences": [each.fence for each in claims]}


def _count(which: str, **values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM run_item AS item WHERE {which}", values)
        return int(cursor.fetchone()[0])
