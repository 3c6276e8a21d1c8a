"""The table of fills: partitioned by month of execution, which Django cannot declare."""

FILL = """
CREATE SEQUENCE fill_id_seq AS bigint;
CREATE TABLE fill (
    id bigint NOT NULL DEFAULT nextval('fill_id_seq'),
    executed_at timestamptz NOT NULL,
    broker_code integer NOT NULL CHECK (broker_code BETWEEN 0 AND 65535),
    trader bigint NOT NULL CHECK (trader >= 0),
    symbol text NOT NULL,
    market_type text NOT NULL,
    market text NOT NULL CHECK (market IN ('spot', 'futures')),
    trade_id bigint NOT NULL CHECK (trade_id >= 0),
    order_id text NOT NULL,
    client_id text,
    side text NOT NULL CHECK (side IN ('Bid', 'Ask')),
    is_maker boolean NOT NULL,
    price numeric(38, 18) NOT NULL CHECK (price > 0 AND price < 'Infinity'),
    quantity numeric(38, 18) NOT NULL CHECK (quantity > 0 AND quantity < 'Infinity'),
    fee numeric(38, 18) NOT NULL CHECK (fee > '-Infinity' AND fee < 'Infinity'),
    fee_symbol text NOT NULL,
    fee_rate numeric(38, 18) NOT NULL CHECK (fee_rate BETWEEN -1 AND 1),
    affiliate_rate numeric(38, 18) NOT NULL CHECK (affiliate_rate BETWEEN 0 AND 1),
    batch_id bigint NOT NULL,
    PRIMARY KEY (id, executed_at)
) PARTITION BY RANGE (executed_at);
ALTER SEQUENCE fill_id_seq OWNED BY fill.id;

CREATE TRIGGER fill_is_append_only BEFORE UPDATE OR DELETE ON fill
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER fill_is_not_emptied BEFORE TRUNCATE ON fill
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE ALL ON fill FROM portal_app;
GRANT SELECT, INSERT ON fill TO portal_app;

-- Builds a month's partition beside the table and attaches it: CREATE … PARTITION OF would wait for
-- every open insert, and the application's role owns nothing to attach to.
CREATE FUNCTION make_fill_partition(first_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    partition_name text := 'fill_' || to_char(first_day, 'YYYYMM');
BEGIN
    IF extract(day FROM first_day) <> 1 THEN
        RAISE EXCEPTION '% is not the first day of a month', first_day;
    END IF;
    IF to_regclass('public.' || partition_name) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(7230002);
    -- Asked of the table itself: to_regclass may still remember that there was none.
    IF EXISTS (SELECT FROM pg_class
               WHERE relname = partition_name AND relnamespace = 'public'::regnamespace) THEN
        RETURN;
    END IF;
    EXECUTE format(
        'CREATE TABLE public.%I (LIKE public.fill INCLUDING DEFAULTS INCLUDING CONSTRAINTS'
        ' INCLUDING INDEXES INCLUDING STORAGE)', partition_name);
    EXECUTE format('REVOKE ALL ON public.%I FROM portal_app', partition_name);
    EXECUTE format('GRANT SELECT ON public.%I TO portal_app', partition_name);
    EXECUTE format(
        'CREATE TRIGGER fill_is_append_only BEFORE UPDATE OR DELETE ON public.%I'
        ' FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change()', partition_name);
    EXECUTE format(
        'CREATE TRIGGER fill_is_not_emptied BEFORE TRUNCATE ON public.%I'
        ' FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change()', partition_name);
    EXECUTE format(
        'ALTER TABLE public.fill ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
        partition_name,
        first_day::timestamp AT TIME ZONE 'UTC',
        (first_day + interval '1 month') AT TIME ZONE 'UTC');
END $$;
REVOKE ALL ON FUNCTION make_fill_partition(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_fill_partition(date) TO portal_app;
"""
