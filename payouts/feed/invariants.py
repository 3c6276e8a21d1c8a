"""What must always be true of the feed: every record in one place, every total the sum of its fills."""

from payouts.ledger.invariant import Invariant

_TOTALS = """
    SELECT {key}, coalesce(told.fills, 0) AS told_fills, coalesce(counted.fills, 0) AS counted_fills,
           coalesce(told.volume, 0) AS told_volume, coalesce(counted.volume, 0) AS counted_volume,
           coalesce(told.fees, 0) AS told_fees, coalesce(counted.fees, 0) AS counted_fees
    FROM {table} AS told FULL JOIN (
        SELECT {sources}, count(*) AS fills, sum(price * quantity) AS volume,
               sum(greatest(fee, 0)) AS fees
        FROM fill WHERE NOT EXISTS (SELECT FROM fill_void WHERE fill_void.fill_id = fill.id)
        GROUP BY {numbers}
    ) AS counted USING ({key})
    WHERE (coalesce(told.fills, 0), coalesce(told.volume, 0), coalesce(told.fees, 0))
          IS DISTINCT FROM
          (coalesce(counted.fills, 0), coalesce(counted.volume, 0), coalesce(counted.fees, 0))
      AND {month} NOT IN {archived}
"""
#: Months of which fills lie in files alone: their totals are held against the sums that were kept.
_ARCHIVED = "(SELECT month FROM fill_archive WHERE state = 'dropped')"
_ARCHIVED_BY_TOTALS = f"""
    SELECT month, broker_code, market, fills, volume, fees, count(*) AS totals FROM (
        SELECT month, broker_code, market, sum(fills) AS fills, sum(volume) AS volume, sum(fees) AS fees
        FROM total_by_month WHERE month IN {_ARCHIVED} GROUP BY 1, 2, 3
        UNION ALL
        SELECT month, broker_code, market, sum(fills), sum(volume), sum(fees)
        FROM total_by_rate WHERE month IN {_ARCHIVED} GROUP BY 1, 2, 3
        UNION ALL
        SELECT date_trunc('month', hour AT TIME ZONE 'UTC')::date, broker_code, market,
               sum(fills), sum(volume), sum(fees)
        FROM total_by_hour WHERE date_trunc('month', hour AT TIME ZONE 'UTC')::date IN {_ARCHIVED}
        GROUP BY 1, 2, 3
    ) AS told GROUP BY 1, 2, 3, 4, 5, 6 HAVING count(*) <> 3
    UNION ALL
    SELECT month, broker_code, 'both', fills, volume, fees, count(*) FROM (
        SELECT month, broker_code, sum(fills) AS fills, sum(volume) AS volume, sum(fees) AS fees
        FROM total_by_month WHERE month IN {_ARCHIVED} GROUP BY 1, 2
        UNION ALL
        SELECT date_trunc('month', day)::date, broker_code, sum(fills), sum(volume), sum(fees)
        FROM total_by_day WHERE date_trunc('month', day)::date IN {_ARCHIVED} GROUP BY 1, 2
    ) AS told GROUP BY 1, 2, 3, 4, 5, 6 HAVING count(*) <> 2
"""

_PAST_THE_APPLICATION = (
    "The application cannot do this: somebody wrote to the tables as their owner. Nothing is approved or"
    " sent until `manage.py check_books` finds nothing; restore the rows from the backup."
)


def _totals(table: str, month_of_key: str, **sources: str) -> Invariant:
    """A total row of 0 fills, all of them voided, is as good as none."""
    query = _TOTALS.format(
        table=table,
        key=", ".join(sources),
        sources=", ".join(f"{source} AS {name}" for name, source in sources.items()),
        numbers=", ".join(str(number) for number in range(1, len(sources) + 1)),
        month=month_of_key,
        archived=_ARCHIVED,
    )
    return Invariant(query, _PAST_THE_APPLICATION)


#: The name says what must hold.
INVARIANTS: dict[str, Invariant] = {
    # A voided fill keeps its place in the batch that brought it and is counted among the excluded: both sides
    # of the sum move by the same, so `voided` is shown and not added. A replay receives nothing: its records
    # came before, and are those that left quarantine.
    "received = accepted + duplicate + excluded + quarantined": Invariant(
        """
        SELECT told.*, fills.n AS fills, excluded.n AS excluded, ever.n AS quarantined, placed.*,
               voided.n AS voided
        FROM (SELECT coalesce(sum(received) FILTER (WHERE NOT is_replay), 0) AS received,
                     coalesce(sum(accepted), 0) AS batches_accepted,
                     coalesce(sum(duplicate), 0) AS batches_duplicate,
                     coalesce(sum(excluded), 0) AS batches_excluded,
                     coalesce(sum(quarantined), 0) AS batches_quarantined,
                     coalesce(sum(received) FILTER (WHERE is_replay), 0) AS batches_replayed
              FROM feed_batch) AS told,
             (SELECT count(*) + (SELECT coalesce(sum(fills), 0) FROM fill_archive WHERE state = 'dropped')
                     AS n FROM fill) AS fills,
             (SELECT count(*) AS n FROM excluded_record) AS excluded,
             (SELECT count(*) AS n FROM quarantined_record) AS ever,
             (SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting,
                     count(*) FILTER (WHERE state = 'discarded') AS discarded,
                     count(*) FILTER (WHERE state IN ('accepted', 'duplicate', 'excluded')) AS replayed
              FROM quarantine_place) AS placed,
             (SELECT count(*) AS n FROM fill_void) AS voided
        WHERE (batches_accepted, batches_excluded, batches_quarantined, batches_replayed)
              IS DISTINCT FROM (fills.n, excluded.n, ever.n, replayed)
           OR ever.n <> waiting + discarded + replayed
           OR received <> fills.n + batches_duplicate + excluded.n + discarded + waiting
           OR voided.n > fills.n
        """,
        _PAST_THE_APPLICATION,
    ),
    "the tally = where records are": Invariant(
        """
        SELECT place, reason, coalesce(told.records, 0) AS told, coalesce(counted.records, 0) AS counted
        FROM (SELECT place, reason, sum(records) AS records FROM feed_tally GROUP BY place, reason) AS told
        FULL JOIN (
            SELECT 'accepted' AS place, '' AS reason, sum(accepted) AS records FROM feed_batch
            UNION ALL SELECT 'duplicate', '', sum(duplicate) FROM feed_batch
            UNION ALL SELECT 'excluded', reason, count(*) FROM excluded_record GROUP BY reason
            UNION ALL SELECT 'excluded', 'discarded', count(*) FROM quarantine_place WHERE state = 'discarded'
            UNION ALL SELECT 'quarantined', reason, count(*) FROM quarantine_place
                      WHERE state = 'waiting' GROUP BY reason
        ) AS counted USING (place, reason)
        WHERE coalesce(told.records, 0) <> coalesce(counted.records, 0)
        """,
        _PAST_THE_APPLICATION,
    ),
    "a record in quarantine is where its changes put it": Invariant(
        """
        SELECT record.id, place.state, place.reason, latest.to_state, latest.to_reason
        FROM quarantined_record AS record
        LEFT JOIN quarantine_place AS place ON place.record_id = record.id
        LEFT JOIN (SELECT DISTINCT ON (record_id) record_id, to_state, to_reason FROM quarantine_change
                   ORDER BY record_id, id DESC) AS latest ON latest.record_id = record.id
        WHERE place.state IS DISTINCT FROM coalesce(latest.to_state, 'waiting')
           OR place.reason IS DISTINCT FROM coalesce(latest.to_reason, record.reason)
           OR (place.state IN ('accepted', 'excluded') AND NOT EXISTS (
                   SELECT FROM fill_key WHERE fill_key.symbol = place.symbol
                   AND fill_key.trade_id = place.trade_id AND fill_key.order_id = place.order_id))
        """,
        _PAST_THE_APPLICATION,
    ),
    "every fill and excluded record holds its own key": Invariant(
        """
        SELECT symbol, trade_id, order_id, count(kept.id) AS records, count(DISTINCT taken.symbol) AS keys
        FROM fill_key AS taken FULL JOIN (
            SELECT symbol, trade_id, order_id, id FROM fill
            UNION ALL SELECT symbol, trade_id, order_id, -id FROM excluded_record
        ) AS kept USING (symbol, trade_id, order_id)
        GROUP BY symbol, trade_id, order_id HAVING count(kept.id) > 1 OR count(taken.symbol) <> 1
        UNION ALL
        -- The keys of archived fills are all that the tables have of them: just as many have no record here.
        SELECT 'keys without a record', NULL, 'keys without an archived fill', keys.n - kept.n, keys.n
        FROM (SELECT count(*) AS n FROM fill_key) AS keys,
             (SELECT (SELECT count(*) FROM fill) + (SELECT count(*) FROM excluded_record)
                     + (SELECT coalesce(sum(fills), 0) FROM fill_archive WHERE state = 'dropped') AS n
             ) AS kept
        WHERE keys.n <> kept.n
        """,
        _PAST_THE_APPLICATION,
    ),
    "totals by rate = sum of fills": _totals(
        "total_by_rate",
        "month",
        month="date_trunc('month', executed_at AT TIME ZONE 'UTC')::date",
        broker_code="broker_code",
        trader="trader",
        market="market",
        fee_rate="fee_rate",
        affiliate_rate="affiliate_rate",
    ),
    "totals by month = sum of fills": _totals(
        "(SELECT month, broker_code, market, sum(fills)::bigint AS fills, sum(volume) AS volume,"
        " sum(fees) AS fees FROM total_by_month GROUP BY 1, 2, 3)",
        "month",
        month="date_trunc('month', executed_at AT TIME ZONE 'UTC')::date",
        broker_code="broker_code",
        market="market",
    ),
    "totals by hour = sum of fills": _totals(
        "total_by_hour",
        "date_trunc('month', hour AT TIME ZONE 'UTC')::date",
        broker_code="broker_code",
        hour="date_trunc('hour', executed_at, 'UTC')",
        symbol="symbol",
        market="market",
    ),
    "totals by day = sum of fills": _totals(
        "total_by_day",
        "date_trunc('month', day)::date",
        broker_code="broker_code",
        day="(executed_at AT TIME ZONE 'UTC')::date",
        trader="trader",
    ),
    "archived fills and those that came since = totals of their month": Invariant(
        f"""
        SELECT archived.month, found.* FROM (SELECT DISTINCT month FROM {_ARCHIVED} AS each) AS archived,
               LATERAL unlike_archived(archived.month) AS found
        """,
        _PAST_THE_APPLICATION,
    ),
    "the totals of an archived month agree": Invariant(_ARCHIVED_BY_TOTALS, _PAST_THE_APPLICATION),
    "an archive is the sum of its brokers": Invariant(
        """
        SELECT kept.file, kept.fills, sum(total.fills) AS by_broker FROM fill_archive AS kept
        LEFT JOIN fill_archive_total AS total ON total.archive_id = kept.id
        GROUP BY kept.id
        HAVING (kept.fills, kept.volume, kept.fees)
               IS DISTINCT FROM (sum(total.fills)::bigint, sum(total.volume), sum(total.fees))
        """,
        _PAST_THE_APPLICATION,
    ),
    "a voided fill was accepted, and is kept as it was": Invariant(
        f"""
        SELECT voided.fill_id, voided.broker_code, voided.executed_at FROM fill_void AS voided
        LEFT JOIN fill ON fill.id = voided.fill_id AND fill.executed_at = voided.executed_at
        WHERE (fill.broker_code, fill.trader, fill.symbol, fill.market, fill.fee_rate, fill.affiliate_rate,
               fill.fee, fill.price * fill.quantity, fill.batch_id)
              IS DISTINCT FROM
              (voided.broker_code, voided.trader, voided.symbol, voided.market, voided.fee_rate,
               voided.affiliate_rate, voided.fee, voided.volume, voided.batch_id)
          AND date_trunc('month', voided.executed_at AT TIME ZONE 'UTC')::date NOT IN {_ARCHIVED}
        """,
        _PAST_THE_APPLICATION,
    ),
    "no fill counts before enrolment or after termination": Invariant(
        """
        SELECT fill.id, fill.broker_code, fill.executed_at FROM fill
        LEFT JOIN broker ON broker.code = fill.broker_code
        LEFT JOIN standing_change AS ended ON ended.broker_id = broker.code AND ended.kind = 'terminated'
        WHERE broker.code IS NULL OR fill.executed_at < broker.enrolled_at
           OR fill.executed_at >= ended.effective_at
        """,
        "Void the fills: Staff › Acts › Void fills. Another person confirms it.",
    ),
}
