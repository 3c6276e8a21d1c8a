"""Lines and fills in the world of the matrix: each broker has one of October, of the same trader."""

from decimal import Decimal

from django.conf import settings

from payouts.feed.models import Fill
from payouts.statements import pseudonym
from portal.explain.cursors import FillKey, LineName
from tests.portal.matrix.desk import code_of

#: What no broker has.
NO_LINE = LineName("T-AAAAAAAAAAAA", "spot", Decimal("0.001"), Decimal(0))
NO_FILL = FillKey("SOL_USDC", 2**62, "nobody's")


def line(visitor: str) -> LineName:
    """The line of October of the broker in a visitor's addresses."""
    of = Fill.objects.filter(broker_code=code_of(visitor)).order_by("id")[0]
    name = pseudonym.of(trader=of.trader, broker=of.broker_code, key=settings.PSEUDONYM_KEY)
    return LineName(name, of.market, of.fee_rate, of.affiliate_rate)


def fill(visitor: str) -> FillKey:
    """The fill of that line."""
    of = Fill.objects.filter(broker_code=code_of(visitor)).order_by("id")[0]
    return FillKey(of.symbol, of.trade_id, of.order_id)
