"""Whatever happens to two brokers' months in whatever order: every book is sound after every step."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.payouts.money_machine import Money

HOUSE = settings(deadline=None, database=None, print_blob=True, suppress_health_check=list(HealthCheck))


@pytest.fixture
def database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The shared database without a transaction of the test's: every example has one of its own."""
    with django_db_blocker.unblock():
        yield


def test_months_of_money_a_few(database: None) -> None:
    run_state_machine_as_test(Money, settings=settings(HOUSE, max_examples=6, stateful_step_count=15))


@pytest.mark.fault
@pytest.mark.timeout(3600)
def test_months_of_money(database: None) -> None:
    run_state_machine_as_test(Money, settings=settings(HOUSE, max_examples=200, stateful_step_count=50))
