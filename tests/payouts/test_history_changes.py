"""What histories record: each change with who, why and from where, and those made past the portal too."""

from collections.abc import Callable
from contextlib import closing
from typing import Any
from uuid import uuid4

import pghistory
import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction

from payouts.models import Broker
from portal.models import Letter, Membership, User
from tests import make
from tests.payouts.histories import HISTORIES, RECORDED, make_one_of_each, rows


@pytest.fixture
def one_of_each(committed_db: str) -> None:
    make_one_of_each()


def of_the_portal(statement: str) -> None:
    """SQL of the portal's own, as a request with a reason sends it."""
    with (
        pghistory.context(user=7, request="r-1", address="192.0.2.7", url="/staff/", reason="as asked"),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def of_psql(statement: str) -> None:
    """SQL of whoever has the application's password and a terminal."""
    app = settings.DATABASES["default"]
    with closing(
        psycopg.connect(
            host=app["HOST"],
            port=app["PORT"],
            user=app["USER"],
            password=app["PASSWORD"],
            dbname=connection.settings_dict["NAME"],
            autocommit=True,
        )
    ) as other:
        other.execute(statement)


#: Table → a row more, a row changed, a row less (where that can be); and what was changed from and to.
CHANGES: dict[str, tuple[str, str, tuple[str, str, str] | None, str | None]] = {
    "broker": (
        "INSERT INTO broker (code, name, account_id, enrolled_at) VALUES (1999, 'B', 'ACC', now())",
        "",
        None,
        None,
    ),
    "portal_user": (
        "INSERT INTO portal_user (password, is_superuser, email, name, is_staff, is_active, joined_at)"
        " VALUES ('x', false, 'z@example.com', '', false, true, now())",
        "UPDATE portal_user SET is_superuser = true WHERE email = 'olga@example.com'",
        ("is_superuser", "False", "True"),
        None,
    ),
    "portal_membership": (
        "INSERT INTO portal_membership (login_id, broker_id, role, joined_at)"
        " SELECT id, 1400, 'viewer', now() FROM portal_user WHERE email = 'rita@exchange.example'",
        "UPDATE portal_membership SET role = 'developer' WHERE role = 'finance'",
        ("role", "finance", "developer"),
        "DELETE FROM portal_membership",
    ),
    "desk_case": (
        "INSERT INTO desk_case (broker_id, kind, title, state, is_flagged, opened_at, outcome)"
        " VALUES (1400, 'fraud', 'Wash trades?', 'open', true, now(), '')",
        "UPDATE desk_case SET is_flagged = false WHERE is_flagged",
        ("is_flagged", "True", "False"),
        None,
    ),
    "account_change": (
        "INSERT INTO account_change (SELECT (r).* FROM (SELECT jsonb_populate_record(c, jsonb_build_object("
        f"'id', 900, 'reference', '{uuid4()}', 'state', 'refused', 'ended_at', now(), 'new_account_id',"
        " 'BP-3')) AS r FROM account_change c) AS copied)",
        "UPDATE account_change SET state = 'cancelled', ended_at = now() WHERE state = 'asked'",
        ("state", "asked", "cancelled"),
        None,
    ),
    "service_token": (
        "INSERT INTO service_token (SELECT (r).* FROM (SELECT jsonb_populate_record(t, jsonb_build_object("
        f"'id', 900, 'prefix', 'bpk_2', 'token_hash', '{'1' * 64}')) AS r FROM service_token t) AS copied)",
        "UPDATE service_token SET revoked_why = 'lost' WHERE prefix = 'bpk_1'",
        ("revoked_why", "", "lost"),
        None,
    ),
    "mfa_authenticator": (
        "INSERT INTO mfa_authenticator (user_id, type, data, created_at)"
        " SELECT id, 'webauthn', '{}', now() FROM portal_user WHERE email = 'olga@example.com'",
        "",
        None,
        "DELETE FROM mfa_authenticator WHERE type = 'recovery_codes'",
    ),
    "portal_invitation": (
        "INSERT INTO portal_invitation (broker_id, email, role, state, invited_by_id, invited_at, expires_at,"
        " terms_version) SELECT 1400, 'n@example.com', 'viewer', 'open', id, now(), now(), ''"
        " FROM portal_user LIMIT 1",
        "UPDATE portal_invitation SET state = 'withdrawn'",
        ("state", "open", "withdrawn"),
        None,
    ),
    "portal_user_groups": (
        "INSERT INTO portal_user_groups (user_id, group_id)"
        " SELECT u.id, g.id FROM portal_user u, auth_group g"
        " WHERE u.email = 'olga@example.com' AND g.name = 'auditor'",
        "",
        None,
        "DELETE FROM portal_user_groups",
    ),
    "application": (
        "INSERT INTO application (SELECT (r).* FROM (SELECT jsonb_populate_record(a, jsonb_build_object("
        f"'id', 900, 'reference', '{uuid4()}', 'state', 'withdrawn')) AS r FROM application a) AS copied)",
        "UPDATE application SET legal_name = 'Zebra'",
        ("legal_name", "", "Zebra"),
        None,
    ),
    "application_document": (
        "INSERT INTO application_document (SELECT (r).* FROM (SELECT jsonb_populate_record(d,"
        f" jsonb_build_object('id', 900, 'reference', '{uuid4()}')) AS r FROM application_document d) AS c)",
        "UPDATE application_document SET removed_at = '2026-11-22T12:00:00Z'",
        ("removed_at", "None", "2026-11-22T12:00:00+00:00"),
        None,
    ),
}
IN_CONTEXT = {
    "user": 7,
    "request": "r-1",
    "address": "192.0.2.7",
    "url": "/staff/",
    "reason": "as asked",
}


EACH_WAY = [
    pytest.param(of_the_portal, IN_CONTEXT, id="the portal's own SQL"),
    pytest.param(of_psql, None, id="psql"),
]


@pytest.mark.usefixtures("one_of_each")
@pytest.mark.parametrize(("execute", "context"), EACH_WAY)
@pytest.mark.parametrize("table", sorted(CHANGES))
def test_every_change_is_recorded_with_who_why_and_from_where_or_with_nobody(
    table: str, execute: Callable[[str], None], context: dict[str, Any] | None
) -> None:
    history, _ = RECORDED[table]
    insert, update, changed, delete = CHANGES[table]

    def recorded_by(statement: str) -> list[dict[str, Any]]:
        before = len(rows(history))
        execute(statement)
        return rows(history)[before:]

    (added,) = recorded_by(insert)
    assert added["pgh_context"] == context
    assert added["pgh_label"] in ("insert", "staff role given", "second factor added")
    if changed is not None:
        field, was, is_now = changed
        was_recorded = rows(history)
        (found, *_more) = recorded_by(update)
        earlier = [row for row in was_recorded if row["pgh_obj_id"] == found["pgh_obj_id"]][-1]
        assert (str(earlier[field]), str(found[field])) == (was, is_now)
        assert (found["pgh_label"], found["pgh_context"]) == ("update", context)
    if delete is not None:
        removed = recorded_by(delete)
        assert len(removed) == 2
        assert {row["pgh_label"] for row in removed} <= {
            "delete",
            "staff role taken",
            "second factor removed",
        }
        assert [row["pgh_context"] for row in removed] == [context, context]


@pytest.mark.usefixtures("one_of_each")
def test_a_change_of_many_rows_is_recorded_row_by_row() -> None:
    before = len(rows("portal_userhistory"))

    with pghistory.context(command="tidy"):
        User.objects.update(name="renamed")

    assert [(row["name"], row["pgh_context"]) for row in rows("portal_userhistory")[before:]] == [
        ("renamed", {"command": "tidy"}),
        ("renamed", {"command": "tidy"}),
    ]


@pytest.mark.usefixtures("one_of_each")
def test_what_is_taken_back_was_never_recorded() -> None:
    before = rows("portal_membershiphistory")

    with transaction.atomic():
        Membership.objects.update(role="viewer")
        transaction.set_rollback(True)

    assert rows("portal_membershiphistory") == before


@pytest.mark.usefixtures("one_of_each")
def test_what_is_not_recorded_leaves_no_row() -> None:
    """Letters have their own state; logging in is no change of a login."""
    before = [rows(history) for history in HISTORIES]

    User.objects.update(last_login=make.NOW)
    Letter.objects.count()
    Broker.objects.count()

    assert [rows(history) for history in HISTORIES] == before
