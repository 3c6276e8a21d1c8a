"""Who takes part in an invitation."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from payouts.program.models import Broker
from tests import make

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def staff(email: str = "rita@exchange.example", role: str = "reviewer") -> Any:
    """A login of the exchange's staff with one role."""
    from django.contrib.auth.models import Group

    login = make.login(email=email, is_staff=True)
    login.groups.add(Group.objects.get(name=role))
    return login


def person(email: str = "olga@example.com", *, verified: bool = True) -> Any:
    """A login whose address is confirmed, unless said otherwise."""
    from allauth.account.models import EmailAddress

    login = make.login(email=email)
    EmailAddress.objects.filter(user=login).update(verified=verified)
    return login


def imported() -> Broker:
    """A broker of the first days: a code, a name, an account, and nobody who logs in for it."""
    return make.broker(code=1400, name="Altair Terminal", account_id="BP-1400")


@pytest.fixture
def time_machine_at_now() -> Iterator[None]:
    import time_machine

    with time_machine.travel(NOW, tick=False):
        yield
