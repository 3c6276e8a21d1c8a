"""When the share of records that go to quarantine jumps: something has changed, here or there. Pure."""

from dataclasses import dataclass

#: Fewer in an hour are no jump, however few came.
FEWEST = 20
#: A share up to this, in per cent, is no jump.
USUAL_PERCENT = 1
#: So many times the share of the week before is one.
TIMES = 5


@dataclass(frozen=True, slots=True)
class Counted:
    """Records received in the last hour and in the 7 days before it, and how many of them went there."""

    received: int
    quarantined: int
    received_before: int
    quarantined_before: int


def has_jumped(counted: Counted) -> bool:
    """At least 20 in the last hour, more than 1 % of what came, and more than 5 times the share before.

    In whole numbers: shares are compared crosswise. Where nothing came before, the share before was none.
    """
    if counted.quarantined < FEWEST:
        return False
    if counted.quarantined * 100 <= counted.received * USUAL_PERCENT:
        return False
    before = TIMES * counted.quarantined_before * counted.received
    return not counted.received_before or counted.quarantined * counted.received_before > before


def percent(part: int, whole: int) -> str:
    """A share with two places, the nearest: `0.03 %`; of nothing it is none."""
    hundredths = (2 * 10_000 * part + whole) // (2 * whole) if whole else 0
    return f"{hundredths // 100}.{hundredths % 100:02d} %"
