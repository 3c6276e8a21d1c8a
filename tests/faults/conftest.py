"""The stage: a database in which October is due, and what becomes of it when nobody is killed."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults import town
from tests.faults.copies import drop
from tests.faults.playing import Control, without_accidents
from tests.faults.workers import Shifted, Workers, forking


@pytest.fixture(scope="package")
def due(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """A database in which October is due, to be copied. Its name."""
    with django_db_blocker.unblock():
        name = town.built()
        yield name
        drop(name)


@pytest.fixture(scope="package")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Shifted:
    return Shifted(tmp_path_factory.mktemp("clock") / "shift")


@pytest.fixture(scope="package")
def workers(clock: Shifted) -> Iterator[Workers]:
    with forking(clock) as made:
        yield made


@pytest.fixture(scope="package")
def control(due: str, clock: Shifted, workers: Workers) -> Control:
    """The drafts after the run and the final books of a month without accidents."""
    return without_accidents(due, clock, workers)
