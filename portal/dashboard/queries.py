"""Gathers one dashboard from the engine's answers."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from payouts.desk import hold
from payouts.month import Month
from payouts.monthend import queries as monthend
from payouts.monthend.queries import BrokerMonth
from payouts.monthend.snapshot import one_snapshot
from payouts.volume import ladder, live
from payouts.volume import queries as volume
from payouts.volume.live import BrokerFigures, Heard
from payouts.volume.queries import Arrival, Day

#: Finished months on the dashboard; the page of statements has them all.
MONTHS_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything the page shows, read for one instant."""

    as_of: datetime
    so_far: BrokerMonth
    #: What goes on moving while the page is open; its tier pays the next month under "preceding_month".
    figures: BrokerFigures
    heard: Heard
    #: Payout so far as a share of the fees so far; None while no fees were paid.
    effective_rate: Decimal | None
    traders: int
    arrival: Arrival
    days: list[Day]
    months: list[BrokerMonth]
    months_left_out: int
    #: Months whose payout is held, and by what.
    held: dict[Month, str]

    @property
    def pays_by_month_before(self) -> bool:
        return self.so_far.terms.tier_basis == "preceding_month"

    @property
    def is_quiet(self) -> bool:
        return self.heard.is_quiet(now=self.as_of)

    @property
    def was_ever_heard(self) -> bool:
        return self.arrival.last_fill_hour is not None


def dashboard(*, broker_code: int, now: datetime) -> Dashboard:
    """The dashboard of a broker for the month of `now`, read in one instant so that its figures tie."""
    month = Month.of(now)
    with one_snapshot():
        so_far = monthend.month_so_far(broker_code=broker_code, month=month)
        finished = monthend.calculated_months(broker_code=broker_code)
        traders = volume.active_traders(broker_code=broker_code, month=month)
        arrival = volume.arrival(broker_code=broker_code)
        held = hold.held_months(broker_code)
        days = volume.days_of(broker_code=broker_code, month=month, until=now)
        moving = live.figures(broker_codes=[broker_code], month=month)
    return Dashboard(
        as_of=now,
        so_far=so_far,
        figures=moving.of[broker_code],
        heard=moving.heard,
        effective_rate=ladder.share(so_far.payout.amount, so_far.payout.fees),
        traders=traders,
        arrival=arrival,
        days=days,
        months=finished[:MONTHS_SHOWN],
        months_left_out=len(finished[MONTHS_SHOWN:]),
        held=held,
    )
