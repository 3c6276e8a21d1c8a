"""Reads of the totals: days, active traders, arrival."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from payouts.money import ZERO
from payouts.month import Month
from payouts.volume import queries
from payouts.volume.queries import Day
from tests import make

pytestmark = pytest.mark.django_db
NOVEMBER = Month(2026, 11)


@pytest.fixture
def _fills() -> None:
    make.broker(code=1400)
    make.broker(code=1500)
    make.fills(
        make.record(timestamp="2026-10-31T23:59:59.999999Z", userId=9),
        make.record(timestamp="2026-11-01T00:00:00Z", price="0.1", quantity="0.2", feeRate="0"),
        make.record(timestamp="2026-11-03T10:00:00Z", symbol="SOL_USDC_PERP", marketType="PERP"),
        make.record(timestamp="2026-11-03T11:00:00Z", symbol="BTC_USDC", userId=8),
        make.record(timestamp="2026-11-03T11:30:00Z", brokerId=1500, userId=8),
    )


def day(number: int, spot: str, futures: str, volume: str, fees: str, fills: int) -> Day:
    of = date(2026, 11, number)
    return Day(of, Decimal(spot), Decimal(futures), Decimal(volume), Decimal(fees), fills)


@pytest.mark.usefixtures("_fills")
def test_days_run_from_the_first_to_the_day_of_the_clock_with_empty_ones_between() -> None:
    until = datetime(2026, 11, 4, 0, 0, tzinfo=UTC)

    assert queries.days_of(broker_code=1400, month=NOVEMBER, until=until) == [
        day(1, "0.02", "0", "0.02", "0", 1),
        day(2, "0", "0", "0", "0", 0),
        day(3, "100", "100", "200", "0.2", 2),
        day(4, "0", "0", "0", "0", 0),
    ]


@pytest.mark.usefixtures("_fills")
def test_the_days_of_a_month_that_is_over_end_with_its_last() -> None:
    days = queries.days_of(broker_code=1400, month=Month(2026, 10), until=datetime(2026, 12, 5, tzinfo=UTC))

    assert len(days) == 31
    assert days[-1] == Day(date(2026, 10, 31), Decimal(100), ZERO, Decimal(100), Decimal("0.1"), 1)


@pytest.mark.usefixtures("_fills")
def test_active_traders_are_counted_once_and_by_broker_and_month() -> None:
    assert queries.active_traders(broker_code=1400, month=NOVEMBER) == 2
    assert queries.active_traders(broker_code=1500, month=NOVEMBER) == 1
    assert queries.active_traders(broker_code=1400, month=Month(2026, 10)) == 1
    assert queries.active_traders(broker_code=1400, month=Month(2026, 9)) == 0


@pytest.mark.usefixtures("_fills")
def test_arrival_names_the_brokers_last_hour_and_the_exchanges_last_batch() -> None:
    heard = queries.arrival(broker_code=1400)

    assert heard.last_fill_hour == datetime(2026, 11, 3, 11, tzinfo=UTC)
    assert heard.last_batch_at == make.NOW


def test_nothing_arrived_yet() -> None:
    heard = queries.arrival(broker_code=1400)

    assert (heard.last_fill_hour, heard.last_batch_at) == (None, None)
