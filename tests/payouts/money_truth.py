"""What a month is worth by the program's text, from the fills that there are. Knows nothing of the engine."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

LADDER = [(100_000_000, "0.50"), (60_000_000, "0.45"), (20_000_000, "0.40"), (10_000_000, "0.35"),
          (5_000_000, "0.30"), (0, "0.20")]  # fmt: skip
CENT, HALF, ZERO = Decimal("0.01"), Decimal("0.5"), Decimal(0)


@dataclass
class Truth:
    """What one fill is, and whether it counts."""

    broker: int
    month: date
    executed_at: datetime
    volume: Decimal
    fee: Decimal
    affiliate_rate: Decimal
    trade: int
    counts: bool = True


@dataclass
class Model:
    fills: list[Truth] = field(default_factory=list)
    #: Broker → when it was terminated.
    ended: dict[int, datetime] = field(default_factory=dict)
    #: (Broker, month) → suspended days that were left unpaid.
    unpaid: dict[tuple[int, date], list[tuple[datetime, datetime]]] = field(default_factory=dict)

    def cents(self, broker: int, month: date) -> Decimal:
        """What a month is worth by now, rounded once, half away from zero."""
        its = [each for each in self.fills if (each.broker, each.month, each.counts) == (broker, month, True)]
        volume = sum((each.volume for each in its), ZERO)
        rebate = next(Decimal(rate) for floor, rate in LADDER if volume >= floor)
        days = self.unpaid.get((broker, month), [])
        paid = (each for each in its if not any(start <= each.executed_at < end for start, end in days))
        exact = sum((each.fee * min(rebate, max(ZERO, HALF - each.affiliate_rate)) for each in paid), ZERO)
        return exact.quantize(CENT, ROUND_HALF_UP)
