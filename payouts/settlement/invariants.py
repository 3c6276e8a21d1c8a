"""What must always be true of credits: each made once, of what was approved, as the exchange lists it."""

from payouts.ledger.invariant import Invariant

_RECONCILE = (
    "Open the payout: Staff › Payouts. Ask the exchange with `manage.py settle`, compare its list with"
    " `manage.py reconcile`, and let two people resolve what stays different: Staff › Differences."
)
_PAST_THE_APPLICATION = (
    "The application cannot do this: somebody wrote to the tables as their owner. Nothing is sent until"
    " `manage.py check_books` finds nothing; restore the rows from the backup."
)

#: The name says what must hold.
INVARIANTS: dict[str, Invariant] = {
    "credits confirmed = payouts credited = the ledger's credits": Invariant(
        """
        WITH confirmed AS (
            SELECT payout_id, sum(amount) AS amount, count(*) AS n FROM credit_attempt
            WHERE state = 'confirmed' GROUP BY payout_id
        ), credited AS (
            SELECT id AS payout_id, broker_id, due - withheld AS amount FROM payout WHERE state = 'credited'
        ), booked AS (
            SELECT split_part(made.reference, ':', 2)::bigint AS payout_id, min(made.broker_id) AS broker_id,
                   sum(entry.amount) AS amount
            FROM ledger_transaction AS made JOIN ledger_entry AS entry ON entry.transaction_id = made.id
            WHERE made.kind = 'credit' AND entry.account = 'credited'
              AND NOT EXISTS (SELECT FROM ledger_transaction AS mirror WHERE mirror.reverses_id = made.id)
            GROUP BY 1
        )
        SELECT payout_id, confirmed.amount AS confirmed, credited.amount AS credited, booked.amount AS booked
        FROM confirmed FULL JOIN credited USING (payout_id) FULL JOIN booked USING (payout_id)
        WHERE confirmed.n IS DISTINCT FROM 1 OR confirmed.amount IS DISTINCT FROM credited.amount
           OR confirmed.amount IS DISTINCT FROM booked.amount
           OR credited.broker_id IS DISTINCT FROM booked.broker_id
        """,
        _RECONCILE,
    ),
    "a payout has one attempt at most that is not rejected": Invariant(
        """
        SELECT payout_id, count(*) AS attempts FROM credit_attempt WHERE state <> 'rejected'
        GROUP BY payout_id HAVING count(*) > 1
        """,
        _RECONCILE,
    ),
    "a payout is sending exactly while an attempt is under way": Invariant(
        """
        SELECT payout.id, payout.state, attempt.id AS attempt, attempt.state AS attempt_state
        FROM payout LEFT JOIN credit_attempt AS attempt ON attempt.payout_id = payout.id
            AND attempt.state IN ('pending', 'sending', 'unknown')
        WHERE (payout.state = 'sending') IS DISTINCT FROM (attempt.id IS NOT NULL)
        """,
        _RECONCILE,
    ),
    "what is sent is what was approved": Invariant(
        """
        SELECT attempt.id, attempt.payout_id, attempt.amount, payout.due - payout.withheld AS approved
        FROM credit_attempt AS attempt JOIN payout ON payout.id = attempt.payout_id
        WHERE payout.approved_at IS NULL OR attempt.created_at < payout.approved_at
           OR (attempt.state <> 'rejected' AND attempt.amount <> payout.due - payout.withheld)
           OR attempt.amount <= 0
        """,
        _RECONCILE,
    ),
    "no two attempts have one key": Invariant(
        "SELECT key, count(*) AS attempts FROM credit_attempt GROUP BY key HAVING count(*) > 1",
        _PAST_THE_APPLICATION,
    ),
    "each key is listed once by the exchange, or a difference says so": Invariant(
        """
        SELECT key, count(*) AS credits, sum(amount) AS amount FROM exchange_credit
        GROUP BY key HAVING count(*) > 1 AND NOT EXISTS (
            SELECT FROM credit_difference AS found
            LEFT JOIN exchange_credit AS named ON named.id = found.credit_id
            LEFT JOIN credit_attempt AS attempt ON attempt.id = found.attempt_id
            WHERE named.key = exchange_credit.key OR attempt.key::text = exchange_credit.key)
        """,
        _RECONCILE,
    ),
    # An attempt whose outcome is not known yet may well be listed: it is asked about, and then confirmed.
    "what the exchange lists we have sent, or a difference says so": Invariant(
        """
        SELECT listed.credit_id, listed.key, listed.account_id, listed.amount, attempt.id AS attempt,
               attempt.state, attempt.account_id AS our_account, attempt.amount AS our_amount
        FROM exchange_credit AS listed LEFT JOIN credit_attempt AS attempt ON attempt.key::text = listed.key
        WHERE (attempt.id IS NULL OR attempt.state IN ('pending', 'rejected')
               OR attempt.account_id <> listed.account_id OR attempt.amount <> listed.amount
               OR (attempt.state = 'confirmed' AND attempt.credit_id <> listed.credit_id))
          AND NOT EXISTS (SELECT FROM credit_difference AS found
                          LEFT JOIN exchange_credit AS named ON named.id = found.credit_id
                          WHERE named.key = listed.key OR found.attempt_id = attempt.id)
        """,
        _RECONCILE,
    ),
    # Two days are given to the list: a credit that was asked for before midnight may be listed after it.
    "what we have as credited the exchange lists, or a difference says so": Invariant(
        """
        SELECT attempt.id, attempt.payout_id, attempt.key, attempt.credit_id, attempt.decided_at
        FROM credit_attempt AS attempt
        WHERE attempt.state = 'confirmed'
          AND NOT EXISTS (SELECT FROM exchange_credit AS listed WHERE listed.key = attempt.key::text)
          AND NOT EXISTS (SELECT FROM credit_difference AS found WHERE found.attempt_id = attempt.id)
          AND EXISTS (SELECT FROM reconciliation AS done WHERE done.done_at IS NOT NULL
                      AND done.day > (attempt.decided_at AT TIME ZONE 'UTC')::date)
        """,
        _RECONCILE,
    ),
    # The instants are those of two doors, each read before it waited for the other: ten seconds are no proof.
    "no credit was made while its payout was held": Invariant(
        """
        SELECT attempt.id, attempt.payout_id, attempt.created_at, held.held_at, released.released_at
        FROM credit_attempt AS attempt JOIN payout_hold AS held ON held.payout_id = attempt.payout_id
        LEFT JOIN payout_release AS released ON released.hold_id = held.id
        CROSS JOIN unnest(ARRAY[attempt.created_at, attempt.sent_at]) AS moment
        WHERE held.held_at < moment - interval '10 seconds'
          AND (released.id IS NULL OR released.released_at > moment + interval '10 seconds')
        """,
        _RECONCILE,
    ),
    # A terminated broker is paid what two people released of the case that terminated it, and nothing else.
    "no credit was made while its broker was stopped": Invariant(
        """
        SELECT attempt.id, attempt.payout_id, attempt.created_at, attempt.sent_at, stopped.kind,
               stopped.starts_at, stopped.ends_at
        FROM credit_attempt AS attempt JOIN payout ON payout.id = attempt.payout_id
        JOIN standing_range AS stopped ON stopped.broker_id = payout.broker_id
        JOIN standing_change AS change ON change.id = stopped.change_id
        CROSS JOIN unnest(ARRAY[attempt.created_at, attempt.sent_at]) AS moment
        WHERE stopped.starts_at < moment - interval '10 seconds'
          AND change.recorded_at < moment - interval '10 seconds'
          AND (stopped.ends_at IS NULL OR stopped.ends_at > moment + interval '10 seconds')
          AND (stopped.kind = 'suspended' OR NOT EXISTS (
                SELECT FROM payout_hold AS held JOIN payout_release AS released ON released.hold_id = held.id
                WHERE held.payout_id = payout.id AND held.case_id = change.case_id))
        """,
        _RECONCILE,
    ),
    "an unknown credit is decided by the exchange or by two people": Invariant(
        """
        SELECT attempt.id, attempt.payout_id, attempt.state, attempt.decided_by_id
        FROM credit_attempt AS attempt LEFT JOIN money_proposal AS act ON act.id = attempt.decided_by_id
        WHERE attempt.decided_by_id IS NOT NULL
          AND (act.kind, act.state, act.attempt_id) IS DISTINCT FROM ('resolve', 'confirmed', attempt.id)
        """,
        _PAST_THE_APPLICATION,
    ),
}
