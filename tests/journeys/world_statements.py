"""A world for the pages of statements: that of `world_money`, an owner who reads, files she asked for."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from payouts.feed.models import Fill
from payouts.models import Broker
from payouts.month import Month
from payouts.statements import pseudonym
from portal.explain.cursors import FillInAddress, FillKey, LineInAddress, LineName
from portal.models import Export
from portal.preferences.links import OneClick, token_of
from portal.statements import asking, making
from tests import make
from tests.journeys import world_money
from tests.journeys.world import World, entered

_READ = (world_money.CREDITED, world_money.HELD)


def _opened(month: Month) -> dict[str, str]:
    """A fill that earns, its line and its day, as addresses name them."""
    fills = Fill.objects.filter(broker_code=world_money.CREDITED, executed_at__gte=month.starts_at, fee__gt=0)
    of = fills.filter(executed_at__lt=month.ends_at).order_by("id")[0]
    name = pseudonym.of(trader=of.trader, broker=of.broker_code, key=settings.PSEUDONYM_KEY)
    return {
        "line": LineInAddress().to_url(LineName(name, of.market, of.fee_rate, of.affiliate_rate)),
        "fill": FillInAddress().to_url(FillKey(of.symbol, of.trade_id, of.order_id)),
        "day": f"{of.executed_at:%Y-%m-%d}",
    }


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
    facts |= _opened(this_month.previous())
    facts |= {
        "one_click": token_of(OneClick(olga.pk, world_money.CREDITED, "statements")),
        "broken": "not-a-token",
    }
    return World(money.facts | facts, money.sessions | {"olga": entered(olga, proven=True)})
