"""What must always be true of months: payouts are their lines, lines are fills, corrections are theirs."""

from typing import Any

from django.db import connection

from payouts.ledger.invariant import Check, Invariant
from payouts.monthend import formula
from payouts.program.terms import ENTRIES
from payouts.program.tiers import tier_of

_CALCULATE_AGAIN = (
    "Calculate the month again with `manage.py month_end YYYY-MM`. If the payout is approved, somebody wrote"
    " to the tables as their owner: restore the rows from the backup."
)
_PAST_THE_APPLICATION = (
    "The application cannot do this: somebody wrote to the tables as their owner. Nothing is approved or"
    " sent until `manage.py check_books` finds nothing; restore the rows from the backup."
)
_REPAIR_AND_RECALCULATE = (
    "Open the month under Staff › Months, repair what the broker's row says, and press Calculate again."
)

#: The name says what must hold.
INVARIANTS: dict[str, Invariant] = {
    "payout = sum of its lines, rounded once": Invariant(
        """
        SELECT payout.id, payout.amount, payout.payout, sum(line.amount) AS lines_amount
        FROM payout LEFT JOIN payout_line AS line ON line.payout_id = payout.id
        GROUP BY payout.id
        HAVING (payout.amount, payout.volume, payout.fees, payout.fills) IS DISTINCT FROM
               (coalesce(sum(line.amount), 0), coalesce(sum(line.volume), 0),
                coalesce(sum(line.fees), 0), coalesce(sum(line.fills), 0))
            OR payout.payout <> round(payout.amount, 2)
        """,
        _CALCULATE_AGAIN,
    ),
    # The fills are read once, whatever the number of months: a fill meets the one payout of its month.
    "every fill of a payout's watermark is in exactly one line": Invariant(
        """
        WITH frozen AS MATERIALIZED (
            SELECT payout.id, payout.broker_id, month_run.month, payout.watermark::int8multirange AS batches,
                   payout.voids::int8multirange AS voids
            FROM payout JOIN month_run ON month_run.id = payout.run_id WHERE payout.state <> 'parked'
              AND month_run.month NOT IN (SELECT month FROM fill_archive WHERE state = 'dropped')
        )
        SELECT payout_id, trader, market, fee_rate, affiliate_rate,
               coalesce(line.fills, 0) AS line_fills, coalesce(counted.fills, 0) AS counted_fills,
               coalesce(line.volume, 0) AS line_volume, coalesce(counted.volume, 0) AS counted_volume,
               coalesce(line.fees, 0) AS line_fees, coalesce(counted.fees, 0) AS counted_fees
        FROM payout_line AS line FULL JOIN (
            SELECT frozen.id AS payout_id, trader, market, fee_rate, affiliate_rate, count(*) AS fills,
                   sum(price * quantity) AS volume, sum(greatest(fee, 0)) AS fees
            FROM fill JOIN frozen ON frozen.broker_id = fill.broker_code
                AND frozen.month = date_trunc('month', fill.executed_at AT TIME ZONE 'UTC')::date
                AND fill.batch_id <@ frozen.batches
            WHERE NOT EXISTS (SELECT FROM fill_void AS voided
                              WHERE voided.fill_id = fill.id AND voided.id <@ frozen.voids)
            GROUP BY 1, 2, 3, 4, 5
        ) AS counted USING (payout_id, trader, market, fee_rate, affiliate_rate)
        -- A parked payout keeps the figures of its last calculation; they are not of its watermark any more.
        WHERE (payout_id IN (SELECT id FROM frozen) OR counted.fills IS NOT NULL)
          AND (line.fills, line.volume, line.fees)
              IS DISTINCT FROM (counted.fills, counted.volume, counted.fees)
        """,
        _CALCULATE_AGAIN,
    ),
    "a broker earns at most its tier's rebate and half the fees": Invariant(
        """
        SELECT id, fees, amount, rebate FROM payout
        WHERE amount > fees * rebate OR amount > fees * 0.5 OR amount < 0
        UNION ALL
        SELECT line.payout_id, line.fees, line.amount, payout.rebate FROM payout_line AS line
        JOIN payout ON payout.id = line.payout_id
        WHERE line.amount > line.fees * payout.rebate OR line.amount > line.fees * 0.5 OR line.amount < 0
        """,
        _CALCULATE_AGAIN,
    ),
    "one run per month": Invariant(
        "SELECT month, count(*) AS runs FROM month_run GROUP BY month HAVING count(*) > 1",
        _PAST_THE_APPLICATION,
    ),
    "every broker of a run has one payout": Invariant(
        """
        SELECT month_run.month, broker.code, count(payout.id) AS payouts FROM month_run
        JOIN broker ON broker.enrolled_at < (month_run.month + interval '1 month') AT TIME ZONE 'UTC'
        JOIN standing_change AS enrolled ON enrolled.broker_id = broker.code
             AND enrolled.kind = 'enrolled' AND enrolled.recorded_at < month_run.calculated_at
        LEFT JOIN payout ON payout.run_id = month_run.id AND payout.broker_id = broker.code
        WHERE NOT EXISTS (SELECT FROM run_item WHERE run_item.run_id = month_run.id
                          AND run_item.broker_id = broker.code AND run_item.state IN ('due', 'working'))
        GROUP BY month_run.id, broker.code HAVING count(payout.id) <> 1
        """,
        "Calculate the month again with `manage.py month_end YYYY-MM`.",
    ),
    "a broker is parked exactly where its payout is": Invariant(
        """
        SELECT month_run.month, item.broker_id, item.state AS item, payout.state AS payout
        FROM run_item AS item JOIN month_run ON month_run.id = item.run_id
        LEFT JOIN payout ON payout.run_id = item.run_id AND payout.broker_id = item.broker_id
        WHERE item.state IN ('done', 'parked')
          AND (item.state = 'parked') IS DISTINCT FROM (payout.state = 'parked')
        """,
        _REPAIR_AND_RECALCULATE,
    ),
    "the lines of a correction sum to its cents": Invariant(
        """
        SELECT correction.id, correction.payout_id, correction.month, correction.amount, correction.cents,
               coalesce(sum(line.amount), 0) AS lines,
               coalesce(sum(line.amount) FILTER (WHERE line.kind <> 'rounding'), 0) AS exact_lines
        FROM payout_correction AS correction
        LEFT JOIN correction_line AS line ON line.correction_id = correction.id
        GROUP BY correction.id
        HAVING coalesce(sum(line.amount), 0) <> correction.cents
            OR coalesce(sum(line.amount) FILTER (WHERE line.kind <> 'rounding'), 0) <> correction.amount
        """,
        _CALCULATE_AGAIN,
    ),
    "a payout carries the sum of its corrections": Invariant(
        """
        SELECT payout.id, payout.corrections, coalesce(sum(correction.cents), 0) AS sum
        FROM payout LEFT JOIN payout_correction AS correction ON correction.payout_id = payout.id
        GROUP BY payout.id HAVING payout.corrections <> coalesce(sum(correction.cents), 0)
        """,
        _CALCULATE_AGAIN,
    ),
    "a payout corrects only months before its own": Invariant(
        """
        SELECT correction.id, correction.month, month_run.month AS of_payout
        FROM payout_correction AS correction JOIN payout ON payout.id = correction.payout_id
        JOIN month_run ON month_run.id = payout.run_id
        WHERE correction.month >= month_run.month
        """,
        _CALCULATE_AGAIN,
    ),
    "another person approves than prepares": Invariant(
        """
        SELECT id, broker_id, state, prepared_by_id, approved_by_id FROM payout
        WHERE approved_by_id = prepared_by_id
           OR (state IN ('approved', 'sending', 'credited', 'forfeited', 'nil', 'carried'))
              IS DISTINCT FROM (approved_at IS NOT NULL AND approved_by_id IS NOT NULL)
        """,
        _PAST_THE_APPLICATION,
    ),
    "every bound of an approved payout is acknowledged": Invariant(
        """
        SELECT bound.payout_id, bound.name, bound.value FROM payout_bound AS bound
        JOIN payout ON payout.id = bound.payout_id AND payout.approved_at IS NOT NULL
        WHERE NOT EXISTS (SELECT FROM bound_acknowledgement AS said WHERE said.payout_id = bound.payout_id
                          AND said.name = bound.name AND said.value = bound.value)
        """,
        _PAST_THE_APPLICATION,
    ),
    # The history is written by triggers that nothing may silence: what was approved is its first row of then.
    "nothing of an approved payout has changed since": Invariant(
        """
        SELECT row.id, row.broker_id, row.approved_at, approved.pgh_id AS in_history
        FROM payout AS row LEFT JOIN LATERAL (
            SELECT kept.pgh_id, to_jsonb(kept) AS columns FROM payouts_payouthistory AS kept
            WHERE kept.pgh_obj_id = row.id AND kept.approved_at IS NOT NULL ORDER BY kept.pgh_id LIMIT 1
        ) AS approved ON true
        WHERE row.approved_at IS NOT NULL
          AND (approved.pgh_id IS NULL OR NOT approved.columns @> (to_jsonb(row) - 'state' - 'withheld'))
        """,
        _PAST_THE_APPLICATION,
    ),
}

_RATES = """
    SELECT payout.id, payout.broker_id, payout.terms, payout.rebate, line.affiliate_rate, line.applied_rate,
           line.bound_by
    FROM payout_line AS line JOIN payout ON payout.id = line.payout_id
    GROUP BY payout.id, line.affiliate_rate, line.applied_rate, line.bound_by
"""
_TIERS = """
    SELECT id, broker_id, terms, tier, rebate, coalesce(preceding_volume, volume) FROM payout
    WHERE state <> 'parked'
"""


def _lines_against_the_formula() -> list[dict[str, str]]:
    """Each distinct rate of a payout once: a month of half a million lines has a handful."""
    caps = {each.name: each.rebate_cap for each in ENTRIES}
    found = []
    for number, broker, terms, rebate, affiliate_rate, applied, bound_by in _read(_RATES):
        cap = caps[terms]
        ought = formula.applied_rate(rebate=rebate, affiliate_rate=affiliate_rate, cap=cap)
        bound = formula.bound_by(rebate=rebate, affiliate_rate=affiliate_rate, cap=cap)
        if (applied, bound_by) != (ought, bound):
            found.append(
                {
                    "payout": str(number),
                    "broker": str(broker),
                    "affiliate_rate": str(affiliate_rate),
                    "applied_rate": str(applied),
                    "by_the_formula": str(ought),
                }
            )
    return found


def _tiers_against_the_ladder() -> list[dict[str, str]]:
    ladders = {each.name: each.ladder for each in ENTRIES}
    found = []
    for number, broker, terms, tier, rebate, volume in _read(_TIERS):
        ought = tier_of(volume, ladders[terms])
        if (tier, rebate) != (ought.name, ought.rebate):
            found.append(
                {
                    "payout": str(number),
                    "broker": str(broker),
                    "volume": str(volume),
                    "tier": f"{tier} {rebate}",
                    "by_the_ladder": f"{ought.name} {ought.rebate}",
                }
            )
    return found


def _read(query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


#: What no query can tell, because the program's rules are Python.
CHECKS: dict[str, Check] = {
    "every line is paid at the rate that the formula gives": Check(
        _lines_against_the_formula, _CALCULATE_AGAIN
    ),
    "every payout has the tier that its volume reached": Check(_tiers_against_the_ladder, _CALCULATE_AGAIN),
}
