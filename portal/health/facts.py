"""What the database says of all that works on it: one look, a handful of short questions."""

from datetime import datetime, timedelta
from typing import Any

from payouts.feed import quarantine, quarantine_share
from portal.health import schema
from portal.health.signs import Facts, Queue

#: Who gave a letter up need not hear of it for ever: a dead one counts for so long.
DEAD_FOR = timedelta(days=7)

_NOT_HELD = """NOT EXISTS (SELECT FROM payout_hold AS held WHERE held.payout_id = payout.id
                 AND NOT EXISTS (SELECT FROM payout_release WHERE hold_id = held.id))"""
_IS_STOPPED = """EXISTS (SELECT FROM standing_range AS stopped WHERE stopped.broker_id = {broker}
                 AND stopped.starts_at <= %(now)s AND (stopped.ends_at IS NULL OR stopped.ends_at > %(now)s)
                 AND stopped.kind = {kind})"""
_IS_TERMINATED = "EXISTS (SELECT FROM standing_range AS ended WHERE ended.broker_id = {broker}\
 AND ended.kind = 'terminated' AND ended.starts_at <= %(now)s)"
_SENT_BEFORE = """EXISTS (SELECT FROM credit_attempt AS tried WHERE tried.payout_id = payout.id
                 AND tried.sent_at IS NOT NULL)"""

#: Name → how many wait, and since when the oldest does.
_QUEUES = {
    # A month is due 30 minutes after its end.
    "months_to_close": """
        SELECT count(*), min((begins + interval '1 month 30 minutes') AT TIME ZONE 'UTC')
        FROM generate_series(
            (SELECT min(month) FROM total_by_rate)::timestamp,
            date_trunc('month', (%(now)s - interval '30 minutes') AT TIME ZONE 'UTC') - interval '1 month',
            interval '1 month') AS begins
        WHERE NOT EXISTS (SELECT FROM month_run WHERE month_run.month = begins::date)
    """,
    "work_of_runs": """
        SELECT count(*), min(coalesce(lease_until, changed_at)) FROM run_item
        WHERE state = 'due' OR (state = 'working' AND lease_until <= %(now)s)
    """,
    "parked_brokers": "SELECT count(*), min(changed_at) FROM run_item WHERE state = 'parked'",
    # Since when nothing stands in the way of it.
    "credits_to_send": f"""
        SELECT count(*), min(greatest(
            payout.approved_at,
            (SELECT max(released_at) FROM payout_release JOIN payout_hold ON payout_hold.id = hold_id
             WHERE payout_hold.payout_id = payout.id),
            (SELECT max(ends_at) FROM standing_range
             WHERE broker_id = payout.broker_id AND ends_at <= %(now)s),
            (SELECT max(resolved_at) FROM credit_difference
             WHERE broker_id = payout.broker_id OR broker_id IS NULL)))
        FROM payout JOIN broker ON broker.code = payout.broker_id
        WHERE payout.state = 'approved' AND payout.due > payout.withheld
          AND payout.account_id = broker.account_id AND {_NOT_HELD} AND NOT {_SENT_BEFORE}
          AND NOT {_IS_STOPPED.format(broker="payout.broker_id", kind="'suspended'")}
          AND NOT EXISTS (SELECT FROM credit_difference AS open WHERE open.state = 'open'
                          AND (open.broker_id IS NULL OR open.broker_id = payout.broker_id))
    """,
    "credits_unknown": """
        SELECT count(*), min(sent_at) FROM credit_attempt WHERE state IN ('sending', 'unknown')
    """,
    # Rejected, or of an account that was changed: a person sends it again.
    "credits_for_people": f"""
        SELECT count(*), min(coalesce(
            (SELECT max(decided_at) FROM credit_attempt WHERE payout_id = payout.id), payout.approved_at))
        FROM payout JOIN broker ON broker.code = payout.broker_id
        WHERE payout.state = 'approved' AND {_NOT_HELD}
          AND (payout.account_id <> broker.account_id OR {_SENT_BEFORE})
    """,
    # A day is due ten minutes after its end.
    "days_to_reconcile": """
        SELECT count(*), min((begins + interval '1 day 10 minutes') AT TIME ZONE 'UTC')
        FROM generate_series(
            date_trunc('day', (SELECT min(created_at) FROM credit_attempt) AT TIME ZONE 'UTC'),
            date_trunc('day', (%(now)s - interval '10 minutes') AT TIME ZONE 'UTC') - interval '1 day',
            interval '1 day') AS begins
        WHERE NOT EXISTS (SELECT FROM reconciliation AS done
                          WHERE done.day = begins::date AND done.done_at IS NOT NULL)
    """,
    "open_differences": "SELECT count(*), min(found_at) FROM credit_difference WHERE state = 'open'",
    "letters_due": """
        SELECT count(*), min(due_at) FROM letter WHERE state IN ('written', 'failed')
          AND due_at <= %(now)s AND (leased_until IS NULL OR leased_until <= %(now)s)
    """,
    # Of those that were no longer needed nobody misses any.
    "dead_letters": """
        SELECT count(*), min(due_at) FROM letter
        WHERE state = 'dead' AND due_at > %(now)s - %(dead_for)s AND last_error <> 'no longer needed'
    """,
    # No answer, or not even asked.
    "questions_about_affiliates": f"""
        SELECT count(*), min(least(failing_since, due_at)) FROM affiliate_check AS said
        WHERE (failing_since IS NOT NULL OR due_at <= %(now)s)
          AND NOT {_IS_TERMINATED.format(broker="said.broker_id")}
    """,
    "questions_about_accounts": """
        SELECT count(*), min(saved_at) FROM application
        WHERE exchange_due_at IS NOT NULL AND account_id <> ''
          AND state IN ('draft', 'submitted', 'in_review', 'information_requested')
    """,
    "changes_of_account": f"""
        SELECT count(*), min(effective_at) FROM account_change AS change
        WHERE state = 'confirmed' AND effective_at <= %(now)s
          AND NOT {_IS_STOPPED.format(broker="change.broker_id", kind="'suspended'")}
    """,
    # The partitions of this month and the next; a third is made ahead, and missed only later.
    "partitions_ahead": """
        SELECT count(*), min(%(now)s::timestamptz)
        FROM unnest(ARRAY[%(now)s, %(now)s + interval '1 month']) AS moment
        WHERE to_regclass('public.fill_' || to_char(moment AT TIME ZONE 'UTC', 'YYYYMM')) IS NULL
    """,
}
_ALL_QUEUES = " UNION ALL ".join(
    f"SELECT '{name}', found.waiting, found.oldest FROM ({query}) AS found (waiting, oldest)"
    for name, query in _QUEUES.items()
)
_REST = """
    SELECT (SELECT beat_at FROM canary WHERE name = 'worker'), latest.checked_at,
           coalesce(jsonb_array_length(latest.breaches), 0),
           (SELECT max(day) FROM reconciliation WHERE done_at IS NOT NULL)
    FROM (VALUES (1)) AS one
    LEFT JOIN LATERAL (SELECT checked_at, breaches FROM books_check ORDER BY checked_at DESC, id DESC LIMIT 1)
        AS latest ON true
"""


def facts(cursor: Any, *, now: datetime) -> Facts:
    """Read everything with a cursor of whichever connection the door has."""
    found = schema.applied(cursor)
    if not schema.wanted() <= found:
        return Facts(schema.latest(found), False, None, None, 0, None)
    cursor.execute(_REST)
    canary, checked_at, breaches, last_reconciled = cursor.fetchone()
    cursor.execute(_ALL_QUEUES, {"now": now, "dead_for": DEAD_FOR})
    queues = {name: Queue(waiting, oldest) for name, waiting, oldest in cursor.fetchall()}
    queues["quarantine_share"] = _share(cursor, now)
    return Facts(schema.latest(found), True, canary, checked_at, breaches, last_reconciled, queues)


def _share(cursor: Any, now: datetime) -> Queue:
    """What went to quarantine in the last hour, if that is suddenly much; else nothing."""
    cursor.execute(quarantine.SHARES, quarantine.share_values(now=now))
    *numbers, first_at = cursor.fetchone()
    counted = quarantine_share.Counted(*map(int, numbers))
    return Queue(counted.quarantined, first_at) if quarantine_share.has_jumped(counted) else Queue(0, None)
