"""Gathers the list of a broker's months from the engine's answers."""

from dataclasses import dataclass
from datetime import datetime

from payouts.desk import hold
from payouts.month import Month
from payouts.monthend import queries as monthend
from payouts.monthend.queries import BrokerMonth
from payouts.monthend.snapshot import one_snapshot


@dataclass(frozen=True, slots=True)
class Months:
    """The month in progress as it stands, and the finished ones as calculated, newest first."""

    as_of: datetime
    so_far: BrokerMonth
    finished: list[BrokerMonth]
    #: Months whose payout is held, and by what.
    held: dict[Month, str]

    @property
    def all(self) -> list[BrokerMonth]:
        return [self.so_far, *self.finished]


def months(*, broker_code: int, now: datetime) -> Months:
    with one_snapshot():
        return Months(
            as_of=now,
            so_far=monthend.month_so_far(broker_code=broker_code, month=Month.of(now)),
            finished=monthend.calculated_months(broker_code=broker_code),
            held=hold.held_months(broker_code),
        )
