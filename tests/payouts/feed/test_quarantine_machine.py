"""Whatever comes, is replayed, discarded and reopened in whatever order: every record is in one place."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.payouts.feed.quarantine_machine import Quarantine

HOUSE = settings(deadline=None, database=None, print_blob=True, suppress_health_check=list(HealthCheck))


@pytest.fixture
def database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The shared database without a transaction of the test's: every example has one of its own."""
    with django_db_blocker.unblock():
        yield


def test_a_quarantine_a_few(database: None) -> None:
    run_state_machine_as_test(Quarantine, settings=settings(HOUSE, max_examples=25, stateful_step_count=10))


@pytest.mark.fault
@pytest.mark.timeout(3600)
def test_a_quarantine(database: None) -> None:
    run_state_machine_as_test(Quarantine, settings=settings(HOUSE, max_examples=500, stateful_step_count=40))
