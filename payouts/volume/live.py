"""A month's figures of many brokers in one short statement: what open pages ask for each second."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b

from django.db import connection

from payouts.money import EXACT, ZERO, plain
from payouts.month import Month
from payouts.program.terms import Terms, terms_for
from payouts.program.tiers import NextTier, Tier, next_tier, tier_of
from payouts.volume import ladder
from payouts.volume.ladder import Rung

#: The exchange sends all day: silence for so long says that something is wrong.
QUIET_AFTER = timedelta(minutes=5)

#: One row a broker and market, and one without either where there is none: what was heard is always there.
_FIGURES = """
    WITH mine AS MATERIALIZED (
        SELECT broker_code, market, sum(fills)::bigint AS fills, sum(volume) AS volume, sum(fees) AS fees,
               max(latest_executed_at) AS latest_executed_at
        FROM total_by_month WHERE month = %s AND broker_code = ANY(%s) GROUP BY broker_code, market
    )
    SELECT (SELECT received_at FROM feed_batch WHERE NOT is_replay ORDER BY id DESC LIMIT 1),
           (SELECT received_at - latest_executed_at FROM feed_batch
            WHERE latest_executed_at IS NOT NULL ORDER BY latest_executed_at DESC LIMIT 1),
           mine.*
    FROM (VALUES (true)) AS always LEFT JOIN mine ON true
"""


@dataclass(frozen=True, slots=True)
class Heard:
    """How far the feed has come, for all brokers."""

    #: When the exchange last sent something; None before it did.
    last_batch_at: datetime | None
    #: How long after it was executed the latest fill came; never negative, None before the first.
    delay: timedelta | None

    def is_quiet(self, *, now: datetime) -> bool:
        """The exchange has sent nothing for so long that figures may be behind."""
        return self.last_batch_at is not None and now - self.last_batch_at > QUIET_AFTER


@dataclass(frozen=True, slots=True)
class BrokerFigures:
    """A broker's month so far; volume and fees in dollars, voided fills taken off."""

    month: Month
    spot: Decimal
    futures: Decimal
    fills: int
    fees: Decimal
    #: When its latest fill of the month was executed, to the microsecond; it stays when the fill is voided.
    last_fill_at: datetime | None

    @property
    def volume(self) -> Decimal:
        return EXACT.add(self.spot, self.futures)

    @property
    def terms(self) -> Terms:
        return terms_for(self.month)

    @property
    def made_tier(self) -> Tier:
        """The tier that the month's volume makes; the terms say whether it pays this month or the next."""
        return tier_of(self.volume, self.terms.ladder)

    @property
    def next_tier(self) -> NextTier | None:
        return next_tier(self.volume, self.terms.ladder)

    @property
    def rungs(self) -> list[Rung]:
        return ladder.rungs(self.volume, self.terms.ladder)

    @property
    def version(self) -> str:
        """The same for the same figures, whichever process says so; another as soon as one digit differs."""
        said = (
            self.month,
            plain(self.spot),
            plain(self.futures),
            self.fills,
            plain(self.fees),
            self.last_fill_at and self.last_fill_at.astimezone(UTC).isoformat(),
        )
        return blake2b("|".join(map(str, said)).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Figures:
    """What one statement found, true at one moment."""

    #: Broker → its figures; those without fills this month too.
    of: dict[int, BrokerFigures]
    heard: Heard


def figures(*, broker_codes: Collection[int], month: Month) -> Figures:
    """The month so far of these brokers: one statement, which reads some dozen rows a broker by key."""
    found: dict[int, dict[str, tuple[int, Decimal, Decimal, datetime]]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, [month.first_date, list(broker_codes)])
        rows = cursor.fetchall()
    for _last, _delay, code, market, *counted in rows:
        if code is not None:
            found[code][market] = tuple(counted)
    last_batch_at, delay = rows[0][:2]
    return Figures(
        of={code: _of(month, found.get(code, {})) for code in broker_codes},
        heard=Heard(last_batch_at, None if delay is None else max(delay, timedelta())),
    )


def _of(month: Month, markets: dict[str, tuple[int, Decimal, Decimal, datetime]]) -> BrokerFigures:
    fees = ZERO
    for _fills, _volume, paid, _latest in markets.values():
        fees = EXACT.add(fees, paid)
    return BrokerFigures(
        month=month,
        spot=markets["spot"][1] if "spot" in markets else ZERO,
        futures=markets["futures"][1] if "futures" in markets else ZERO,
        fills=sum(fills for fills, *_rest in markets.values()),
        fees=fees,
        last_fill_at=max((latest for *_rest, latest in markets.values()), default=None),
    )
