"""What staff see before they act is what then happens, to the fill and the cent."""

from decimal import Decimal

import pytest

from payouts.desk import consequences
from payouts.desk.consequences import Code, Touched
from payouts.desk.standing import AlreadySuspended, Terminated, TimeHasPassed, TooEarly
from payouts.models import Broker, Payout
from payouts.month import Month
from payouts.program.gateway import issued_codes
from payouts.volume import queries as volume
from tests import make
from tests.payouts.desk.standing_acts import DAY, HOUR, NOON, TICK, lift, payout, suspend, terminate

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker() -> Broker:
    """Three fills today at 9, 10 and 11 o'clock; one payout sent, one approved, two calculated."""
    broker = make.broker()
    make.fills(
        *(make.record(timestamp=f"2026-11-22T{hour}:00:00Z", price=price)
          for hour, price in (("09", "100"), ("10", "200"), ("11", "400")))
    )  # fmt: skip
    gone = payout(broker, "2026-07", "5.00", approved_at=NOON)
    Payout.objects.filter(pk=gone.pk).update(state="forfeited")
    payout(broker, "2026-08", "10.00", approved_at=NOON)
    payout(broker, "2026-09", "20.00")
    payout(broker, "2026-10", "30.50")
    return broker


def test_a_suspension_from_now_on_touches_no_fill_and_every_payout_not_sent(broker: Broker) -> None:
    found = consequences.of_suspension(broker_code=1400, starts_at=None, now=NOON)

    assert (found.starts_at, found.fills, found.volume, found.fees) == (NOON, 0, 0, 0)
    assert found.payouts == [
        Touched(Month(2026, 8), Decimal("10.00"), "ACC01400"),
        Touched(Month(2026, 9), Decimal("20.00"), "ACC01400"),
        Touched(Month(2026, 10), Decimal("30.50"), "ACC01400"),
    ]
    assert found.held_total == Decimal("60.50")
    assert found.code_before == Code("live", broker.enrolled_at)
    assert found.code_after == Code("suspended", None)
    assert found.cancels == []


@pytest.mark.parametrize(
    ("starts_at", "fills", "dollars"),
    [
        (NOON - 3 * HOUR, 3, "700"),
        (NOON - 3 * HOUR + TICK, 2, "600"),
        (NOON - 2 * HOUR, 2, "600"),
        (NOON - HOUR, 1, "400"),
        (NOON - HOUR + TICK, 0, "0"),
    ],
)
def test_a_back_dated_one_tells_the_fills_that_it_reaches_exactly(
    broker: Broker, starts_at: object, fills: int, dollars: str
) -> None:
    found = consequences.of_suspension(broker_code=1400, starts_at=starts_at, now=NOON)  # type: ignore[arg-type]

    assert (found.fills, found.volume) == (fills, Decimal(dollars))
    suspend(broker, starts_at=starts_at)
    then = volume.suspended(broker_code=1400, month=Month(2026, 11))
    assert (then.fills, then.volume, then.fees) == (found.fills, found.volume, found.fees)


def test_what_is_shown_of_the_code_is_what_the_gateway_is_told(broker: Broker) -> None:
    planned = consequences.of_suspension(broker_code=1400, starts_at=NOON + DAY, now=NOON)
    suspend(broker, starts_at=NOON + DAY)
    [told] = issued_codes(now=NOON + DAY).codes
    assert (told.state, told.since) == (planned.code_after.state, planned.code_after.since)

    during = consequences.of_termination(broker_code=1400, effective_at=None, now=NOON + 2 * DAY)

    assert (told.state, told.since) == (during.code_before.state, during.code_before.since)
    assert during.code_after == Code("terminated", None)


def test_a_termination_tells_which_planned_suspension_it_cancels(broker: Broker) -> None:
    suspend(broker, starts_at=NOON + DAY)

    def cancelled(effective_at: object) -> list[object]:
        found = consequences.of_termination(broker_code=1400, effective_at=effective_at, now=NOON)  # type: ignore[arg-type]
        return list(found.cancels)

    assert cancelled(None) == [NOON + DAY]
    assert cancelled(NOON + DAY) == [NOON + DAY]
    assert cancelled(NOON + DAY + TICK) == []


def test_looking_refuses_what_the_act_would_refuse(broker: Broker) -> None:
    suspension = suspend(broker)
    with pytest.raises(AlreadySuspended):
        consequences.of_suspension(broker_code=1400, starts_at=None, now=NOON)
    with pytest.raises(TooEarly):
        consequences.of_suspension(broker_code=1400, starts_at=broker.enrolled_at - TICK, now=NOON)
    with pytest.raises(TimeHasPassed):
        consequences.of_termination(broker_code=1400, effective_at=NOON - TICK, now=NOON)
    lift(suspension, now=NOON + HOUR)
    terminate(broker, now=NOON + HOUR)
    with pytest.raises(Terminated):
        consequences.of_termination(broker_code=1400, effective_at=None, now=NOON + HOUR)
    with pytest.raises(Terminated):
        consequences.of_suspension(broker_code=1400, starts_at=None, now=NOON + HOUR)
