"""An exchange that answers at once, where a page would ask the real one; the clock of the tests."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from tests import make
from tests.portal.application.filing import Accounts


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> Accounts:
    """What the exchange knows: BP-1 is a business, BP-2 a person, BP-3 an affiliate; BP-4 is an outage."""
    known = Accounts(BP_1="business", BP_2="personal", BP_3="affiliate", BP_4="down")
    monkeypatch.setattr("portal.application.saving.exchange", lambda *, clock: known)
    return known


@pytest.fixture
def at_noon() -> Iterator[None]:
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def olga(db: None) -> Any:
    """An applicant."""
    return make.login()


@pytest.fixture
def client(olga: Any) -> Client:
    """The applicant's browser."""
    client = Client()
    client.force_login(olga)
    return client
