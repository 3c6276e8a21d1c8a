"""Lifting: the end of a suspension, or the cancelling of one that was only planned."""

import pytest

from payouts.desk import appeals
from payouts.desk import lift as lifts
from payouts.desk.standing import Terminated
from payouts.models import Appeal, Broker, PayoutHold, StandingChange
from payouts.program.queries import standing_of
from tests import make
from tests.payouts.desk.case_making import told
from tests.payouts.desk.standing_acts import (
    DAY,
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

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker() -> Broker:
    return make.broker()


def test_a_lifted_broker_is_active_from_that_instant_on(broker: Broker) -> None:
    lifting = lift(suspend(broker), now=NOON + HOUR)

    assert standing_of(1400, now=NOON + HOUR - TICK).state == "suspended"
    standing = standing_of(1400, now=NOON + HOUR)
    assert (standing.state, standing.since, standing.change) == ("active", NOON + HOUR, lifting)
    assert kept(broker) == ruled(broker) == [("suspended", NOON, NOON + HOUR)]


def test_it_stands_in_the_suspensions_case(broker: Broker) -> None:
    suspension = suspend(broker)

    lifting = lift(suspension, now=NOON + HOUR, by=person("otto"), note="explained")

    assert lifting.case == suspension.case
    assert told(lifting.case)[-1] == ("lifted", person("otto"), "explained")


def test_what_the_case_held_stays_held(broker: Broker) -> None:
    payout(broker, "2026-10", "30.00")

    lift(suspend(broker), now=NOON + HOUR)

    assert PayoutHold.objects.count() == 1


def test_a_planned_suspension_is_cancelled_at_its_start(broker: Broker) -> None:
    planned = suspend(broker, starts_at=NOON + DAY)

    cancelled = lift(planned, now=NOON + HOUR)

    assert (cancelled.effective_at, cancelled.recorded_at) == (NOON + DAY, NOON + HOUR)
    assert told(cancelled.case)[-1][0] == "cancelled"
    assert kept(broker) == ruled(broker) == []
    for moment in (NOON + HOUR, NOON + DAY, NOON + 2 * DAY):
        standing = standing_of(1400, now=moment)
        assert (standing.state, standing.since, standing.planned) == ("active", broker.enrolled_at, None)


def test_where_one_was_cancelled_another_may_be(broker: Broker) -> None:
    lift(suspend(broker, starts_at=NOON + DAY))

    now = suspend(broker, now=NOON + HOUR)

    assert kept(broker) == ruled(broker) == [("suspended", NOON + HOUR, None)]
    assert standing_of(1400, now=NOON + 2 * DAY).change == now


def test_a_suspension_is_never_lifted_twice(broker: Broker) -> None:
    suspension = suspend(broker)
    lift(suspension, now=NOON + HOUR)

    with pytest.raises(lifts.AlreadyLifted) as refused:
        lift(suspension, now=NOON + 2 * HOUR)
    assert str(refused.value) == (
        "This suspension was lifted at 2026-11-22 13:00:00 UTC: there is nothing left to lift."
    )
    assert StandingChange.objects.filter(kind="lifted").count() == 1


def test_termination_is_final_also_for_what_was_suspended_before(broker: Broker) -> None:
    suspension = suspend(broker)
    terminate(broker, now=NOON + HOUR)

    with pytest.raises(Terminated) as refused:
        lift(suspension, now=NOON + HOUR)
    assert str(refused.value) == (
        "This broker is terminated from 2026-11-22 13:00:00 UTC on, which is final: nothing is"
        " lifted any more."
    )


def test_before_a_planned_termination_a_suspension_can_be_lifted(broker: Broker) -> None:
    suspension = suspend(broker)
    terminate(broker, effective_at=NOON + DAY)

    lift(suspension, now=NOON + HOUR)

    assert (
        kept(broker)
        == ruled(broker)
        == [
            ("suspended", NOON, NOON + HOUR),
            ("terminated", NOON + DAY, None),
        ]
    )


def test_only_a_suspension_is_lifted(broker: Broker) -> None:
    enrolment = StandingChange.objects.get()

    with pytest.raises(lifts.NoSuchSuspension) as refused:
        lift(enrolment)
    assert str(refused.value) == "There is no such suspension: choose one from the broker's page."


def test_lifting_grants_the_open_appeal_in_its_own_words(broker: Broker) -> None:
    suspension = suspend(broker)
    appeal = appeals.open_appeal(
        broker_code=1400, change_id=suspension.pk, text="Please look again.", files=[], by=person(), now=NOON
    )

    lift(suspension, now=NOON + HOUR, message="You were right.")

    found = Appeal.objects.get(pk=appeal.pk)
    assert (found.state, found.decision, found.decided_at) == ("granted", "You were right.", NOON + HOUR)
