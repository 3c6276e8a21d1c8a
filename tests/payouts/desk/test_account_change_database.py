"""The database by itself refuses what goes around a change of account: to the application and the owner."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import Error

from payouts.models import AccountChange, Broker
from tests import make
from tests.payouts import owner
from tests.payouts.desk import changing_account as make_
from tests.payouts.desk.changing_account import EFFECTIVE, NEW, OLD, People


@pytest.fixture
def of(committed_db: str) -> People:
    make_.broker()
    return make_.people()


@contextmanager
def hand(role: str) -> Iterator[Any]:
    """SQL as the application's role or as the owner of the database."""
    if role == "owner":
        with owner.connected() as found:
            yield found
    else:
        with connection.cursor() as cursor, transaction.atomic():
            yield cursor


by_both = pytest.mark.parametrize("role", ["application", "owner"])


def refuses(role: str, sql: str, *values: Any) -> str:
    """What the database says to it."""
    with pytest.raises((Error, psycopg.Error)) as problem, hand(role) as sent:
        sent.execute(sql, list(values))
    return str(problem.value)


@by_both
def test_an_account_is_not_just_written_over(of: People, role: str) -> None:
    said = refuses(role, "UPDATE broker SET account_id = 'BP-666' WHERE code = 1400")

    assert "follows a change that was asked for, confirmed and waited for" in said
    assert make_.account() == OLD


@by_both
def test_an_account_does_not_follow_a_change_that_still_waits(of: People, role: str) -> None:
    make_.waiting(of)

    assert "follows a change" in refuses(role, "UPDATE broker SET account_id = %s WHERE code = 1400", NEW)


@by_both
def test_an_account_does_not_go_back_by_an_old_change(of: People, role: str) -> None:
    make_.waiting(of)
    make_.sweep(EFFECTIVE)

    assert "follows a change" in refuses(role, "UPDATE broker SET account_id = %s WHERE code = 1400", OLD)


@by_both
def test_nobody_confirms_what_they_checked_or_asked_for(of: People, role: str) -> None:
    change = make_.asked(of.olga)
    make_.prepared(change, of.pia)
    confirm = (
        "UPDATE account_change SET state = 'confirmed', confirmed_by_id = %s, confirmed_at = %s,"
        " effective_at = %s, due_at = %s WHERE id = %s"
    )
    for by in (of.pia, of.olga):
        said = refuses(role, confirm, by.pk, make_.NOW, EFFECTIVE, EFFECTIVE, change.pk)
        assert "three_people_change_an_account" in said


@by_both
def test_nobody_checks_what_they_asked_for(of: People, role: str) -> None:
    change = make_.asked(of.olga)

    said = refuses(
        role,
        "UPDATE account_change SET state = 'prepared', prepared_by_id = %s, prepared_at = %s WHERE id = %s",
        of.olga.pk,
        make_.NOW,
        change.pk,
    )

    assert "three_people_change_an_account" in said


@by_both
def test_the_wait_is_never_shorter_than_72_hours(of: People, role: str) -> None:
    change = make_.waiting(of)

    said = refuses(
        role,
        "UPDATE account_change SET effective_at = effective_at - interval '1 microsecond' WHERE id = %s",
        change.pk,
    )

    assert "change_of_account_waits_72_hours" in said


@by_both
def test_nothing_is_applied_before_its_time(of: People, role: str) -> None:
    change = make_.waiting(of)

    said = refuses(
        role,
        "UPDATE account_change SET state = 'applied', applied_at = %s WHERE id = %s",
        EFFECTIVE - timedelta(microseconds=1),
        change.pk,
    )

    assert "change_of_account_is_applied_after_its_wait" in said


@by_both
def test_nothing_is_applied_that_was_not_confirmed(of: People, role: str) -> None:
    change = make_.asked(of.olga)

    said = refuses(
        role,
        "UPDATE account_change SET state = 'applied', applied_at = %s WHERE id = %s",
        EFFECTIVE,
        change.pk,
    )

    assert "violates check constraint" in said


@by_both
@pytest.mark.parametrize("state", ["applied", "cancelled", "refused"])
def test_what_is_over_is_not_opened_again(of: People, role: str, state: str) -> None:
    change = make_.waiting(of)
    if state == "applied":
        make_.sweep(EFFECTIVE)
    else:
        AccountChange.objects.filter(pk=change.pk).update(state=state, ended_at=EFFECTIVE, ended_why="x")

    said = refuses(
        role,
        "UPDATE account_change SET state = 'confirmed', applied_at = NULL, ended_at = NULL WHERE id = %s",
        change.pk,
    )

    assert "is decided: it stays" in said


@by_both
def test_an_account_of_another_broker_is_never_taken_over(of: People, role: str) -> None:
    """Even by a change that was marked as applied in the meantime."""
    change = make_.waiting(of)
    make.broker(code=1500, account_id=NEW)
    AccountChange.objects.filter(pk=change.pk).update(state="applied", applied_at=EFFECTIVE)

    said = refuses(role, "UPDATE broker SET account_id = %s WHERE code = 1400", NEW)

    assert "belongs to another broker" in said


@by_both
def test_a_change_is_never_removed_and_its_steps_never_change(of: People, role: str) -> None:
    change = make_.asked(of.olga)

    for sql in (
        "DELETE FROM account_change WHERE id = %s",
        "DELETE FROM account_change_step WHERE change_id = %s",
        "UPDATE account_change_step SET kind = 'applied' WHERE change_id = %s",
    ):
        said = refuses(role, sql, change.pk)
        assert "is refused: its rows are kept for ever" in said or "permission denied" in said
    assert Broker.objects.get().account_id == OLD


def test_the_wish_itself_is_not_changed_afterwards(of: People) -> None:
    """The application's role may not touch who asked for what."""
    change = make_.waiting(of)

    for column, value in (("new_account_id", "BP-666"), ("asked_by_id", of.otto.pk), ("asked_from", None)):
        said = refuses(
            "application", f"UPDATE account_change SET {column} = %s WHERE id = %s", value, change.pk
        )
        assert "permission denied" in said
