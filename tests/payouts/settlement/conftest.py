"""The stage, with a database that rolls back or one that commits."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.payouts.settlement.scene import Scene, on_stage


@pytest.fixture
def scene(db: Any) -> Iterator[Scene]:
    with on_stage() as made:
        yield made


@pytest.fixture
def committed(committed_db: str) -> Iterator[Scene]:
    with on_stage() as made:
        yield made
