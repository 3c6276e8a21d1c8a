"""A world for the pages of statements: that of `world_money`, an owner who reads, files she asked for."""

from datetime import timedelta

from django.utils import timezone

from payouts.models import Broker
from payouts.month import Month
from portal.models import Export
from portal.preferences.links import OneClick, token_of
from portal.statements import asking, making
from tests import make
from tests.journeys import world_money
from tests.journeys.world import World, entered

_READ = (world_money.CREDITED, world_money.HELD)


def statements() -> World:
    """The owner of two brokers: one credited, one held; her files wait, are ready, and have expired."""
    money = world_money.months()
    olga = make.login(email="olga@example.com", name="Olga Keller")
    for code in _READ:
        make.membership(olga, Broker.objects.get(code=code))
    now = timezone.now()
    this_month = Month.of(now)
    facts = {"month": str(this_month.previous()), "this_month": str(this_month)}
    asked = {"broker_code": world_money.CREDITED, "by": olga, "now": now, "of": str(this_month)}
    ready = asking.ask(kind="draft", file_format="csv", **asked)
    expired = asking.ask(kind="draft", file_format="json", **asked)
    assert making.make_due(clock=timezone.now) == 2
    Export.objects.filter(pk=expired.pk).update(state="expired", expires_at=now - timedelta(days=1))
    due = asking.ask(kind="draft", file_format="pdf", **asked)
    facts |= {"ready": ready.reference, "expired": expired.reference, "due": due.reference}
    facts |= {
        "one_click": token_of(OneClick(olga.pk, world_money.CREDITED, "statements")),
        "broken": "not-a-token",
    }
    return World(money.facts | facts, money.sessions | {"olga": entered(olga, proven=True)})
