"""What was booked stays: no role changes or removes a row of the feed, and no number is NaN."""

from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from payouts.feed import partitions, replaying
from payouts.models import Fill
from payouts.month import Month
from tests import make
from tests.payouts import owner
from tests.payouts.feed.waiting import discard, waits

#: Table → a column of it.
APPEND_ONLY = {
    "fill": "price",
    "fill_202610": "price",
    "fill_202611": "price",
    "fill_key": "content",
    "excluded_record": "reason",
    "quarantined_record": "reason",
    "feed_batch": "source",
    "quarantine_change": "note",
    "standing_change": "note",
    "desk_case_entry": "text",
    "desk_case_file": "name",
    "desk_case_file_content": "content",
    "desk_appeal_message": "text",
    "payout_hold": "held_at",
    "account_change_step": "kind",
    "broker_activity": "about",
    "viewed_page": "path",
}
#: Rows that stay, of which some columns may change.
KEPT = {
    "broker": "name",
    "total_by_rate": "market",
    "total_by_hour": "market",
    "total_by_day": "trader",
    "quarantine_place": "state",
    "quarantine_replay": "reason",
}
Execute = Callable[[str], None]


def refusal(execute: Execute, statement: str) -> str:
    """Which law of the database refused a statement; empty if none did."""
    try:
        execute(statement)
    except (DatabaseError, psycopg.Error) as problem:
        cause = problem.__cause__ if isinstance(problem, DatabaseError) else problem
        return f"{cause.sqlstate} {str(cause).splitlines()[0]}"  # type: ignore[union-attr]
    return ""


def as_application(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def book_one_of_each() -> None:
    broker = make.broker()
    make.fills(
        make.record(),
        make.record(timestamp="2026-11-01T00:00:00Z"),
        make.record(marketType="RFQ"),
        make.record(fee="7"),
    )
    discard(reason="fee_mismatch")
    waits(brokerId=1500)
    replaying.ask(by=None, now=make.NOW)
    make.suspended(broker, datetime(2026, 11, 1, tzinfo=UTC), recorded_at=make.NOW)


def changes(table: str, column: str) -> list[str]:
    return [f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"]


def test_the_application_may_change_or_remove_no_row_of_an_append_only_table(committed_db: str) -> None:
    book_one_of_each()

    for table, column in APPEND_ONLY.items():
        for statement in [*changes(table, column), f"UPDATE {table} SET {column} = {column} WHERE false"]:
            assert refusal(as_application, statement) == f"42501 permission denied for table {table}"
    for table in KEPT:
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}"):
            assert refusal(as_application, statement) == f"42501 permission denied for table {table}"
    for table, column in KEPT.items():
        statement = f"UPDATE {table} SET {column} = {column}"
        assert refusal(as_application, statement) == f"42501 permission denied for table {table}"


def test_the_application_cannot_take_the_law_away(committed_db: str) -> None:
    book_one_of_each()
    ways = [
        *(f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in APPEND_ONLY),
        *(f"DROP TABLE {table} CASCADE" for table in (*APPEND_ONLY, *KEPT)),
        "ALTER TABLE fill DETACH PARTITION fill_202610",
        "DROP TRIGGER fill_is_append_only ON fill",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger AS 'BEGIN END' LANGUAGE plpgsql",
        "ALTER TABLE fill_key DROP CONSTRAINT fill_key_pkey",
        "SET session_replication_role = replica",
        "SET ROLE portal_owner",
        "INSERT INTO fill_202610 SELECT * FROM fill_202610",
        "CREATE TABLE public.mine (a int)",
    ]

    assert [way for way in ways if not refusal(as_application, way).startswith("42501 ")] == []
    as_application("GRANT ALL ON fill TO portal_app")  # PostgreSQL warns that nothing was granted
    assert refusal(as_application, "DELETE FROM fill") == "42501 permission denied for table fill"


def test_the_owner_too_is_refused_by_the_triggers(committed_db: str) -> None:
    book_one_of_each()

    with owner.connected() as connected:
        for table, column in APPEND_ONLY.items():
            for statement in changes(table, column):
                said = refusal(connected.execute, statement)
                assert said.startswith("42501 ")
                assert said.endswith(" is refused: its rows are kept for ever")
        for table in KEPT:
            for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
                assert refusal(connected.execute, statement).endswith("its rows are kept for ever")
        upsert = "INSERT INTO fill_key SELECT * FROM fill_key ON CONFLICT (symbol, trade_id, order_id)"
        assert "UPDATE of fill_key is refused" in refusal(
            connected.execute, f"{upsert} DO UPDATE SET content = excluded.content"
        )
        merge = "MERGE INTO fill_key k USING fill_key o ON k.order_id = o.order_id WHEN MATCHED THEN DELETE"
        assert "DELETE of fill_key is refused" in refusal(connected.execute, merge)


@pytest.mark.parametrize("table", ["fill", "fill_202610", "feed_batch"])
def test_it_is_the_trigger_that_refuses_the_owner(committed_db: str, table: str) -> None:
    """The twin: without the trigger the same statement changes the row, so the tests above can fail."""
    book_one_of_each()

    with owner.connected() as connected:
        statement = f"DELETE FROM {table}"
        assert refusal(connected.execute, statement) != ""
        connected.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        assert refusal(connected.execute, statement) == ""
        assert connected.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


@pytest.mark.django_db
def test_every_partition_is_made_with_its_own_triggers_and_rights() -> None:
    partitions.make([Month(2031, 2), Month(2031, 3)])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger"
            " WHERE tgrelid::regclass::text LIKE 'fill_2031%' ORDER BY 1, 2"
        )
        assert cursor.fetchall() == [
            ("fill_203102", "fill_is_append_only"),
            ("fill_203102", "fill_is_not_emptied"),
            ("fill_203103", "fill_is_append_only"),
            ("fill_203103", "fill_is_not_emptied"),
        ]
        cursor.execute(
            "SELECT privilege_type FROM information_schema.table_privileges"
            " WHERE table_name = 'fill_203102' AND grantee = 'portal_app'"
        )
        assert cursor.fetchall() == [("SELECT",)]


@pytest.mark.django_db
def test_partitions_are_half_open_months_in_utc_whatever_the_session_s_zone() -> None:
    make.broker()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'Asia/Tokyo'")
        make.fills(
            make.record(timestamp="2026-09-30T23:59:59.999999Z"),
            make.record(timestamp="2026-10-01T00:00:00Z"),
            make.record(timestamp="2026-10-31T23:59:59.999999Z"),
        )
        cursor.execute("SELECT tableoid::regclass::text, count(*) FROM fill GROUP BY 1 ORDER BY 1")
        assert cursor.fetchall() == [("fill_202609", 1), ("fill_202610", 2)]


@pytest.mark.django_db
def test_a_partition_begins_on_the_first_of_a_month() -> None:
    said = refusal(as_application, "SELECT make_fill_partition('2026-10-02')")

    assert said == "P0001 2026-10-02 is not the first day of a month"
    assert refusal(as_application, "SELECT make_fill_partition('2026-12-01')") == ""
    assert refusal(as_application, "SELECT make_fill_partition('2026-12-01')") == ""


NUMBERS = {
    "fill": ["price", "quantity", "fee", "fee_rate", "affiliate_rate"],
    "excluded_record": ["price", "quantity", "fee", "fee_rate", "affiliate_rate"],
    "total_by_rate": ["fee_rate", "affiliate_rate", "volume", "fees"],
    "total_by_hour": ["volume", "fees"],
    "total_by_day": ["volume", "fees"],
}


@pytest.mark.django_db
@pytest.mark.parametrize("table", NUMBERS)
def test_no_number_of_the_feed_is_nan_or_infinite(table: str) -> None:
    make.broker()
    make.fills(make.record(), make.record(marketType="RFQ"))

    def copy_with(values: str) -> str:
        return refusal(
            as_application,
            f"INSERT INTO {table} SELECT (jsonb_populate_record(t, '{values}'::jsonb)).* FROM {table} t",
        )

    for column in NUMBERS[table]:
        for number in ("NaN", "Infinity", "-Infinity"):
            # 23514: a CHECK; 22003: the column's digits end before infinity.
            assert copy_with(f'{{"{column}": "{number}"}}')[:5] in {"23514"} | ({"22003"} - {number})
        assert copy_with(f'{{"{column}": "NaN"}}')[:5] == "23514"
    assert copy_with("{}")[:5] in ("23505", "")  # the same row again is refused for its key alone


@pytest.mark.django_db
def test_a_batch_that_does_not_add_up_is_refused() -> None:
    make.fills(make.record())

    statement = (
        "INSERT INTO feed_batch (source, received_at, received, accepted, duplicate, excluded, quarantined)"
        " VALUES ('x', now(), {}, 1, 1, 1, 1)"
    )
    assert "every_received_record_is_in_one_place" in refusal(as_application, statement.format(5))
    assert refusal(as_application, statement.format(4)) == ""


@pytest.mark.django_db
def test_the_same_key_cannot_be_taken_twice_nor_the_same_bytes_quarantined_twice() -> None:
    make.broker()
    make.fills(make.record(), make.record(fee="7"))

    for table in ("fill_key", "quarantined_record"):
        assert refusal(as_application, f"INSERT INTO {table} SELECT * FROM {table}")[:5] == "23505"
    assert Fill.objects.count() == 1
