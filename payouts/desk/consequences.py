"""What would follow from a suspension or a termination, to the fill and the cent; changes nothing."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from payouts.desk.hold import HOLDABLE, to_be_sent
from payouts.desk.standing import (
    broker_of,
    planned_from,
    suspension_must_be_possible,
    termination_must_be_possible,
    termination_of,
)
from payouts.money import EXACT, ZERO
from payouts.month import Month
from payouts.monthend.models import Payout
from payouts.program.gateway import CodeState
from payouts.program.models import Broker
from payouts.program.queries import standing_of
from payouts.volume.queries import between


@dataclass(frozen=True, slots=True)
class Touched:
    """A payout that would be held: it is not sent. `amount` in dollars, whole cents."""

    month: Month
    amount: Decimal
    account_id: str


@dataclass(frozen=True, slots=True)
class Code:
    """What the order gateway is told of the code."""

    state: CodeState
    #: None: from the moment in which it is done.
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Consequences:
    """What an act on a broker's standing would touch."""

    starts_at: datetime
    #: Fills that are booked already and would be suspended, their volume and fees in dollars.
    fills: int
    volume: Decimal
    fees: Decimal
    #: What would be held, by month; of a planned act: as far as nothing is sent until then.
    payouts: list[Touched]
    held_total: Decimal
    #: Starts of planned suspensions that a termination would cancel.
    cancels: list[datetime]
    code_before: Code
    code_after: Code


def of_suspension(*, broker_code: int, starts_at: datetime | None, now: datetime) -> Consequences:
    """What suspending a broker would touch; `starts_at` None is now.

    Refuses what `suspend` would refuse because of the start.
    """
    broker = broker_of(broker_code)
    suspension_must_be_possible(broker, starts_at or now)
    return _of(
        broker,
        "suspended",
        starts_at=starts_at,
        ends_at=termination_of(broker_code),
        now=now,
    )


def of_termination(*, broker_code: int, effective_at: datetime | None, now: datetime) -> Consequences:
    """What terminating a broker would touch; `effective_at` None is the moment of the confirmation.

    Refuses what `prepare` would refuse because of the time.
    """
    broker = broker_of(broker_code)
    termination_must_be_possible(broker, effective_at, now=now)
    return _of(broker, "terminated", starts_at=effective_at, ends_at=None, now=now)


def touched(broker_code: int) -> list[Touched]:
    """The broker's payouts that a case can still hold, by month."""
    rows = Payout.objects.filter(broker=broker_code, state__in=HOLDABLE).select_related("run")
    return [
        Touched(Month.of_date(row.run.month), to_be_sent(row), row.account_id)
        for row in rows.order_by("run__month")
    ]


def _of(
    broker: Broker,
    state: CodeState,
    *,
    starts_at: datetime | None,
    ends_at: datetime | None,
    now: datetime,
) -> Consequences:
    fills = between(broker_code=broker.code, starts_at=starts_at or now, ends_at=ends_at)
    payouts = touched(broker.code)
    cancelled = planned_from(broker.code, starts_at or now) if state == "terminated" else []
    held_total = ZERO
    for each in payouts:
        held_total = EXACT.add(held_total, each.amount)
    return Consequences(
        starts_at=starts_at or now,
        fills=fills.fills,
        volume=fills.volume,
        fees=fills.fees,
        payouts=payouts,
        held_total=held_total,
        cancels=[each.effective_at for each in cancelled],
        code_before=_code_now(broker, now),
        code_after=Code(state, starts_at),
    )


def _code_now(broker: Broker, now: datetime) -> Code:
    standing = standing_of(broker.code, now=now)
    state: CodeState = standing.state if standing.state in ("suspended", "terminated") else "live"
    return Code(state, standing.since or broker.enrolled_at)
