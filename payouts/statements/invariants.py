"""What must always be true of statements: numbered without gaps, signed, and what was approved and booked."""

from payouts.ledger.invariant import Check, Invariant
from payouts.statements import checks

_ISSUE = (
    "Issue what is missing with `manage.py issue_statements`. If a statement belongs to another payout,"
    " somebody wrote to the tables as their owner: restore the rows from the backup."
)
_PAST_THE_APPLICATION = (
    "The application cannot do this: somebody wrote to the tables as their owner. Nothing is approved or"
    " sent until `manage.py check_books` finds nothing; restore the rows from the backup."
)

#: The name says what must hold.
INVARIANTS: dict[str, Invariant] = {
    "every approved payout has its statement": Invariant(
        """
        SELECT payout.id AS payout, payout.broker_id AS broker, month_run.month, statement.id AS statement
        FROM (SELECT payout.*, approved_at IS NOT NULL AS is_approved FROM payout) AS payout
        JOIN month_run ON month_run.id = payout.run_id
        LEFT JOIN statement ON statement.payout_id = payout.id
        WHERE payout.is_approved <> (statement.id IS NOT NULL)
           OR (statement.broker_id, statement.month) <> (payout.broker_id, month_run.month)
        """,
        _ISSUE,
    ),
    "the statements of a broker are numbered without gaps": Invariant(
        """
        SELECT id AS statement, broker_id AS broker, number, previous_number, place
        FROM (SELECT *, row_number() OVER (PARTITION BY broker_id ORDER BY number, id) AS place
              FROM statement) AS placed
        WHERE number <> place OR coalesce(previous_number, 0) <> place - 1
        """,
        _PAST_THE_APPLICATION,
    ),
    # Adjustments are booked when they are confirmed, each in a transaction of its own.
    "what a statement says is due = what its payout makes payable = what is booked for it": Invariant(
        """
        WITH live AS (
            SELECT made.reference, entry.amount
            FROM ledger_transaction AS made
            JOIN ledger_entry AS entry ON entry.transaction_id = made.id AND entry.account = 'owed'
            WHERE made.kind IN ('accrual', 'correction', 'adjustment')
              AND NOT EXISTS (SELECT FROM ledger_transaction AS mirror WHERE mirror.reverses_id = made.id)
        ), booked AS (
            SELECT payout_id, sum(amount) AS amount FROM (
                SELECT split_part(reference, ':', 2)::bigint AS payout_id, amount FROM live
                WHERE reference LIKE 'payout:%'
                UNION ALL
                SELECT shown.payout_id, live.amount FROM payout_adjustment AS shown
                JOIN adjustment ON adjustment.id = shown.adjustment_id
                JOIN live ON live.reference = 'proposal:' || adjustment.proposal_id
            ) AS each GROUP BY payout_id
        )
        SELECT statement.id AS statement, statement.broker_id AS broker, statement.number, statement.due,
               payout.due AS payable, payout.carried + coalesce(booked.amount, 0) AS booked
        FROM statement JOIN payout ON payout.id = statement.payout_id
        LEFT JOIN booked ON booked.payout_id = payout.id
        WHERE statement.due IS DISTINCT FROM payout.due
           OR statement.due IS DISTINCT FROM payout.carried + coalesce(booked.amount, 0)
        """,
        "Open the broker's ledger: Staff › Ledger. Every booking names its payout or act; nothing is"
        " approved or sent until `manage.py check_books` finds nothing.",
    ),
    # Lengths alone are read, whatever the number of statements.
    "every file of a statement is whole, its document above all": Invariant(
        """
        WITH kept AS (
            SELECT face_id, count(*) AS parts, max(number) AS last, sum(octet_length(content)) AS size
            FROM statement_part GROUP BY face_id
        )
        SELECT statement.id AS statement, statement.broker_id AS broker, statement.number, face.kind,
               face.size, kept.size AS kept, kept.parts
        FROM statement LEFT JOIN statement_face AS face ON face.statement_id = statement.id
        LEFT JOIN kept ON kept.face_id = face.id
        WHERE face.size IS DISTINCT FROM kept.size OR kept.parts IS DISTINCT FROM kept.last + 1
           OR NOT EXISTS (SELECT FROM statement_face AS document
                          WHERE document.statement_id = statement.id AND document.kind = 'json')
        """,
        _PAST_THE_APPLICATION,
    ),
}

#: What no query can tell.
CHECKS: dict[str, Check] = {
    checks.BYTES: Check(checks.bytes_against_their_digest, _PAST_THE_APPLICATION),
    checks.VERIFIES: Check(checks.documents_against_their_signature, _PAST_THE_APPLICATION),
    checks.SAYS_WHAT_WAS_APPROVED: Check(checks.documents_against_their_rows, _PAST_THE_APPLICATION),
    checks.CSV: Check(checks.csv_against_documents, _PAST_THE_APPLICATION),
}
