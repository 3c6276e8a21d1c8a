"""What must always be true between payouts, holds, adjustments and the ledger: what is owed has a reason."""

from payouts.ledger.invariant import Invariant

_THE_LEDGER = (
    "Open the broker's ledger: Staff › Ledger. Every booking names its payout, hold or act; nothing is"
    " approved or sent until `manage.py check_books` finds nothing."
)

#: Transactions that no reversal has taken back, with the payout that each names.
_LIVE = """
    live AS (
        SELECT made.id, made.kind, made.broker_id, made.month, made.reference,
               CASE split_part(made.reference, ':', 1)
                   WHEN 'payout' THEN split_part(made.reference, ':', 2)::bigint
                   WHEN 'hold' THEN (SELECT held.payout_id FROM payout_hold AS held
                                     WHERE held.id = split_part(made.reference, ':', 2)::bigint)
               END AS payout_id
        FROM ledger_transaction AS made
        WHERE made.kind <> 'reversal'
          AND NOT EXISTS (SELECT FROM ledger_transaction AS mirror WHERE mirror.reverses_id = made.id)
    )
"""

#: The name says what must hold.
INVARIANTS: dict[str, Invariant] = {
    "every approved payout is booked with its accrual and corrections": Invariant(
        f"""
        WITH {_LIVE}, booked AS (
            SELECT live.kind, live.reference, live.broker_id, live.month, entry.amount
            FROM live JOIN ledger_entry AS entry ON entry.transaction_id = live.id AND entry.account = 'owed'
            WHERE live.kind IN ('accrual', 'correction')
        ), approved AS (
            SELECT 'accrual' AS kind, 'payout:' || payout.id AS reference, payout.broker_id, month_run.month,
                   payout.payout AS amount
            FROM payout JOIN month_run ON month_run.id = payout.run_id
            WHERE payout.approved_at IS NOT NULL AND payout.payout <> 0
            UNION ALL
            SELECT 'correction', 'payout:' || payout.id || ':' || to_char(correction.month, 'YYYY-MM'),
                   payout.broker_id, correction.month, correction.cents
            FROM payout_correction AS correction JOIN payout ON payout.id = correction.payout_id
            WHERE payout.approved_at IS NOT NULL AND correction.cents <> 0
        )
        SELECT kind, reference, approved.broker_id, approved.amount AS approved, booked.amount AS booked
        FROM approved FULL JOIN booked USING (kind, reference)
        WHERE (approved.broker_id, approved.month, approved.amount)
              IS DISTINCT FROM (booked.broker_id, booked.month, booked.amount)
        """,
        _THE_LEDGER,
    ),
    # The truth is the month's own lines and every approved correction of it, without the suspended days that
    # the last release or correction left unpaid.
    "booked for a month = its truth, rounded once": Invariant(
        f"""
        WITH {_LIVE}, of_month AS (
            SELECT payout.id, payout.broker_id, month_run.month, payout.amount, payout.withheld,
                   payout.approved_at
            FROM payout JOIN month_run ON month_run.id = payout.run_id WHERE payout.approved_at IS NOT NULL
        ), corrected AS (
            SELECT payout.broker_id, correction.month, payout.approved_at AS at, correction.suspended,
                   coalesce((SELECT sum(line.amount) FROM correction_line AS line
                             WHERE line.correction_id = correction.id
                               AND line.kind NOT IN ('rounding', 'suspended days')), 0) AS earned
            FROM payout_correction AS correction JOIN payout ON payout.id = correction.payout_id
            WHERE payout.approved_at IS NOT NULL
        ), unpaid AS (
            SELECT of_month.id, corrected.at, corrected.suspended
            FROM of_month JOIN corrected USING (broker_id, month)
            UNION ALL
            SELECT held.payout_id, released.released_at, released.suspended
            FROM payout_release AS released JOIN payout_hold AS held ON held.id = released.hold_id
            WHERE released.mode = 'without suspended days'
        ), latest AS (
            SELECT DISTINCT ON (id) id, suspended FROM unpaid
            ORDER BY id, at DESC, suspended DESC
        ), earned AS (
            SELECT broker_id, month, sum(earned) AS earned FROM corrected GROUP BY broker_id, month
        ), booked AS (
            SELECT live.broker_id, live.month, sum(entry.amount) AS booked
            FROM live JOIN ledger_entry AS entry ON entry.transaction_id = live.id AND entry.account = 'owed'
            WHERE live.kind IN ('accrual', 'correction') GROUP BY live.broker_id, live.month
        )
        SELECT broker_id, month, of_month.id AS payout,
               coalesce(booked.booked, 0) - of_month.withheld AS booked,
               of_month.amount + coalesce(earned.earned, 0) - coalesce(latest.suspended, 0) AS truth
        FROM of_month LEFT JOIN earned USING (broker_id, month) LEFT JOIN booked USING (broker_id, month)
        LEFT JOIN latest ON latest.id = of_month.id
        WHERE coalesce(booked.booked, 0) - of_month.withheld
              <> round(of_month.amount + coalesce(earned.earned, 0) - coalesce(latest.suspended, 0), 2)
        """,
        "Calculate the broker's latest unapproved month again with `manage.py month_end YYYY-MM`: what is"
        " missing becomes a correction. If it stays, open the broker's ledger: Staff › Ledger.",
    ),
    "what is owed = what was earned and adjusted, less what was withheld, forfeited and credited": Invariant(
        """
        WITH said AS (
            SELECT broker_id, payout + corrections AS amount FROM payout WHERE approved_at IS NOT NULL
            UNION ALL SELECT broker_id, amount FROM adjustment
            UNION ALL SELECT broker_id, -withheld FROM payout WHERE approved_at IS NOT NULL
            UNION ALL SELECT broker_id, withheld - due FROM payout WHERE state IN ('forfeited', 'credited')
        ), ought AS (SELECT broker_id, sum(amount) AS amount FROM said GROUP BY broker_id),
        booked AS (
            SELECT broker_id, sum(amount) AS amount FROM ledger_entry WHERE account IN ('owed', 'held')
            GROUP BY broker_id
        )
        SELECT broker_id, coalesce(ought.amount, 0) AS ought, coalesce(booked.amount, 0) AS booked
        FROM ought FULL JOIN booked USING (broker_id)
        WHERE coalesce(ought.amount, 0) <> coalesce(booked.amount, 0)
        """,
        _THE_LEDGER,
    ),
    # A payout of nothing or less is carried at its approval, or when the last release leaves no more of it.
    "what is owed and held = what is still to be sent and what is carried": Invariant(
        """
        WITH said AS (
            SELECT broker_id, due - withheld AS amount FROM payout
            WHERE state IN ('approved', 'sending', 'carried')
            UNION ALL SELECT broker_id, -carried FROM payout WHERE approved_at IS NOT NULL
            UNION ALL SELECT broker_id, amount FROM adjustment
            WHERE NOT EXISTS (SELECT FROM payout_adjustment AS shown
                              JOIN payout ON payout.id = shown.payout_id AND payout.approved_at IS NOT NULL
                              WHERE shown.adjustment_id = adjustment.id)
        ), ought AS (SELECT broker_id, sum(amount) AS amount FROM said GROUP BY broker_id),
        booked AS (
            SELECT broker_id, sum(amount) AS amount FROM ledger_entry WHERE account IN ('owed', 'held')
            GROUP BY broker_id
        )
        SELECT broker_id, coalesce(ought.amount, 0) AS ought, coalesce(booked.amount, 0) AS booked
        FROM ought FULL JOIN booked USING (broker_id)
        WHERE coalesce(ought.amount, 0) <> coalesce(booked.amount, 0)
        """,
        _THE_LEDGER,
    ),
    "what is carried forward is carried once": Invariant(
        """
        WITH carries AS (
            SELECT payout.id, payout.broker_id, payout.approved_at, payout.prepared_at, payout.carried,
                   month_run.month,
                   CASE WHEN payout.state = 'carried' THEN payout.due - payout.withheld ELSE 0 END AS leaves,
                   (SELECT max(released.released_at) FROM payout_hold AS held
                    JOIN payout_release AS released ON released.hold_id = held.id
                    WHERE held.payout_id = payout.id) AS released_at
            FROM payout JOIN month_run ON month_run.id = payout.run_id WHERE payout.approved_at IS NOT NULL
        ), expected AS (
            SELECT takes.id, takes.broker_id, takes.carried, coalesce(sum(
                CASE WHEN greatest(gives.approved_at, gives.released_at) <= takes.prepared_at
                     THEN gives.leaves ELSE 0 END - gives.carried), 0) AS left_over
            FROM carries AS takes LEFT JOIN carries AS gives ON gives.broker_id = takes.broker_id
                AND (gives.approved_at, gives.month) < (takes.approved_at, takes.month)
            GROUP BY takes.id, takes.broker_id, takes.carried
        )
        SELECT id, broker_id, carried, left_over FROM expected WHERE carried <> left_over
        """,
        _THE_LEDGER,
    ),
    "what is held in the ledger = what cases hold": Invariant(
        """
        WITH held AS (
            SELECT broker_id, sum(due - withheld) AS amount FROM payout
            WHERE state = 'approved' AND EXISTS (
                SELECT FROM payout_hold AS held WHERE held.payout_id = payout.id
                AND NOT EXISTS (SELECT FROM payout_release AS released WHERE released.hold_id = held.id))
            GROUP BY broker_id
        ), booked AS (
            SELECT broker_id, sum(amount) AS amount FROM ledger_entry WHERE account = 'held'
            GROUP BY broker_id
        )
        SELECT broker_id, coalesce(held.amount, 0) AS held, coalesce(booked.amount, 0) AS booked
        FROM held FULL JOIN booked USING (broker_id)
        WHERE coalesce(held.amount, 0) <> coalesce(booked.amount, 0)
        """,
        _THE_LEDGER,
    ),
    "what was forfeited is forfeited in the ledger": Invariant(
        f"""
        WITH {_LIVE}, booked AS (
            SELECT live.payout_id, sum(entry.amount) AS amount
            FROM live JOIN ledger_entry AS entry ON entry.transaction_id = live.id
            WHERE live.kind = 'forfeit' AND entry.account = 'rebates' GROUP BY live.payout_id
        ), said AS (
            SELECT id AS payout_id, withheld + CASE WHEN state = 'forfeited' THEN due - withheld ELSE 0 END
                AS amount FROM payout WHERE approved_at IS NOT NULL
        )
        SELECT payout_id, coalesce(said.amount, 0) AS said, coalesce(booked.amount, 0) AS booked
        FROM said FULL JOIN booked USING (payout_id)
        WHERE coalesce(said.amount, 0) <> coalesce(booked.amount, 0)
        """,
        _THE_LEDGER,
    ),
    "what a payout withholds = what its releases withheld": Invariant(
        """
        SELECT payout.id, payout.withheld, coalesce(sum(released.withheld), 0) AS releases
        FROM payout LEFT JOIN payout_hold AS held ON held.payout_id = payout.id
        LEFT JOIN payout_release AS released ON released.hold_id = held.id
        GROUP BY payout.id HAVING payout.withheld <> coalesce(sum(released.withheld), 0)
        """,
        _THE_LEDGER,
    ),
    "adjustments = the ledger's adjustments": Invariant(
        f"""
        WITH {_LIVE}, booked AS (
            SELECT live.reference, live.broker_id, entry.amount
            FROM live JOIN ledger_entry AS entry ON entry.transaction_id = live.id AND entry.account = 'owed'
            WHERE live.kind = 'adjustment'
        ), made AS (SELECT 'proposal:' || proposal_id AS reference, broker_id, amount FROM adjustment)
        SELECT reference, made.broker_id, made.amount AS made, booked.amount AS booked
        FROM made FULL JOIN booked USING (reference)
        WHERE (made.broker_id, made.amount) IS DISTINCT FROM (booked.broker_id, booked.amount)
        """,
        _THE_LEDGER,
    ),
    "an approved payout counts the adjustments that it shows": Invariant(
        """
        SELECT payout.id, payout.broker_id, payout.adjustments, coalesce(sum(adjustment.amount), 0) AS shown
        FROM payout LEFT JOIN payout_adjustment AS shown ON shown.payout_id = payout.id
        LEFT JOIN adjustment ON adjustment.id = shown.adjustment_id
        WHERE payout.approved_at IS NOT NULL
        GROUP BY payout.id HAVING payout.adjustments <> coalesce(sum(adjustment.amount), 0)
            OR bool_or(adjustment.broker_id <> payout.broker_id)
        """,
        _THE_LEDGER,
    ),
}
