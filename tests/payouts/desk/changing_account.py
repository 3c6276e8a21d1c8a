"""A change of account and its people: Olga and Otto own Altair, Pia checks, Quentin confirms."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from payouts.desk import account_change
from payouts.exchange.port import Account, ExchangeUnavailable
from payouts.models import AccountChange, Broker
from tests import make

NOW = make.NOW
OLD, NEW = "BP-1400", "BP-900001"
#: From the confirmation, two hours after the asking, until it takes effect.
EFFECTIVE = NOW + timedelta(hours=2, days=3)


def business(account_id: str = NEW, **changes: Any) -> Account:
    return Account(**{"account_id": account_id, "is_business": True, "is_affiliate": False} | changes)


@dataclass
class Scripted:
    """An exchange in the engine's own words: what it says of an account, and what happens meanwhile."""

    says: Callable[[str], Account | None] = business
    is_down: bool = False
    meanwhile: Callable[[], object] | None = None

    def account(self, account_id: str) -> Account | None:
        if self.meanwhile is not None:
            self.meanwhile()
        if self.is_down:
            raise ExchangeUnavailable("down")
        return self.says(account_id)


@dataclass
class People:
    olga: Any
    otto: Any
    pia: Any
    quentin: Any


def people() -> People:
    return People(
        make.login(email="olga@example.com"),
        make.login(email="otto@example.com"),
        make.login(email="pia@exchange.example", is_staff=True),
        make.login(email="quentin@exchange.example", is_staff=True),
    )


def broker() -> Broker:
    return make.broker(code=1400, name="Altair Terminal", account_id=OLD)


def asked(by: Any, *, now: datetime = NOW, **changes: Any) -> AccountChange:
    given: dict[str, Any] = {
        "broker_code": 1400,
        "new_account_id": NEW,
        "by": by.pk,
        "address": "203.0.113.7",
        "now": now,
    } | changes
    given.setdefault("account", business(given["new_account_id"]))
    return account_change.ask(**given)


def prepared(change: AccountChange, by: Any, *, now: datetime = NOW + timedelta(hours=1)) -> AccountChange:
    return account_change.prepare(
        reference=change.reference, account=business(change.new_account_id), by=by.pk, now=now
    )


def confirmed(change: AccountChange, by: Any, *, now: datetime = NOW + timedelta(hours=2)) -> AccountChange:
    return account_change.confirm(
        reference=change.reference,
        shown=account_change.shown(change.reference),
        account=business(change.new_account_id),
        by=by.pk,
        now=now,
    )


def waiting(of: People, **changes: Any) -> AccountChange:
    """A change that two have looked at and that takes effect at `EFFECTIVE`."""
    change = asked(of.olga, **changes)
    prepared(change, of.pia)
    return confirmed(change, of.quentin)


def sweep(at: datetime, exchange: Scripted | None = None) -> int:
    return account_change.apply_due(exchange=exchange or Scripted(), clock=lambda: at)


def account() -> str:
    return Broker.objects.get(code=1400).account_id


def steps(change: AccountChange) -> list[tuple[str, str]]:
    """What happened and who did it, in order."""
    rows = change.steps.order_by("pk").select_related("by")
    return [(row.kind, row.by.email.split("@")[0] if row.by else "portal") for row in rows]
