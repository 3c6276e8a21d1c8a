"""Fixtures for all tests. `db` rolls back; `committed_db` is a real database of the test's own."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import reset_hashers

from tests import databases
from tests.exchange import exchange as exchange
from tests.hashing import REAL_HASHERS


def pytest_collection_finish() -> None:
    """Leave alone what lasts as long as the process: to search it for rubbish took a fifth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> None:
    settings.PASSWORD_HASHERS = ["tests.hashing.QuickArgon2", *REAL_HASHERS]
    reset_hashers(setting="PASSWORD_HASHERS")


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """One clone of the migrated template for all tests of this process that roll back."""
    with django_db_blocker.unblock(), databases.clone(databases.own_name("shared")):
        yield


@pytest.fixture(scope="session")
def _reused() -> Iterator[databases.Reused]:
    reused = databases.Reused(databases.own_name("committed"))
    yield reused
    reused.drop()


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: Any, _reused: databases.Reused) -> Iterator[str]:
    """A database in which transactions really commit, for threads and other processes. Its URL.

    Pass it to a process as DATABASE_URL.
    """
    with django_db_blocker.unblock(), _reused.in_use() as url:
        yield url


@pytest.fixture
def rows_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """For payouts that a test writes down column by column: their statements need not add up to be signed."""
    from payouts.statements import actions

    monkeypatch.setattr(actions, "must_be_right", lambda _made, _keys: None)
