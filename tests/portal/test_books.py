"""Every invariant of what the portal keeps of people is broken here once, and must be found by its name."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from payouts import books
from payouts.ledger.queries import books_breached
from payouts.program.models import Broker
from portal.books import INVARIANTS
from portal.letters.models import Letter
from portal.team.models import Membership
from tests import databases, make
from tests.payouts import money_rows, owner
from tests.portal.application import filing

#: Name → what the owner of the database does by hand.
BREACHES = {
    "nobody decides about a business of their own": (
        "INSERT INTO portal_membership (login_id, broker_id, role, joined_at)"
        " SELECT approved_by_id, broker_id, 'viewer', approved_at - interval '1 minute' FROM payout"
        " WHERE broker_id = 1400 AND approved_by_id IS NOT NULL LIMIT 1"
    ),
    "a broker that has a team has an owner": "UPDATE portal_membership SET role = 'viewer'",
    "a letter that has left was tried, and nobody is at it": "UPDATE letter SET attempts = 0",
    "a document is there until it is erased, and then no more": "DELETE FROM application_document_content",
}


@pytest.fixture(scope="module")
def people(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), databases.clone(databases.own_name("people")):
        money_rows.write()
        olga = make.login()
        make.membership(olga, Broker.objects.get(code=1400))
        filing.document(filing.draft(olga))
        Letter.objects.create(
            key="team:1",
            kind="invitation",
            to="olga@example.com",
            message_id="<1@example.com>",
            state="sent",
            attempts=1,
            written_at=make.NOW,
            due_at=make.NOW,
            sent_at=make.NOW,
        )
        yield


@pytest.fixture
def server(people: None) -> "Iterator[psycopg.Connection[tuple[Any, ...]]]":
    """The owner in a transaction that is rolled back, with every trigger off."""
    with owner.connected() as connection:
        connection.autocommit = False
        owner.disarm(connection)
        yield connection
        connection.rollback()


def broken(server: "psycopg.Connection[tuple[Any, ...]]") -> set[str]:
    return {name for name, each in INVARIANTS.items() if server.execute(each.query).fetchall()}  # type: ignore[arg-type]


def test_a_portal_in_which_much_has_happened_is_sound(people: None) -> None:
    assert books.breaches() == []


def test_every_invariant_is_broken_here() -> None:
    assert set(BREACHES) == set(INVARIANTS)


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_found_by_its_name(server: "psycopg.Connection[tuple[Any, ...]]", name: str) -> None:
    assert server.execute(BREACHES[name]).rowcount > 0  # type: ignore[arg-type]

    assert broken(server) == {name}


@pytest.mark.parametrize("name", BREACHES)
def test_every_breach_comes_with_what_helps(name: str) -> None:
    assert INVARIANTS[name].helps.endswith(".")
    assert "manage.py" in INVARIANTS[name].helps or "Staff" in INVARIANTS[name].helps


def test_who_left_the_team_before_may_decide_and_who_left_it_after_should_not_have(
    server: "psycopg.Connection[tuple[Any, ...]]",
) -> None:
    """History says when a seat ended, also when it is there no more."""
    ended = (
        "INSERT INTO portal_membershiphistory"
        " (pgh_created_at, pgh_label, pgh_obj_id, id, login_id, broker_id, role, joined_at)"
        " SELECT approved_at + %s, 'delete', 77, 77, approved_by_id, broker_id, 'finance',"
        " approved_at - interval '9 days' FROM payout"
        " WHERE broker_id = 1400 AND approved_by_id IS NOT NULL LIMIT 1"
    )
    server.execute(ended, [timedelta(minutes=-1)])
    assert broken(server) == set()

    server.execute(ended, [timedelta(minutes=1)])
    assert broken(server) == {"nobody decides about a business of their own"}


def test_the_books_are_those_of_the_engine_and_of_the_portal() -> None:
    assert set(books.INVARIANTS) & set(INVARIANTS) == set()
    assert books.all_invariants() == books.INVARIANTS | INVARIANTS


@pytest.mark.django_db
def test_a_breach_of_the_portals_refuses_like_one_of_the_engines() -> None:
    broker = make.broker()
    Membership.objects.create(
        login=make.login(),
        broker=broker,
        role="viewer",
        joined_at=make.NOW,
    )

    books.check(now=make.NOW, occasion="nightly")

    assert books_breached()
