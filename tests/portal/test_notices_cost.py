"""What a sweep costs when much has happened: little, because it looks back a month and looks letters up."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from portal import notices
from portal.notices import accounts, appeals, standings
from tests import make

FACTS = 10_000
DAY = timedelta(days=1)


def many_facts():
    """10,000 suspensions and liftings of ten years, four members each, every letter written."""
    brokers = [make.broker(code=code) for code in range(1000, 1100)]
    for number in range(4):
        login = make.login(email=f"{number}@example.com")
        for broker in brokers:
            make.membership(login, broker, role="viewer")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE portal_membership SET joined_at = '2015-01-01'")
        cursor.execute(
            "INSERT INTO desk_case (broker_id, kind, title, state, is_flagged, opened_at, outcome)"
            " SELECT code, 'suspension', 'x', 'open', false, now(), '' FROM broker"
        )
        for begins in (
            datetime(2020, 6, 1, tzinfo=UTC) + number * 40 * DAY for number in range(FACTS // 200)
        ):
            cursor.execute(
                "INSERT INTO standing_change (broker_id, kind, effective_at, recorded_at, note, reason,"
                " message, case_id) SELECT broker_id, 'suspended', %(at)s, %(at)s, '', 'other', 'x', id"
                " FROM desk_case",
                {"at": begins},
            )
            cursor.execute(
                "INSERT INTO standing_change (broker_id, kind, effective_at, recorded_at, note, reason,"
                " message, case_id, ends_id) SELECT broker_id, 'lifted', %(to)s, %(to)s, '', '', '', case_id,"
                " id FROM standing_change WHERE kind = 'suspended' AND effective_at = %(at)s",
                {"at": begins, "to": begins + DAY},
            )
        cursor.execute("SELECT count(*) FROM standing_change WHERE kind <> 'enrolled'")
        assert cursor.fetchone() == (FACTS,)
        cursor.execute(
            'INSERT INTO letter (key, kind, "to", facts, message_id, state, attempts, written_at, due_at,'
            " sent_at, last_error) SELECT 'standing:' || change.id || ':decided:' || login_id, 'x',"
            " 'a@example.com', '{}', change.id || '.' || login_id, 'sent', 1, now(), now(), now(), ''"
            " FROM standing_change AS change JOIN portal_membership AS member USING (broker_id)"
        )


def plan(question):
    with connection.cursor() as cursor:
        given = {"since": make.NOW - notices.LATEST, "now": make.NOW}
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {question}", given)
        [[found]] = cursor.fetchall()
    return (json.loads(found) if isinstance(found, str) else found)[0]


def scans_of(node, table):
    own = [node["Node Type"]] if node.get("Relation Name") == table else []
    return own + [kind for child in node.get("Plans", []) for kind in scans_of(child, table)]


@pytest.mark.long
@pytest.mark.django_db
def test_ten_thousand_facts_with_their_letters_cost_a_sweep_little():
    many_facts()
    make.suspended(make.broker(code=1000), make.NOW - timedelta(hours=1))

    found = plan(standings._QUESTION)

    # Letters are looked up one by one for what is new, never read through.
    assert set(scans_of(found["Plan"], "letter")) <= {"Index Only Scan", "Index Scan"}
    assert found["Execution Time"] < 100  # milliseconds, of a sweep every second
    assert [notices.write_due(now=make.NOW), notices.write_due(now=make.NOW)] == [4, 0]


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize("source", [appeals, accounts])
def test_the_other_questions_look_letters_up_too(source):
    many_facts()

    found = plan(source._QUESTION)
    assert set(scans_of(found["Plan"], "letter")) <= {"Index Only Scan", "Index Scan"}
