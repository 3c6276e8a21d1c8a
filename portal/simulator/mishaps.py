"""What goes wrong between an exchange and its feed: copies, broken lines, fills that do not count. Pure."""

import random
from collections.abc import Callable
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


def disturbed(records: list[Fill], chance: random.Random, *, one_in: int) -> Lines:
    """The lines of the records, with one in so many broken, set aside or sent twice beside the clean one."""
    lines: Lines = []
    for record in records:
        lines.append(line(record))
        if chance.randrange(one_in) == 0:
            other = fills.odd(record)
            kind = chance.randrange(10)
            if kind < 4:
                lines.append(broken(other, chance))
            else:
                lines.append(set_aside(other, chance) if kind < 7 else lines[-1])
    return lines
