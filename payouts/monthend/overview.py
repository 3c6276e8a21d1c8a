"""A run as staff look at it: where it stands, and each broker's part of it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from django.db import connection

from payouts.money import EXACT
from payouts.month import Month

Stage = Literal["none", "calculating", "to review", "to approve", "settling", "settled"]

#: Held is told by the holds that nothing has released; of a payout that is past sending it means nothing.
_PAYOUTS = """
    SELECT item.broker_id, broker.name, payout.id, coalesce(payout.state, ''), payout.tier, payout.volume,
           payout.payout, payout.corrections, payout.adjustments, payout.carried, payout.due, payout.withheld,
           before.payout, before.tier, before.volume,
           coalesce(payout.state IN ('calculated', 'parked', 'prepared', 'approved') AND EXISTS (
               SELECT FROM payout_hold AS held WHERE held.payout_id = payout.id AND NOT EXISTS (
                   SELECT FROM payout_release AS ended WHERE ended.hold_id = held.id)), false),
           payout.prepared_by_id, payout.prepared_at, payout.approved_by_id, payout.approved_at,
           item.state, item.reason, item.next_step, item.attempts, item.changed_at
    FROM month_run JOIN run_item AS item ON item.run_id = month_run.id
    JOIN broker ON broker.code = item.broker_id
    LEFT JOIN payout ON payout.run_id = month_run.id AND payout.broker_id = item.broker_id
    LEFT JOIN (SELECT payout.broker_id, payout.payout, payout.tier, payout.volume FROM payout
               JOIN month_run ON month_run.id = payout.run_id WHERE month_run.month = %(before)s)
        AS before ON before.broker_id = item.broker_id
    WHERE month_run.month = %(month)s AND (%(code)s::integer IS NULL OR item.broker_id = %(code)s)
    ORDER BY item.broker_id
"""


@dataclass(frozen=True, slots=True)
class Item:
    """A broker's work item: where its calculation stands, and what to do if it is parked."""

    #: "due", "working", "done" or "parked".
    state: str
    reason: str
    next_step: str
    attempts: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class PayoutRow:
    """A broker's part of a run; dollars. What is not there yet is None."""

    broker: int
    broker_name: str
    payout_id: int | None
    #: "" before it is calculated.
    state: str
    tier: str | None
    volume: Decimal | None
    payout: Decimal | None
    corrections: Decimal | None
    adjustments: Decimal | None
    carried: Decimal | None
    due: Decimal | None
    withheld: Decimal | None
    payout_last_month: Decimal | None
    tier_last_month: str | None
    volume_last_month: Decimal | None
    is_held: bool
    prepared_by: int | None
    prepared_at: datetime | None
    approved_by: int | None
    approved_at: datetime | None
    item: Item

    @property
    def change(self) -> Decimal | None:
        """Against last month, cents; None if one of the two is not there."""
        if self.payout is None or self.payout_last_month is None:
            return None
        return EXACT.subtract(self.payout, self.payout_last_month)


@dataclass(frozen=True, slots=True)
class RunState:
    """Where a run stands, with how many payouts are in each state and how many are held."""

    month: Month
    stage: Stage
    brokers: int
    #: Items that are neither done nor parked.
    left: int
    parked: int
    held: int
    states: dict[str, int]


#: "settled when every payout is credited, held, forfeited, nil or carried"
_SETTLED = frozenset({"credited", "forfeited", "nil", "carried"})


def run_state(month: Month) -> RunState:
    """Where the run of a month stands; derived from its rows, never stored."""
    return state_from(month, payouts_of(month))


def state_from(month: Month, rows: list[PayoutRow]) -> RunState:
    """The same from rows that were read before."""
    states: dict[str, int] = {}
    for row in rows:
        if row.state:
            states[row.state] = states.get(row.state, 0) + 1
    return RunState(
        month=month,
        stage=_stage(rows),
        brokers=len(rows),
        left=sum(row.item.state in ("due", "working") for row in rows),
        parked=sum(row.item.state == "parked" for row in rows),
        held=sum(row.is_held for row in rows),
        states=states,
    )


def payouts_of(month: Month) -> list[PayoutRow]:
    """Every broker of a run, by code, those without a payout yet too. One query."""
    return _rows(month, None)


def item_of(month: Month, broker_code: int) -> Item | None:
    """One broker's work item; None if the month has no run or the broker no part in it."""
    rows = _rows(month, broker_code)
    return rows[0].item if rows else None


def parked(month: Month) -> list[PayoutRow]:
    """The brokers of a run that are parked, by code."""
    return [row for row in payouts_of(month) if row.item.state == "parked"]


def _rows(month: Month, code: int | None) -> list[PayoutRow]:
    before = month.previous().first_date if month > Month(1, 1) else None
    with connection.cursor() as cursor:
        cursor.execute(_PAYOUTS, {"month": month.first_date, "before": before, "code": code})
        rows = [[*row[:20], Item(*row[20:])] for row in cursor.fetchall()]
    return [PayoutRow(*row) for row in rows]


def _stage(rows: list[PayoutRow]) -> Stage:
    if not rows:
        return "none"
    if any(row.item.state in ("due", "working") for row in rows):
        return "calculating"
    states = {row.state for row in rows}
    if states & {"calculated", "parked"}:
        return "to review"
    if "prepared" in states:
        return "to approve"
    if all(row.state in _SETTLED or row.is_held for row in rows):
        return "settled"
    return "settling"
