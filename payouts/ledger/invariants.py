"""What must always be true of the ledger by itself: transactions sum to zero and are of their kind."""

from payouts.ledger.invariant import Invariant

_PAST_THE_APPLICATION = (
    "The application cannot do this: somebody wrote to the ledger as its owner. Nothing is approved or sent"
    " until `manage.py check_books` finds nothing; restore the rows from the backup."
)

#: The name says what must hold.
INVARIANTS: dict[str, Invariant] = {
    "a ledger transaction sums to zero": Invariant(
        """
        SELECT made.id, made.kind, made.reference, coalesce(sum(entry.amount), 0) AS sum
        FROM ledger_transaction AS made LEFT JOIN ledger_entry AS entry ON entry.transaction_id = made.id
        GROUP BY made.id HAVING coalesce(sum(entry.amount), 0) <> 0 OR count(entry.id) = 0
        """,
        _PAST_THE_APPLICATION,
    ),
    "a ledger entry belongs to the broker of its transaction": Invariant(
        """
        SELECT entry.id, entry.broker_id, made.broker_id AS broker_of_transaction
        FROM ledger_entry AS entry LEFT JOIN ledger_transaction AS made ON made.id = entry.transaction_id
        WHERE entry.broker_id IS DISTINCT FROM made.broker_id
        """,
        _PAST_THE_APPLICATION,
    ),
    "the ledger is in whole cents": Invariant(
        "SELECT id, transaction_id, amount FROM ledger_entry WHERE amount <> round(amount, 2)",
        _PAST_THE_APPLICATION,
    ),
    "nothing is booked twice": Invariant(
        """
        SELECT kind, reference, count(*) AS times FROM ledger_transaction
        GROUP BY kind, reference HAVING count(*) > 1
        """,
        _PAST_THE_APPLICATION,
    ),
    "a ledger transaction moves money as its kind says": Invariant(
        """
        SELECT made.id, made.kind, made.reference,
               coalesce(string_agg(entry.account, '+' ORDER BY entry.account), '') AS accounts
        FROM ledger_transaction AS made LEFT JOIN ledger_entry AS entry ON entry.transaction_id = made.id
        WHERE made.kind <> 'reversal'
        GROUP BY made.id
        HAVING NOT coalesce(string_agg(entry.account, '+' ORDER BY entry.account), '') = ANY (
            CASE made.kind
                WHEN 'accrual' THEN ARRAY['owed+rebates'] WHEN 'correction' THEN ARRAY['owed+rebates']
                WHEN 'adjustment' THEN ARRAY['owed+rebates'] WHEN 'credit' THEN ARRAY['credited+owed']
                WHEN 'hold' THEN ARRAY['held+owed'] WHEN 'release' THEN ARRAY['held+owed']
                WHEN 'forfeit' THEN ARRAY['held+rebates', 'owed+rebates'] ELSE ARRAY[]::text[]
            END)
        """,
        _PAST_THE_APPLICATION,
    ),
    "a reversal mirrors its transaction": Invariant(
        """
        SELECT made.id, made.reverses_id, accounts.account, entry.amount, mirrored.amount AS mirrors
        FROM ledger_transaction AS made
        CROSS JOIN (VALUES ('owed'), ('held'), ('rebates'), ('credited')) AS accounts (account)
        LEFT JOIN ledger_entry AS entry ON entry.transaction_id = made.id AND entry.account = accounts.account
        LEFT JOIN ledger_entry AS mirrored
            ON mirrored.transaction_id = made.reverses_id AND mirrored.account = accounts.account
        WHERE made.kind = 'reversal' AND coalesce(entry.amount, 0) <> -coalesce(mirrored.amount, 0)
        """,
        _PAST_THE_APPLICATION,
    ),
    "what is held of a broker is never less than nothing": Invariant(
        """
        SELECT broker_id, sum(amount) AS held FROM ledger_entry WHERE account = 'held'
        GROUP BY broker_id HAVING sum(amount) < 0
        """,
        "See the broker's ledger: Staff › Ledger, with `hold`, `release` and `forfeit` of its payouts.",
    ),
}
