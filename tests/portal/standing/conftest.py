"""A broker with a team, and what staff do to its standing."""

from typing import Any

import pytest
import time_machine

from tests import make


@pytest.fixture(autouse=True)
def _now() -> object:
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def broker(db: object) -> Any:
    return make.broker(code=1400, name="Nordlicht")


@pytest.fixture
def owner(broker: Any) -> Any:
    login = make.login(email="olga@example.com")
    make.membership(login, broker)
    return login


@pytest.fixture
def staff(db: object) -> Any:
    return make.login(email="sue@backpack.exchange", is_staff=True)


def colleague(broker: Any, role: str) -> Any:
    login = make.login(email=f"{role}@example.com")
    make.membership(login, broker, role=role)
    return login
