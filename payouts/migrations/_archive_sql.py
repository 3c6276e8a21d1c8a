"""Dropping the partition of an archived month, and taking its fills back. Never edited once landed."""

ARCHIVE = """
CREATE TRIGGER fill_archive_is_kept BEFORE DELETE ON fill_archive
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER fill_archive_is_not_emptied BEFORE TRUNCATE ON fill_archive
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER fill_archive_total_is_append_only BEFORE UPDATE OR DELETE ON fill_archive_total
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER fill_archive_total_is_not_emptied BEFORE TRUNCATE ON fill_archive_total
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE ALL ON fill_archive, fill_archive_total FROM portal_app;
GRANT SELECT ON fill_archive, fill_archive_total TO portal_app;
REVOKE ALL ON SEQUENCE fill_archive_id_seq FROM portal_app;

-- The fills of a month, for both functions: counted where they are, not where somebody says they are.
CREATE FUNCTION fills_of_month(first_day date)
RETURNS TABLE (broker_code integer, market text, fills bigint, volume numeric, fees numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
    SELECT broker_code, market, count(*), sum(price * quantity), sum(greatest(fee, 0)) FROM public.fill
    WHERE executed_at >= first_day::timestamp AT TIME ZONE 'UTC'
      AND executed_at < (first_day + interval '1 month') AT TIME ZONE 'UTC'
    GROUP BY broker_code, market
$$;

-- Says how many fills the file must hold; drops the partition only if it holds just those.
CREATE FUNCTION drop_archived_fills(
    first_day date, file text, size bigint, sha256 bytea, told_fills bigint, told_volume numeric,
    told_fees numeric, at timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    partition_name text := 'fill_' || to_char(first_day, 'YYYYMM');
    counted record;
    next_part integer;
    archive bigint;
BEGIN
    IF first_day + interval '1 month' > at AT TIME ZONE 'UTC' THEN
        RAISE EXCEPTION 'the month of % is not over', first_day;
    END IF;
    EXECUTE format('LOCK TABLE public.%I IN SHARE MODE', partition_name);
    SELECT coalesce(sum(found.fills), 0)::bigint AS fills, coalesce(sum(found.volume), 0) AS volume,
           coalesce(sum(found.fees), 0) AS fees INTO counted FROM public.fills_of_month(first_day) AS found;
    IF (counted.fills, counted.volume, counted.fees) IS DISTINCT FROM (told_fills, told_volume, told_fees) THEN
        RAISE EXCEPTION 'the file holds % fills, the partition of % now holds %', told_fills, first_day,
            counted.fills USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT coalesce(max(part), 0) + 1 INTO next_part FROM public.fill_archive WHERE month = first_day;
    INSERT INTO public.fill_archive (month, part, file, state, fills, volume, fees, size, sha256, archived_at)
    VALUES (first_day, next_part, file, 'dropped', told_fills, told_volume, told_fees, size, sha256, at)
    RETURNING id INTO archive;
    INSERT INTO public.fill_archive_total (archive_id, broker_code, market, fills, volume, fees)
    SELECT archive, found.* FROM public.fills_of_month(first_day) AS found;
    EXECUTE format('ALTER TABLE public.fill DETACH PARTITION public.%I', partition_name);
    EXECUTE format('DROP TABLE public.%I', partition_name);
    RETURN next_part;
END $$;
REVOKE ALL ON FUNCTION drop_archived_fills(date, text, bigint, bytea, bigint, numeric, numeric, timestamptz)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    drop_archived_fills(date, text, bigint, bytea, bigint, numeric, numeric, timestamptz) TO portal_app;

-- Called after the fills were written back: they and whatever is archived still must be the month's totals.
CREATE FUNCTION archived_fills_are_back(archive bigint, at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    of record;
    wrong bigint;
BEGIN
    UPDATE public.fill_archive SET state = 'restored', restored_at = at
    WHERE id = archive AND state = 'dropped' RETURNING * INTO of;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no file % waits to be restored', archive;
    END IF;
    SELECT count(*) INTO wrong FROM public.unlike_archived(of.month);
    IF wrong > 0 THEN
        RAISE EXCEPTION 'with the fills of % the month of % is not its totals: % sums differ', of.file,
            of.month, wrong USING ERRCODE = 'integrity_constraint_violation';
    END IF;
END $$;
REVOKE ALL ON FUNCTION archived_fills_are_back(bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION archived_fills_are_back(bigint, timestamptz) TO portal_app;

-- Where fills in the table and in files are not the totals of a month, by broker and market.
CREATE FUNCTION unlike_archived(first_day date)
RETURNS TABLE (broker_code integer, market text, told_fills bigint, counted_fills bigint, told_volume numeric,
               counted_volume numeric, told_fees numeric, counted_fees numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
    SELECT broker_code, market, coalesce(told.fills, 0), coalesce(counted.fills, 0),
           coalesce(told.volume, 0), coalesce(counted.volume, 0), coalesce(told.fees, 0),
           coalesce(counted.fees, 0)
    FROM (
        SELECT broker_code, market, sum(fills)::bigint AS fills, sum(volume) AS volume, sum(fees) AS fees
        FROM (
            SELECT broker_code, market, fills, volume, fees FROM public.total_by_month WHERE month = first_day
            UNION ALL
            SELECT broker_code, market, 1, volume, greatest(fee, 0) FROM public.fill_void
            WHERE executed_at >= first_day::timestamp AT TIME ZONE 'UTC'
              AND executed_at < (first_day + interval '1 month') AT TIME ZONE 'UTC'
        ) AS ever GROUP BY 1, 2
    ) AS told FULL JOIN (
        SELECT broker_code, market, sum(fills)::bigint AS fills, sum(volume) AS volume, sum(fees) AS fees
        FROM (
            SELECT * FROM public.fills_of_month(first_day)
            UNION ALL
            SELECT total.broker_code, total.market, total.fills, total.volume, total.fees
            FROM public.fill_archive_total AS total
            JOIN public.fill_archive AS kept ON kept.id = total.archive_id
            WHERE kept.month = first_day AND kept.state = 'dropped'
        ) AS everywhere GROUP BY 1, 2
    ) AS counted USING (broker_code, market)
    WHERE (coalesce(told.fills, 0), coalesce(told.volume, 0), coalesce(told.fees, 0))
          IS DISTINCT FROM
          (coalesce(counted.fills, 0), coalesce(counted.volume, 0), coalesce(counted.fees, 0))
$$;
"""
UNDO = """
DROP FUNCTION archived_fills_are_back(bigint, timestamptz);
DROP FUNCTION unlike_archived(date);
DROP FUNCTION drop_archived_fills(date, text, bigint, bytea, bigint, numeric, numeric, timestamptz);
DROP FUNCTION fills_of_month(date);
"""
