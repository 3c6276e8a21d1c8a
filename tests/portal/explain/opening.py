"""A broker's October with every arm of the formula, corrected by November; its members in browsers."""

from datetime import UTC, datetime

from django.conf import settings

from payouts.models import Payout
from payouts.month import Month
from payouts.monthend import actions as monthend
from payouts.statements import pseudonym
from tests import make
from tests.payouts.monthend.approving import approve_month
from tests.payouts.monthend.voids import void

OCTOBER, NOVEMBER = Month(2026, 10), Month(2026, 11)
ROOT = "/brokers/1400/explain/"
#: After the first November statement.
DECEMBER = datetime(2026, 12, 2, 12, 0, tzinfo=UTC)
SYMBOLS = {"SPOT": "SOL_USDC", "PERP": "SOL_USDC_PERP"}


def name_of(trader: int, code: int = 1400) -> str:
    return pseudonym.of(trader=trader, broker=code, key=settings.PSEUDONYM_KEY)


def trade(number: int, **changes: object) -> dict[str, object]:
    """A record whose trade and order have known numbers."""
    return make.record(tradeId=number, orderId=f"A-{number}", **changes)


def october() -> None:
    """Tier BKR 3: 40 % in full, with a code that leaves more, the same, less and nothing; a maker rebate."""
    make.fills(
        trade(101, userId=7, price="20000000", timestamp="2026-10-03T14:05:09.120000Z"),
        trade(102, userId=7, price="33.333333", timestamp="2026-10-04T00:00:00Z"),
        trade(103, userId=8, price="100", affiliateRate="0.05"),
        trade(104, userId=8, price="100", affiliateRate="0.1"),
        trade(105, userId=9, price="1000", affiliateRate="0.2"),
        trade(106, userId=10, price="1000", affiliateRate="0.6"),
        trade(107, userId=9, price="70", feeRate="-0.0001", isMaker=True, marketType="PERP"),
    )


def corrected() -> tuple[Payout, Payout]:
    """October is approved; a fill of it comes late and one is voided; November is approved with both."""
    october()
    monthend.calculate(month=OCTOBER, now=make.NOW)
    first = approve_month(1400, "2026-10")
    make.fills(
        trade(201, userId=11, price="500", timestamp="2026-10-20T12:00:00Z"),
        trade(202, userId=7, price="250.5", timestamp="2026-11-05T12:00:00Z"),
    )
    void(105)
    monthend.calculate(month=NOVEMBER, now=DECEMBER)
    return first, approve_month(1400, "2026-11", at=DECEMBER)


def line_of(
    trader: int, *, fee: str = "0.001", affiliate: str = "0", market: str = "spot", month: str = "2026-10"
) -> str:
    return f"{ROOT}{month}/lines/{name_of(trader)}~{market}~{fee}~{affiliate}/"
