"""Histories: the database writes them itself, whoever changes what, and nobody can change or add a row."""

import json

import pghistory
import pytest
from django.apps import apps
from django.db import connection, transaction

from tests import make
from tests.payouts import owner
from tests.payouts.histories import HISTORIES, RECORDED, SECRET_TEXT, make_one_of_each, rows
from tests.payouts.test_append_only import as_application, refusal

#: Changes of these tables that no history sees must be impossible for the application.
NEVER = {
    "application": "DELETE FROM application",
    "application_document": "DELETE FROM application_document",
    "broker": "DELETE FROM broker",
    "portal_invitation": "DELETE FROM portal_invitation",
}


@pytest.fixture
def one_of_each(committed_db: str) -> None:
    make_one_of_each()


def columns(history: str) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = %s ORDER BY ordinal_position",
            [history],
        )
        return dict(cursor.fetchall())


def triggers() -> list[tuple[str, str, bool, list[str] | None, str]]:
    """Every trigger that writes a history: table, what it fires on, whose right, path, enabled."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text,"
            " CASE WHEN tgtype & 4 > 0 THEN 'INSERT' WHEN tgtype & 8 > 0 THEN 'DELETE'"
            "  WHEN tgtype & 16 > 0 THEN 'UPDATE' END,"
            " prosecdef, proconfig, tgenabled"
            " FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid"
            " WHERE tgname LIKE 'pgtrigger\\_%' ORDER BY 1, 2"
        )
        return cursor.fetchall()


@pytest.mark.django_db
def test_every_table_that_must_be_recorded_is_and_no_model_was_forgotten() -> None:
    tracked = {
        model.pgh_tracked_model._meta.db_table: model._meta.db_table
        for model in apps.get_models()
        if issubclass(model, pghistory.models.Event) and hasattr(model, "pgh_tracked_model")
    }

    assert tracked == {table: history for table, (history, _) in RECORDED.items()}


@pytest.mark.django_db
def test_each_trigger_is_there_writes_with_the_owners_right_and_looks_nowhere_else() -> None:
    """A later migration that makes a trigger anew, and forgets `recorded()`, fails here."""
    wanted = sorted((table, change) for table, (_, changes) in RECORDED.items() for change in changes)

    assert [(table, change) for table, change, *_ in triggers()] == wanted
    assert {
        tuple(rest) for _, _, definer, path, on in triggers() for rest in [(definer, *(path or []), on)]
    } == {(True, "search_path=public, pg_temp", "O")}


@pytest.mark.django_db
@pytest.mark.parametrize("history", HISTORIES)
def test_no_history_has_room_for_bytes_or_a_password(history: str) -> None:
    found = columns(history)

    assert "bytea" not in found.values()
    assert {"password", "content", "secret", "token", "last_login"} & found.keys() == set()


@pytest.mark.usefixtures("one_of_each")
def test_no_history_ever_holds_bytes_passwords_or_authenticator_secrets() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM portal_user")
        hashes = [password for (password,) in cursor]
        cursor.execute("SELECT data::text FROM mfa_authenticator")
        secrets = [data for (data,) in cursor]
    assert len(hashes) == 2
    assert secrets != []
    needles = [SECRET_TEXT, make.TOTP_SECRET, SECRET_TEXT.encode().hex(), "argon2", *hashes]
    needles += [value for data in secrets for value in json.loads(data).values() if isinstance(value, str)]

    everything = json.dumps([rows(history) for history in HISTORIES])

    assert len(everything) > 1_000
    assert [needle for needle in needles if needle in everything] == []


# -- nobody writes a history but its triggers -------------------------------------------------


@pytest.mark.usefixtures("one_of_each")
@pytest.mark.parametrize("history", HISTORIES)
def test_the_application_reads_a_history_and_nothing_else(history: str) -> None:
    before = rows(history)
    assert before != []

    for statement in (
        f"INSERT INTO {history} SELECT * FROM {history}",
        f"INSERT INTO {history} SELECT * FROM {history} WHERE false",
        f"INSERT INTO {history} DEFAULT VALUES",
        f"COPY {history} FROM STDIN",
        f"UPDATE {history} SET pgh_label = 'x'",
        f"UPDATE {history} SET pgh_context = NULL WHERE false",
        f"DELETE FROM {history}",
        f"DELETE FROM {history} WHERE false",
        f"TRUNCATE {history}",
        f"MERGE INTO {history} h USING {history} o ON h.pgh_id = o.pgh_id WHEN MATCHED THEN DELETE",
        f"SELECT * FROM {history} FOR UPDATE",
    ):
        assert refusal(as_application, statement) == f"42501 permission denied for table {history}"
    assert rows(history) == before


@pytest.mark.usefixtures("one_of_each")
def test_the_application_cannot_take_the_recording_away() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, tgrelid::regclass::text, tgfoid::regprocedure::text FROM pg_trigger"
            " WHERE tgname LIKE 'pgtrigger\\_%'"
        )
        found = cursor.fetchall()
    ways = ["SET session_replication_role = replica", "SET ROLE portal_owner"]
    for name, table, function in found:
        ways += [
            f"DROP TRIGGER {name} ON {table}",
            f"ALTER TABLE {table} DISABLE TRIGGER {name}",
            f"ALTER TABLE {table} DISABLE TRIGGER ALL",
            f"DROP FUNCTION {function} CASCADE",
            f"ALTER FUNCTION {function} SECURITY INVOKER",
            f"ALTER FUNCTION {function} SET search_path = pg_temp",
            f"CREATE OR REPLACE FUNCTION {function} RETURNS trigger"
            " AS 'BEGIN RETURN NULL; END' LANGUAGE plpgsql",
        ]
    for history in HISTORIES:
        ways += [
            f"ALTER TABLE {history} DISABLE TRIGGER ALL",
            f"DROP TABLE {history}",
            f"ALTER TABLE {history} OWNER TO portal_app",
            f"CREATE TRIGGER mine BEFORE INSERT ON {history} FOR EACH ROW EXECUTE FUNCTION refuse_change()",
            f"CREATE RULE mine AS ON INSERT TO {history} DO INSTEAD NOTHING",
        ]

    assert len(found) == 29
    assert [way for way in ways if not refusal(as_application, way).startswith("42501 ")] == []


@pytest.mark.usefixtures("one_of_each")
def test_a_table_of_ones_own_does_not_catch_what_is_recorded() -> None:
    """The functions name tables without a schema: theirs must not be found before the real one."""
    before = len(rows("payouts_brokerhistory"))

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE payouts_brokerhistory (LIKE public.payouts_brokerhistory)")
        cursor.execute(
            "INSERT INTO broker (code, name, account_id, enrolled_at) VALUES (1500, 'B', 'ACC', now())"
        )
        cursor.execute("SELECT count(*) FROM pg_temp.payouts_brokerhistory")
        assert cursor.fetchone() == (0,)
        cursor.execute("DROP TABLE pg_temp.payouts_brokerhistory")

    assert len(rows("payouts_brokerhistory")) == before + 1


@pytest.mark.usefixtures("one_of_each")
def test_no_setting_of_a_session_silences_the_recording() -> None:
    """pgtrigger can be told by a session to ignore a trigger; these are not to be ignored."""
    before = len(rows("portal_userhistory"))

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('pgtrigger.ignore',"
            " '{' || string_agg(DISTINCT tgname || ',portal_user:' || tgname, ',') || '}', true)"
            " FROM pg_trigger WHERE tgname LIKE 'pgtrigger\\_%'"
        )
        cursor.execute("UPDATE portal_user SET name = name || ' again'")

    assert len(rows("portal_userhistory")) > before


@pytest.mark.usefixtures("one_of_each")
def test_the_recording_cannot_be_hung_on_a_table_of_ones_own() -> None:
    """Else invented rows would be written with the owner's right."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tgfoid::regproc::text FROM pg_trigger WHERE tgname LIKE 'pgtrigger\\_%'"
        )
        functions = [name for (name,) in cursor.fetchall()]

    for function in functions:
        said = refusal(
            as_application,
            "CREATE TEMP TABLE mine (LIKE broker); CREATE TRIGGER mine AFTER INSERT ON mine FOR EACH ROW"
            f" EXECUTE FUNCTION {function}()",
        )
        assert said.startswith("42501 permission denied for function ")


@pytest.mark.usefixtures("one_of_each")
@pytest.mark.parametrize("history", HISTORIES)
def test_the_owner_too_is_refused_by_the_triggers(history: str) -> None:
    before = rows(history)

    with owner.connected() as connected:
        for statement in (
            f"UPDATE {history} SET pgh_label = 'x'",
            f"DELETE FROM {history}",
            f"TRUNCATE {history}",
            f"TRUNCATE {history} CASCADE",
        ):
            said = refusal(connected.execute, statement)
            assert said.startswith("42501 ")
            assert said.endswith(f" of {history} is refused: its rows are kept for ever")
    assert rows(history) == before


@pytest.mark.usefixtures("one_of_each")
def test_what_no_history_would_see_the_application_may_not_do() -> None:
    for table, statement in NEVER.items():
        assert refusal(as_application, statement) == f"42501 permission denied for table {table}"
    for table in RECORDED:
        assert refusal(as_application, f"TRUNCATE {table} CASCADE").startswith("42501 ")
