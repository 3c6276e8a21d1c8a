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
