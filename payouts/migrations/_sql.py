"""SQL that several migrations share: who may do what with a table. Never edited once landed."""

ROLES = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'portal_app') THEN
        CREATE ROLE portal_app NOLOGIN;
    END IF;
END $$;
GRANT USAGE ON SCHEMA public TO portal_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO portal_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO portal_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO portal_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO portal_app;
REVOKE ALL ON django_migrations FROM portal_app;
GRANT SELECT ON django_migrations TO portal_app;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: its rows are kept for ever', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
"""


def append_only(table: str) -> str:
    """Rows are added and read; nobody, the owner included, changes or removes one."""
    return f"""
    CREATE TRIGGER {table}_is_append_only BEFORE UPDATE OR DELETE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER {table}_is_not_emptied BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    REVOKE ALL ON {table} FROM portal_app;
    GRANT SELECT, INSERT ON {table} TO portal_app;
    """


def kept(table: str, *, editable: str = "") -> str:
    """Rows are never removed; of them only the named columns may change."""
    update = f"GRANT UPDATE ({editable}) ON {table} TO portal_app;" if editable else ""
    return f"""
    CREATE TRIGGER {table}_is_kept BEFORE DELETE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER {table}_is_not_emptied BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    REVOKE ALL ON {table} FROM portal_app;
    GRANT SELECT, INSERT ON {table} TO portal_app;
    {update}
    """


def finite(table: str, *columns: str) -> str:
    """Refuse infinities and NaN, which PostgreSQL sorts above infinity."""
    checks = " AND ".join(f"{name} > '-Infinity' AND {name} < 'Infinity'" for name in columns)
    return f"ALTER TABLE {table} ADD CONSTRAINT {table}_numbers_are_finite CHECK ({checks});"


def recorded(table: str) -> str:
    """A table's history, `portal_…history`: written by its triggers with the owner's right, read by all.

    Called after every migration that changes a table with a history, because Django then makes the
    triggers' functions anew, without the owner's right.
    """
    return f"""
    DO $$
    DECLARE writer regprocedure;
    BEGIN
        FOR writer IN
            SELECT tgfoid::regprocedure FROM pg_trigger
            WHERE tgrelid = '{table}'::regclass AND tgname LIKE 'pgtrigger\\_%'
        LOOP
            EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = public, pg_temp', writer);
            -- Or the application could hang it on a table of its own and write what it likes.
            EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC, portal_app', writer);
        END LOOP;
    END $$;
    -- pgtrigger lets a session's setting silence a trigger; nothing may silence these.
    CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name NAME) RETURNS BOOLEAN AS
        $$ SELECT false $$ LANGUAGE sql;
    """


def history(table: str) -> str:
    """Rows come from triggers alone; nobody, the owner included, changes or removes one."""
    return f"""
    {append_only(table)}
    REVOKE INSERT ON {table} FROM portal_app;
    """


def begin_history(table: str, history_table: str) -> str:
    """Rows from before the recording: their history begins with what they were, and says so."""
    return f"""
    DO $$
    DECLARE fields text;
    BEGIN
        SELECT string_agg(quote_ident(column_name), ', ') INTO fields
        FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = '{history_table}' AND column_name NOT LIKE 'pgh\\_%';
        EXECUTE format(
            'INSERT INTO {history_table} (pgh_created_at, pgh_label, pgh_context, pgh_obj_id, %s)'
            ' SELECT now(), ''insert'', ''{{"reason": "as it stood when recording began"}}'','
            ' %I, %s FROM {table}',
            fields,
            (SELECT a.attname FROM pg_index i JOIN pg_attribute a
                 ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
             WHERE i.indrelid = '{table}'::regclass AND i.indisprimary),
            fields
        );
    END $$;
    """
