"""Every invariant of the books is broken here once, by the owner's hand, and must be found by its name."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from payouts import books
from tests import databases
from tests.payouts import archive_breaches, money_rows, owner
from tests.payouts.money_breaches import BREACHES as OF_MONEY
from tests.payouts.money_breaches import CHECK_BREACHES

BREACHES = OF_MONEY | archive_breaches.BREACHES
#: What else is found where a row of an approved payout is another one.
CHANGED = {"nothing of an approved payout has changed since", "a statement says what its payout's row says"}


@pytest.fixture(scope="module")
def book(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, int]]:
    with django_db_blocker.unblock(), databases.clone(databases.own_name("books")):
        yield money_rows.write()


@pytest.fixture
def server(book: dict[str, int]) -> "Iterator[psycopg.Connection[tuple[Any, ...]]]":
    """The owner in a transaction that is rolled back, with every trigger off."""
    with owner.connected() as connection:
        connection.autocommit = False
        owner.disarm(connection)
        yield connection
        connection.rollback()


def broken(server: "psycopg.Connection[tuple[Any, ...]]") -> set[str]:
    return {name for name, each in books.INVARIANTS.items() if server.execute(each.query).fetchall()}  # type: ignore[arg-type]


def test_a_book_in_which_everything_has_happened_is_sound(book: dict[str, int]) -> None:
    assert books.breaches() == []


def test_every_invariant_is_broken_here() -> None:
    assert set(BREACHES) == set(books.INVARIANTS)
    assert set(CHECK_BREACHES) == set(books.CHECKS)


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_found_by_its_name(
    book: dict[str, int], server: "psycopg.Connection[tuple[Any, ...]]", name: str
) -> None:
    deed, besides = BREACHES[name]
    for statement in deed.format(**book).split(";"):
        server.execute(statement)  # type: ignore[arg-type]

    assert broken(server) == {name, *besides}


@pytest.mark.parametrize("name", CHECK_BREACHES)
def test_a_breach_that_no_query_tells_is_found_by_its_name(committed_db: str, name: str) -> None:
    rows = money_rows.write()
    with owner.connected() as connection:
        owner.disarm(connection)
        for statement in CHECK_BREACHES[name].format(**rows).split(";"):
            connection.execute(statement)  # type: ignore[arg-type]

    found = {each.invariant for each in books.breaches()}

    assert found - (CHANGED - {name}) == {name}


@pytest.mark.parametrize("name", [*BREACHES, *CHECK_BREACHES])
def test_every_breach_comes_with_what_helps(name: str) -> None:
    helps = (books.INVARIANTS | books.CHECKS)[name].helps

    assert helps.endswith(".")
    assert "manage.py" in helps or "Staff" in helps
