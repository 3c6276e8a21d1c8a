"""What must always be true of the books: each invariant a query by name that returns its breaches."""

from dataclasses import dataclass

from django.db import connection

#: How many offending rows of one invariant are shown; their number is always told.
SHOWN = 5

_TOTALS = """
    SELECT {key}, coalesce(told.fills, 0) AS told_fills, coalesce(counted.fills, 0) AS counted_fills,
           coalesce(told.volume, 0) AS told_volume, coalesce(counted.volume, 0) AS counted_volume
    FROM {table} AS told FULL JOIN (
        SELECT {sources}, count(*) AS fills, sum(price * quantity) AS volume,
               sum(greatest(fee, 0)) AS fees
        FROM fill GROUP BY {numbers}
    ) AS counted USING ({key})
    WHERE (told.fills, told.volume, told.fees) IS DISTINCT FROM (counted.fills, counted.volume, counted.fees)
"""


def _totals(table: str, **sources: str) -> str:
    return _TOTALS.format(
        table=table,
        key=", ".join(sources),
        sources=", ".join(f"{source} AS {name}" for name, source in sources.items()),
        numbers=", ".join(str(number) for number in range(1, len(sources) + 1)),
    )


#: The name says what must hold; the query returns the rows for which it does not.
INVARIANTS: dict[str, str] = {
    "received = accepted + duplicate + excluded + quarantined": """
        SELECT told.*, fills.n AS fills, excluded.n AS excluded, quarantined.n AS quarantined
        FROM (SELECT coalesce(sum(accepted), 0) AS batches_accepted,
                     coalesce(sum(excluded), 0) AS batches_excluded,
                     coalesce(sum(quarantined), 0) AS batches_quarantined FROM feed_batch) AS told,
             (SELECT count(*) AS n FROM fill) AS fills,
             (SELECT count(*) AS n FROM excluded_record) AS excluded,
             (SELECT count(*) AS n FROM quarantined_record) AS quarantined
        WHERE (batches_accepted, batches_excluded, batches_quarantined)
              IS DISTINCT FROM (fills.n, excluded.n, quarantined.n)
    """,
    "every fill and excluded record holds its own key": """
        SELECT symbol, trade_id, order_id, count(kept.id) AS records, count(DISTINCT taken.symbol) AS keys
        FROM fill_key AS taken FULL JOIN (
            SELECT symbol, trade_id, order_id, id FROM fill
            UNION ALL SELECT symbol, trade_id, order_id, -id FROM excluded_record
        ) AS kept USING (symbol, trade_id, order_id)
        GROUP BY symbol, trade_id, order_id HAVING count(kept.id) <> 1 OR count(taken.symbol) <> 1
    """,
    "totals by rate = sum of fills": _totals(
        "total_by_rate",
        month="date_trunc('month', executed_at AT TIME ZONE 'UTC')::date",
        broker_code="broker_code",
        trader="trader",
        market="market",
        fee_rate="fee_rate",
        affiliate_rate="affiliate_rate",
    ),
    "totals by hour = sum of fills": _totals(
        "total_by_hour",
        broker_code="broker_code",
        hour="date_trunc('hour', executed_at, 'UTC')",
        symbol="symbol",
        market="market",
    ),
    "totals by day = sum of fills": _totals(
        "total_by_day",
        broker_code="broker_code",
        day="(executed_at AT TIME ZONE 'UTC')::date",
        trader="trader",
    ),
    "no fill counts before enrolment or after termination": """
        SELECT fill.id, fill.broker_code, fill.executed_at FROM fill
        LEFT JOIN broker ON broker.code = fill.broker_code
        LEFT JOIN standing_change AS ended ON ended.broker_id = broker.code AND ended.kind = 'terminated'
        WHERE broker.code IS NULL OR fill.executed_at < broker.enrolled_at
           OR fill.executed_at >= ended.effective_at
    """,
    "ranges of standing = what its changes say": """
        SELECT change_id, said.broker_id AS said_broker, kept.broker_id AS kept_broker,
               said.kind AS said_kind, kept.kind AS kept_kind, said.starts_at AS said_start,
               kept.starts_at AS kept_start, said.ends_at AS said_end, kept.ends_at AS kept_end
        FROM standing_range AS kept FULL JOIN (
            SELECT change.id AS change_id, change.broker_id, change.kind, change.effective_at AS starts_at,
                   CASE WHEN lifting.effective_at = change.effective_at THEN lifting.effective_at
                        ELSE least(lifting.effective_at, ended.effective_at) END AS ends_at
            FROM standing_change AS change
            LEFT JOIN standing_change AS lifting ON lifting.ends_id = change.id
            LEFT JOIN standing_change AS ended ON ended.broker_id = change.broker_id
                 AND ended.kind = 'terminated' AND change.kind = 'suspended'
            WHERE change.kind IN ('suspended', 'terminated')
        ) AS said USING (change_id)
        WHERE (said.broker_id, said.kind, said.starts_at, said.ends_at)
              IS DISTINCT FROM (kept.broker_id, kept.kind, kept.starts_at, kept.ends_at)
    """,
    "a broker is never in two ranges of standing at once": """
        SELECT one.broker_id, one.change_id, other.change_id AS other_change_id
        FROM standing_range AS one JOIN standing_range AS other
            ON other.broker_id = one.broker_id AND other.change_id > one.change_id
        WHERE tstzrange(one.starts_at, one.ends_at) && tstzrange(other.starts_at, other.ends_at)
    """,
    "standing begins with the enrolment": """
        SELECT change.id, change.broker_id, change.kind, change.effective_at, broker.enrolled_at
        FROM standing_change AS change JOIN broker ON broker.code = change.broker_id
        WHERE change.effective_at < broker.enrolled_at
    """,
    "payout = sum of its lines, rounded once": """
        SELECT payout.id, payout.amount, payout.payout, sum(line.amount) AS lines_amount
        FROM payout LEFT JOIN payout_line AS line ON line.payout_id = payout.id
        GROUP BY payout.id
        HAVING (payout.amount, payout.volume, payout.fees, payout.fills) IS DISTINCT FROM
               (coalesce(sum(line.amount), 0), coalesce(sum(line.volume), 0),
                coalesce(sum(line.fees), 0), coalesce(sum(line.fills), 0))
            OR payout.payout <> round(payout.amount, 2)
    """,
    "a broker earns at most its tier's rebate and half the fees": """
        SELECT id, fees, amount, rebate FROM payout
        WHERE amount > fees * rebate OR amount > fees * 0.5 OR amount < 0
    """,
    "every broker of a run has one payout": """
        SELECT month_run.month, broker.code FROM month_run
        JOIN broker ON broker.enrolled_at < month_run.month + interval '1 month'
        JOIN standing_change AS enrolled ON enrolled.broker_id = broker.code
             AND enrolled.kind = 'enrolled' AND enrolled.recorded_at < month_run.calculated_at
        LEFT JOIN payout ON payout.run_id = month_run.id AND payout.broker_id = broker.code
        WHERE payout.id IS NULL
    """,
    "a hold belongs to a case of the same broker": """
        SELECT held.id, payout.broker_id AS payout_broker, held_by.broker_id AS case_broker
        FROM payout_hold AS held
        JOIN payout ON payout.id = held.payout_id JOIN desk_case AS held_by ON held_by.id = held.case_id
        WHERE held_by.broker_id <> payout.broker_id
    """,
    "a case that holds a payout holds all that there were": """
        SELECT DISTINCT other.id, other.broker_id, held.case_id
        FROM payout_hold AS held
        JOIN payout ON payout.id = held.payout_id
        JOIN payout AS other ON other.broker_id = payout.broker_id
             AND (other.approved_at IS NULL OR other.approved_at > held.held_at)
        JOIN month_run ON month_run.id = other.run_id AND month_run.calculated_at <= held.held_at
        WHERE NOT EXISTS (SELECT FROM payout_hold AS its WHERE its.payout_id = other.id
                          AND its.case_id = held.case_id)
    """,
    "no broker is an affiliate without an open case": """
        SELECT said.broker_id, said.answered_at FROM affiliate_check AS said
        JOIN broker ON broker.code = said.broker_id AND broker.account_id = said.account_id
        WHERE said.answer = 'affiliate'
          AND NOT EXISTS (SELECT FROM desk_case WHERE desk_case.broker_id = said.broker_id
                          AND desk_case.kind = 'affiliate' AND desk_case.state = 'open')
          AND NOT EXISTS (SELECT FROM standing_change AS ended WHERE ended.broker_id = said.broker_id
                          AND ended.kind = 'terminated' AND ended.effective_at <= now())
    """,
    "no appeal waits in a closed case": """
        SELECT desk_appeal.id, desk_appeal.case_id FROM desk_appeal
        JOIN desk_case ON desk_case.id = desk_appeal.case_id
        WHERE desk_appeal.state = 'open' AND desk_case.state <> 'open'
    """,
}


@dataclass(frozen=True, slots=True)
class Breach:
    """An invariant that does not hold, how often, and the first rows for which it does not."""

    invariant: str
    rows: int
    examples: list[dict[str, str]]


def breaches() -> list[Breach]:
    """Every invariant that does not hold at this moment; an empty list is a good book."""
    found = []
    with connection.cursor() as cursor:
        for invariant, query in INVARIANTS.items():
            cursor.execute(
                f"SELECT count(*) OVER () AS breaches, breach.* FROM ({query}) AS breach LIMIT {SHOWN}"
            )
            columns = [column.name for column in cursor.description][1:]
            rows = cursor.fetchall()
            if rows:
                examples = [dict(zip(columns, map(str, row[1:]), strict=True)) for row in rows]
                found.append(Breach(invariant, rows[0][0], examples))
    return found
