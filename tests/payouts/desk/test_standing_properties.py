"""Whatever staff do, whenever fills arrive: one final state, the same ranges and suspended volume."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from payouts.models import Broker, Fill, StandingChange
from payouts.month import Month
from payouts.program.queries import changes_of, rules_of, standing_from
from payouts.program.standing import Change, ranges, state_at
from payouts.refusal import Refusal
from payouts.volume import queries as volume
from tests import make
from tests.payouts.desk.standing_acts import (
    HOUR,
    NOON,
    TICK,
    kept,
    lift,
    payout,
    person,
    ruled,
    suspend,
    terminate,
)

MINUTE = HOUR / 60
NOVEMBER = Month(2026, 11)
END = NOON + 100 * HOUR


@dataclass(frozen=True)
class Act:
    kind: Literal["suspend", "lift", "terminate"]
    #: Minutes after noon at which it is done.
    at: int
    #: Minutes from then to when it shall hold; None: now.
    offset: int | None


@dataclass(frozen=True)
class Trade:
    """A fill near the edge of a minute; how many minutes later it arrives, in one run and in the other."""

    minute: int
    ticks: int
    delays: tuple[int, int]

    @property
    def executed_at(self) -> datetime:
        return NOON + self.minute * MINUTE + self.ticks * TICK


ACTS = st.lists(
    st.builds(
        Act,
        st.sampled_from(["suspend", "suspend", "suspend", "lift", "lift", "terminate"]),
        st.integers(1, 40),
        st.none() | st.integers(-10, 10),
    ),
    max_size=8,
    unique_by=lambda act: act.at,
).map(lambda acts: sorted(acts, key=lambda act: act.at))
TRADES = st.lists(
    st.builds(
        Trade, st.integers(1, 50), st.integers(-1, 1), st.tuples(st.integers(0, 60), st.integers(0, 60))
    ),
    max_size=8,
)


def do(act: Act, broker: Broker) -> str:
    """Do it as staff would. What came of it: the kind of change, or of refusal."""
    now = NOON + act.at * MINUTE
    wanted = None if act.offset is None else now + act.offset * MINUTE
    try:
        if act.kind == "suspend":
            return suspend(broker, starts_at=wanted, now=now).kind
        if act.kind == "terminate":
            return terminate(broker, effective_at=wanted, now=now).kind
        last = StandingChange.objects.filter(broker=broker, kind="suspended").order_by("-pk").first()
        return "" if last is None else lift(last, now=now).kind
    except Refusal as refusal:
        return type(refusal).__name__


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def live_through(acts: list[Act], trades: list[Trade], run: int) -> dict[str, Any]:
    """All of it in the order of time, with the delays of this run; what is true in the end."""
    broker = Broker.objects.get(code=1400)
    events: list[tuple[datetime, int, Any]] = [(NOON + act.at * MINUTE, 0, act) for act in acts]
    for number, trade in enumerate(trades):
        record = make.record(
            tradeId=number,
            orderId=str(number),
            price=str(2**number),
            timestamp=trade.executed_at.isoformat().replace("+00:00", "Z"),
        )
        events.append((trade.executed_at + trade.delays[run] * MINUTE + TICK, 1, record))
    came_of_it, tally = [], []
    for at, _, event in sorted(events, key=lambda event: event[:2]):
        if isinstance(event, Act):
            came_of_it.append(do(event, broker))
        else:
            booked = make.fills(event, now=at)
            tally.append((event["tradeId"], booked.accepted, dict(booked.excluded)))
    rules = rules_of(changes_of(1400))
    found = volume.suspended(broker_code=1400, month=NOVEMBER)
    assert kept(broker) == ruled(broker)
    stops = [each for each in ranges(rules) if each.kind == "suspended"]
    by_the_rule = [
        fill.price
        for fill in Fill.objects.filter(broker_code=1400)
        if any(each.holds_at(fill.executed_at) for each in stops)
    ]
    assert (found.fills, found.volume) == (len(by_the_rule), sum(by_the_rule))
    changes = changes_of(1400)
    for moment in (NOON + minute * MINUTE + tick for minute in range(52) for tick in (-TICK, 0 * TICK)):
        standing = standing_from(changes, now=moment)
        assert standing.state == state_at(rules, moment)
    return {
        "came of it": came_of_it,
        "where each fill went": sorted(tally),
        "state": state_at(rules, END),
        "ranges": kept(broker),
        "suspended": found,
    }


@pytest.mark.django_db
@settings(max_examples=25)
@given(acts=ACTS, trades=TRADES)
def test_in_whatever_order_fills_arrive_the_end_is_the_same(acts: list[Act], trades: list[Trade]) -> None:
    for name in ("vera", "pia", "quentin"):
        person(name)
    with undone():
        make.broker()
        payout(Broker.objects.get(code=1400), "2026-10", "1.00")
        with undone():
            one = live_through(acts, trades, 0)
        with undone():
            other = live_through(acts, trades, 1)

    assert one == other


MOMENTS = [NOON + minute * MINUTE for minute in range(20)]


@st.composite
def histories(draw: st.DrawFn) -> list[Any]:
    """Changes that the database would take: suspensions side by side, some cancelled, perhaps an end."""
    cuts = sorted(draw(st.lists(st.integers(1, 19), unique=True, max_size=8)))
    changes = [Change("enrolled", MOMENTS[0])]
    for number, (start, end) in enumerate(zip(cuts[::2], cuts[1::2], strict=False), start=1):
        changes.append(Change("suspended", MOMENTS[start], number))
        changes.append(Change("lifted", MOMENTS[draw(st.sampled_from([start, end]))], number))
    last = cuts[-1] if cuts else 1
    if draw(st.booleans()):
        changes.append(Change("suspended", MOMENTS[last], 100))
    if draw(st.booleans()):
        changes.append(Change("terminated", MOMENTS[draw(st.integers(last, 19))], 200))
    return changes


@given(history=histories(), shuffled=st.randoms(use_true_random=False))
def test_the_rule_does_not_care_for_the_order_of_recording(history: list[Any], shuffled: Any) -> None:
    found = ranges(history)
    other = list(history)
    shuffled.shuffle(other)

    assert ranges(other) == found
    for one, next_one in pairwise(found):
        assert not one.meets(next_one)
        assert one.ends_at is not None
        assert one.ends_at <= next_one.starts_at
    assert all(each.ends_at is None or each.starts_at < each.ends_at for each in found)


@given(history=histories())
def test_the_state_agrees_with_the_ranges_at_every_instant(history: list[Any]) -> None:
    for moment in [each + tick for each in MOMENTS for tick in (-TICK, 0 * TICK, TICK)]:
        holding = [each.kind for each in ranges(history) if each.holds_at(moment)]
        expected = holding or ["active" if moment >= NOON else "not enrolled"]
        assert [state_at(history, moment)] == expected
