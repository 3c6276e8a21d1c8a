"""Gathers what a document says: a broker's month from the engine's tables, its lines under pseudonyms."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from django.conf import settings

from payouts.monthend import queries as monthend
from payouts.monthend.calculation import Line
from payouts.monthend.models import Payout
from payouts.monthend.queries import BrokerMonth
from payouts.program.models import Broker
from payouts.statements import document, pseudonym
from payouts.statements.document import Approval, BrokersMonth, Document

#: A stretch of lines is about this long: one read of it is short, and a usual statement has one.
STRETCH = 256 * 1024


class Names:
    """Traders as a broker may know them."""

    def __init__(self, broker: int) -> None:
        self._broker = broker
        self._known: dict[int, str] = {}

    def of(self, trader: int) -> str:
        if trader not in self._known:
            self._known[trader] = pseudonym.of(trader=trader, broker=self._broker, key=settings.PSEUDONYM_KEY)
        return self._known[trader]


def brokers_month(
    of: BrokerMonth, broker: Broker, *, payout: Payout | None = None, approval: Approval | None = None
) -> BrokersMonth:
    """A broker's month as documents say it; without an approval it is a draft."""
    return BrokersMonth(
        broker=of.broker,
        broker_name=broker.name,
        account_id=of.account_id,
        month=of.month,
        terms=of.terms,
        payout=of.payout,
        preceding_volume=of.preceding_volume,
        calculated_at=of.calculated_at,
        watermark="{}" if payout is None else payout.watermark,
        voids="{}" if payout is None else payout.voids,
        corrected=() if payout is None else monthend.corrections_of(payout.pk),
        approval=approval,
    )


def under_pseudonyms(of: BrokerMonth, lines: Iterable[Line]) -> list[Document]:
    """Lines by pseudonym and then as ever: the order of the traders' numbers stays unknown."""
    named = Names(of.broker).of
    found = [(named(one.trader), one) for one in lines]
    found.sort(key=lambda each: (each[0], each[1].market, each[1].fee_rate, each[1].affiliate_rate))
    return [document.line(one, tier_rate=of.tier.rebate, trader=name) for name, one in found]


def digest(made: Document, lines: Sequence[str]) -> str:
    """SHA-256 of a document's canonical bytes, which do not know their signature."""
    hashed = sha256()
    for piece in document.pieces(made, lines):
        hashed.update(piece)
    return hashed.hexdigest()


def stretches(made: Document, lines: Sequence[str]) -> Iterator[bytes]:
    """The canonical bytes as parts: what precedes the lines, stretches of whole lines, what follows them."""
    before, after = document.around_lines(made)
    yield before.encode()
    gathered, size, comma = [], 0, ""
    for one in lines:
        gathered.append(f"{comma}{one}")
        size += len(one)
        comma = ","
        if size >= STRETCH:
            yield "".join(gathered).encode()
            gathered, size = [], 0
    if gathered:
        yield "".join(gathered).encode()
    yield after.encode()
