"""Volume between two instants, exact to the microsecond, and the part of a month that was suspended."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from payouts.feed.models import Fill
from payouts.month import Month
from payouts.volume import queries
from payouts.volume.queries import Between
from tests import make

pytestmark = pytest.mark.django_db
TEN = datetime(2026, 10, 31, 22, tzinfo=UTC)
TICK, MINUTE, HOUR = timedelta(microseconds=1), timedelta(minutes=1), timedelta(hours=1)
#: Every edge of the hours around the end of a month.
MOMENTS = [
    TEN + hours * HOUR + moved
    for hours in range(5)
    for moved in (-TICK, 0 * TICK, TICK, 20 * MINUTE, 40 * MINUTE)
]


@pytest.fixture
def _fills() -> None:
    make.broker(code=1400)
    make.broker(code=1500)
    make.fills(
        *(
            make.record(
                timestamp=moment.isoformat().replace("+00:00", "Z"),
                price=str(2**number),
                brokerId=code,
                feeRate="-0.01" if number % 7 == 3 else "0.001",
            )
            for number, moment in enumerate(MOMENTS)
            for code in (1400, 1500)
        )
    )


def everything() -> list[Fill]:
    return list(Fill.objects.filter(broker_code=1400))


def counted(starts_at: datetime, ends_at: datetime | None, booked: Sequence[Fill] | None = None) -> Between:
    """The same from the fills alone, one by one."""
    fills = [
        fill
        for fill in booked or everything()
        if starts_at <= fill.executed_at and (ends_at is None or fill.executed_at < ends_at)
    ]
    return Between(
        len(fills),
        sum((fill.price * fill.quantity for fill in fills), Decimal(0)),
        sum((max(fill.fee, Decimal(0)) for fill in fills), Decimal(0)),
    )


@pytest.mark.usefixtures("_fills")
def test_between_any_two_instants_it_is_the_sum_of_the_fills() -> None:
    assert Fill.objects.count() == 2 * len(MOMENTS)
    ends: list[Any] = [None, *MOMENTS]
    booked = everything()
    for starts_at in MOMENTS:
        for ends_at in ends:
            found = queries.between(broker_code=1400, starts_at=starts_at, ends_at=ends_at)
            assert found == counted(starts_at, ends_at, booked), (starts_at, ends_at)


@pytest.mark.usefixtures("_fills")
def test_the_start_is_inclusive_and_the_end_is_not() -> None:
    def fills(starts_at: datetime, ends_at: datetime) -> int:
        return queries.between(broker_code=1400, starts_at=starts_at, ends_at=ends_at).fills

    assert fills(TEN, TEN + TICK) == 1
    assert fills(TEN - TICK, TEN + TICK) == 2
    assert (fills(TEN, TEN), fills(TEN + HOUR, TEN)) == (0, 0)


@pytest.mark.usefixtures("_fills")
@settings(max_examples=60)
@given(
    start=st.integers(-3600 * 10**6, 6 * 3600 * 10**6),
    length=st.none() | st.integers(0, 6 * 3600 * 10**6),
    zone=st.integers(-12, 12),
)
def test_whatever_the_instants_and_their_zone(start: int, length: int | None, zone: int) -> None:
    starts_at = (TEN + start * TICK).astimezone(timezone(timedelta(hours=zone)))
    ends_at = None if length is None else starts_at + length * TICK

    found = queries.between(broker_code=1400, starts_at=starts_at, ends_at=ends_at)

    assert found == counted(starts_at, ends_at)


@pytest.mark.usefixtures("_fills")
def test_the_suspended_part_of_a_month_is_a_join_with_the_ranges() -> None:
    broker = make.broker()
    first = make.suspended(broker, TEN + TICK)
    make.lifted(first, TEN + HOUR)
    cancelled = make.suspended(broker, TEN + HOUR)
    make.lifted(cancelled, TEN + HOUR)
    make.suspended(broker, TEN + HOUR + 20 * MINUTE)

    october = queries.suspended(broker_code=1400, month=Month(2026, 10))
    november = queries.suspended(broker_code=1400, month=Month(2026, 11))

    parts = [counted(TEN + TICK, TEN + HOUR), counted(TEN + HOUR + 20 * MINUTE, TEN + 2 * HOUR)]
    assert october == Between(
        sum(each.fills for each in parts),
        sum((each.volume for each in parts), Decimal(0)),
        sum((each.fees for each in parts), Decimal(0)),
    )
    assert november == counted(TEN + 2 * HOUR, None)
    assert queries.suspended(broker_code=1400, month=Month(2026, 9)) == Between(0, Decimal(0), Decimal(0))
    assert queries.suspended(broker_code=1500, month=Month(2026, 10)).fills == 0


@pytest.mark.usefixtures("_fills")
def test_nothing_after_the_termination_is_called_suspended() -> None:
    broker = make.broker()
    make.suspended(broker, TEN + HOUR)
    make.terminated(broker, TEN + HOUR + 20 * MINUTE)

    assert queries.suspended(broker_code=1400, month=Month(2026, 10)) == counted(
        TEN + HOUR, TEN + HOUR + 20 * MINUTE
    )


@pytest.mark.usefixtures("_fills")
def test_only_the_partitions_of_the_edges_are_read() -> None:
    """A year between the edges is read from the totals: of the fills, one month's partition."""
    plans: list[str] = []

    def explained(execute: Any, sql: str, values: Any, many: bool, context: Any) -> Any:
        with connection.connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}", values)
            plans.append("\n".join(row[0] for row in cursor.fetchall()))
        return execute(sql, values, many, context)

    with connection.execute_wrapper(explained):
        queries.between(
            broker_code=1400, starts_at=datetime(2025, 10, 1, tzinfo=UTC), ends_at=TEN + 20 * MINUTE
        )
        queries.between(broker_code=1400, starts_at=datetime(2025, 10, 1, tzinfo=UTC), ends_at=TEN + HOUR)

    one_edge, no_edge = plans
    assert "fill_202610" in one_edge
    assert "fill_202611" not in one_edge
    assert "fill_" not in no_edge
    assert "total_by_hour_pkey" in no_edge


def test_the_latest_fill_of_a_broker_since_an_instant() -> None:
    make.broker()
    assert queries.last_fill_at(broker_code=1400, since=TEN) is None
    make.fills(make.record(timestamp="2026-10-31T22:00:00Z"), make.record(timestamp="2026-11-01T00:00:00Z"))

    assert queries.last_fill_at(broker_code=1400, since=TEN) == datetime(2026, 11, 1, tzinfo=UTC)
    assert queries.last_fill_at(broker_code=1500, since=TEN) is None
    assert queries.last_fill_at(broker_code=1400, since=datetime(2026, 11, 1, 1, tzinfo=UTC)) is None
