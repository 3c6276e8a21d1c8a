"""A broker's standing as pages ask for it: the state, since when, by which change, and what is to come."""

from datetime import UTC, datetime, timedelta

import pytest

from payouts.program.queries import Standing, standing_of
from tests import make

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)


def at(moment: datetime) -> Standing:
    return standing_of(1400, now=moment)


def test_before_the_enrolment_there_is_none() -> None:
    broker = make.broker(enrolled_at=NOON)

    assert at(NOON - TICK) == Standing("not enrolled", None, None, None)
    assert (at(NOON).state, at(NOON).since) == ("active", broker.enrolled_at)


def test_each_change_is_told_from_its_instant_on() -> None:
    broker = make.broker(enrolled_at=NOON - HOUR)
    first = make.suspended(broker, NOON)
    lifting = make.lifted(first, NOON + HOUR)
    second = make.suspended(broker, NOON + 2 * HOUR)
    end = make.terminated(broker, NOON + 3 * HOUR)

    assert at(NOON - TICK).planned == first
    assert at(NOON) == Standing("suspended", NOON, first, second)
    assert at(NOON + HOUR) == Standing("active", NOON + HOUR, lifting, second)
    assert at(NOON + 2 * HOUR) == Standing("suspended", NOON + 2 * HOUR, second, end)
    assert at(NOON + 9 * HOUR) == Standing("terminated", NOON + 3 * HOUR, end, None)
    assert [at(NOON + hours * HOUR).is_active for hours in range(4)] == [False, True, False, False]


def test_what_was_cancelled_was_never_in_force() -> None:
    broker = make.broker(enrolled_at=NOON - HOUR)
    make.lifted(make.suspended(broker, NOON + HOUR, recorded_at=NOON), NOON + HOUR)

    for moment in (NOON, NOON + HOUR, NOON + 2 * HOUR):
        standing = at(moment)
        assert (standing.state, standing.since, standing.planned) == ("active", NOON - HOUR, None)


def test_one_that_begins_before_another_was_cancelled_goes_on() -> None:
    broker = make.broker()
    make.lifted(make.suspended(broker, NOON + HOUR, recorded_at=NOON - HOUR), NOON + HOUR)
    change = make.suspended(broker, NOON)

    for moment in (NOON, NOON + HOUR, NOON + 2 * HOUR):
        assert at(moment) == Standing("suspended", NOON, change, None)
