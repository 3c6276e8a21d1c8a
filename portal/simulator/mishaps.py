"""What goes wrong between an exchange and its feed: copies, broken lines, fills that do not count. Pure."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from portal.simulator import fills
from portal.simulator.fills import Fill

Lines = list[bytes]


def line(record: Fill) -> bytes:
    """One line of NDJSON, without its end."""
    return msgspec.json.encode(record)


def _broken_off(record: Fill, chance: random.Random) -> bytes:
    whole = line(record)
    return whole[: chance.randrange(20, len(whole) - 1)]


def _next_year(record: Fill, _: random.Random) -> bytes:
    moment = datetime.fromisoformat(record["timestamp"]) + timedelta(days=400)
    return line(record | {"timestamp": f"{moment.isoformat(timespec='milliseconds')}Z"})


def _with(**changes: object) -> Callable[[Fill, random.Random], bytes]:
    return lambda record, _: line(record | changes)


#: What waits for a person afterwards, one of each kind that the exchange is known to send.
BROKEN: tuple[Callable[[Fill, random.Random], bytes], ...] = (
    _broken_off,
    _with(price=0.1),
    _with(tradeId=None),
    _with(marketType="MONAD"),
    _with(brokerId=9_900),
    _with(symbol="SOL_EURC", marketType="SPOT"),
    _with(feeSymbol="BP"),
    _with(fee="1.000001"),
    _next_year,
)
#: What is set aside: no broker submitted it, or it carries no fee.
SET_ASIDE: tuple[Callable[[Fill, random.Random], bytes], ...] = (
    _with(systemOrderType="LiquidatePositionOnBook"),
    _with(symbol="SOL_USDC_RFQ", marketType="RFQ"),
)


def broken(record: Fill, chance: random.Random) -> bytes:
    """A record that the feed must put into quarantine."""
    return chance.choice(BROKEN)(record, chance)


def set_aside(record: Fill, chance: random.Random) -> bytes:
    """A record that is well formed and does not count."""
    return chance.choice(SET_ASIDE)(record, chance)


@dataclass(frozen=True, slots=True)
class Mix:
    """How much goes wrong: shares of all fills that come with something odd beside them."""

    duplicates: float
    broken: float
    #: Well formed, and known not to count.
    set_aside: float
    #: The share of seconds in which a fill comes minutes or hours after it was executed.
    late: float

    def thinner(self, times: int) -> "Mix":
        """The same mix, so many times rarer."""
        return Mix(*(share / times for share in (self.duplicates, self.broken, self.set_aside, self.late)))


#: One fill in sixty has something odd beside it, and every twenty-fifth second brings a late one.
USUAL = Mix(duplicates=0.005, broken=0.0067, set_aside=0.005, late=0.04)
CLEAN = Mix(0, 0, 0, 0)


def mixed(records: list[Fill], chance: random.Random, mix: Mix) -> Lines:
    """The lines of the records; beside some of them one that is broken, set aside or sent twice."""
    lines: Lines = []
    for record in records:
        lines.append(line(record))
        drawn = chance.random()
        if drawn < mix.duplicates:
            lines.append(lines[-1])
        elif drawn < mix.duplicates + mix.broken:
            lines.append(broken(fills.odd(record), chance))
        elif drawn < mix.duplicates + mix.broken + mix.set_aside:
            lines.append(set_aside(fills.odd(record), chance))
    return lines
