"""What a sweep costs when much has happened: little, because it looks back a month and looks letters up."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from portal import notices
from portal.notices import accounts, appeals, credits, standings, statements
from tests import make
from tests.payouts.owner import connected as owner

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


def two_years_of_statements(hand):
    """200 brokers, three members each, 24 months: 4,800 statements and credits, every letter written."""
    for code in range(1000, 1200):
        make.broker(code=code)
    logins = [make.login(email=f"{number}@example.com").pk for number in range(3)]
    for table in ("statement", "payout", "credit_attempt"):
        hand.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    hand.execute(
        "INSERT INTO portal_membership (login_id, broker_id, role, joined_at)"
        " SELECT login, code, 'owner', '2015-01-01' FROM broker, unnest(%s::bigint[]) AS login",
        [logins],
    )
    hand.execute(
        "INSERT INTO month_run (month, calculated_at, terms) SELECT month, now(), 'x'"
        " FROM generate_series(date '2024-11-01', date '2026-10-01', interval '1 month') AS month"
    )
    hand.execute(
        "INSERT INTO payout (run_id, broker_id, account_id, tier, rebate, spot_volume, futures_volume,"
        " volume, fills, fees, amount, payout, state, terms, watermark, voids, corrections, withheld,"
        " input_digest, digest) SELECT id, code, 'A', 'BKR 0', 0.2, 0, 0, 0, 0, 0, 0, 0, 'calculated', 'x',"
        " '{}', '{}', 0, 0, '', '' FROM month_run, broker"
    )
    hand.execute("INSERT INTO signing_key VALUES ('0123456789abcdef', 'x', now())")
    hand.execute(
        "INSERT INTO statement (broker_id, number, previous_number, payout_id, month, issued_at, digest,"
        " key_id, signature, due, lines) SELECT broker_id, 1 + place, nullif(place, 0), id, month,"
        " month + interval '1 month 10 hours', lpad(id::text, 64, '0'), '0123456789abcdef', 'x', 1, 0 FROM ("
        "   SELECT payout.*, month, row_number() OVER (PARTITION BY broker_id ORDER BY month) - 1 AS place"
        "   FROM payout JOIN month_run ON month_run.id = run_id) AS numbered"
    )
    hand.execute(
        "INSERT INTO credit_attempt (payout_id, number, key, account_id, amount, state, created_at, sent_at,"
        " decided_at, fence, asks, credit_id, detail) SELECT payout_id, 1, gen_random_uuid(), 'A', 1,"
        " 'confirmed', issued_at, issued_at, issued_at, 0, 0, payout_id::text, '' FROM statement"
    )
    for prefix, fact in (("statement", "statement.id"), ("credit", "payout_id")):
        hand.execute(
            'INSERT INTO letter (key, kind, "to", facts, message_id, state, attempts, written_at, due_at,'
            f" sent_at, last_error) SELECT '{prefix}:' || {fact} || ':' || login_id, 'x', 'a@example.com',"
            f" '{{}}', '{prefix}' || {fact} || '.' || login_id, 'sent', 1, now(), now(), now(), ''"
            " FROM statement JOIN portal_membership USING (broker_id)"
        )
    hand.execute("ANALYZE")


@pytest.mark.long
def test_two_years_of_statements_cost_a_sweep_little(committed_db):
    with owner() as hand:
        two_years_of_statements(hand)
        assert hand.execute("SELECT count(*) FROM letter").fetchone() == (2 * 200 * 24 * 3,)

    found = {source: plan(source._QUESTION) for source in (statements, credits)}

    for each in found.values():
        assert set(scans_of(each["Plan"], "letter")) <= {"Index Only Scan", "Index Scan"}
        assert each["Execution Time"] < 50  # milliseconds, of a sweep every second
    assert notices.write_due(now=make.NOW) == 0
    print({source.__name__: each["Execution Time"] for source, each in found.items()})
