"""The figures of open pages: all slots summed to the digit, what was heard, one statement for all."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from payouts.money import ZERO
from payouts.month import Month
from payouts.monthend import queries as monthend
from payouts.volume import live
from payouts.volume.live import BrokerFigures, Heard
from tests import make
from tests.payouts.monthend.voids import void
from tests.payouts.owner import connected as owner

NOVEMBER = Month(2026, 11)
SECOND = timedelta(seconds=1)


def figures(code: int = 1400, month: Month = NOVEMBER) -> BrokerFigures:
    return live.figures(broker_codes=[code], month=month).of[code]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.django_db
def test_a_brokers_month_to_the_digit() -> None:
    make.broker(code=1400)
    make.fills(
        make.record(timestamp="2026-10-31T23:59:59.999999Z"),
        make.record(timestamp="2026-11-01T00:00:00Z", price="0.1", quantity="0.0000002", feeRate="-0.0002"),
        make.record(timestamp="2026-11-30T23:59:59.999999Z", quantity="60000.000001"),
        make.record(timestamp="2026-11-03T10:00:00Z", symbol="SOL_USDC_PERP", marketType="PERP"),
        make.record(timestamp="2026-12-01T00:00:00Z"),
        now=at("2026-12-02T00:00:00"),
    )

    found = figures()

    assert found == BrokerFigures(
        month=NOVEMBER,
        spot=Decimal("6000000.00010002"),
        futures=Decimal(100),
        fills=3,
        fees=Decimal("6000.1000001"),
        last_fill_at=at("2026-11-30T23:59:59.999999"),
    )
    assert found.volume == Decimal("6000100.00010002")
    assert (found.made_tier.name, found.next_tier and found.next_tier.tier.name) == ("BKR 1", "BKR 2")
    assert found.next_tier is not None
    assert found.next_tier.missing == Decimal("3999899.99989998")
    assert [rung.filled for rung in found.rungs] == [1000, 200, 0, 0, 0, 0]


@pytest.mark.django_db
def test_they_are_those_of_the_totals_that_pay() -> None:
    make.broker(code=1400)
    make.fills(*(make.record(timestamp=f"2026-11-{day:02}T10:00:00Z", userId=day) for day in range(1, 23)))

    found, paid = figures(), monthend.month_so_far(broker_code=1400, month=NOVEMBER).payout

    assert (found.spot, found.futures, found.volume) == (paid.spot_volume, paid.futures_volume, paid.volume)
    assert (found.fills, found.fees, found.made_tier) == (paid.fills, paid.fees, paid.tier)


@pytest.mark.django_db
def test_every_slot_is_counted() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO total_by_month"
            " (month, broker_code, market, slot, fills, volume, fees, latest_executed_at)"
            " SELECT '2026-11-01', 1400, 'spot', slot, 1, 0.1, 0.01,"
            " timestamptz '2026-11-02Z' + slot * interval '1 second'"
            " FROM generate_series(0, 15) AS slot"
        )

    found = figures()

    assert (found.fills, found.spot, found.fees) == (16, Decimal("1.6"), Decimal("0.16"))
    assert found.last_fill_at == at("2026-11-02T00:00:15")


@pytest.mark.django_db
def test_a_voided_fill_is_taken_off() -> None:
    make.broker(code=1400)
    make.fills(
        make.record(timestamp="2026-11-03T10:00:00Z", tradeId=1),
        make.record(timestamp="2026-11-03T10:00:00Z", tradeId=2, quantity="2"),
    )
    before = figures()
    void(2)
    after = figures()

    assert (before.volume, before.fills) == (Decimal(300), 2)
    assert (after.volume, after.fills) == (Decimal(100), 1)
    assert after.version != before.version


@pytest.mark.django_db
def test_a_broker_without_fills_has_figures_too_and_nobody_elses() -> None:
    make.broker(code=1400)
    make.fills(make.record(timestamp="2026-11-03T10:00:00Z"))

    assert figures(1500) == BrokerFigures(NOVEMBER, ZERO, ZERO, 0, ZERO, None)
    assert figures(month=Month(2026, 12)) == BrokerFigures(Month(2026, 12), ZERO, ZERO, 0, ZERO, None)


@pytest.mark.django_db
def test_before_the_exchange_sent_anything_nothing_was_heard() -> None:
    heard = live.figures(broker_codes=[1400], month=NOVEMBER).heard

    assert heard == Heard(None, None)
    assert not heard.is_quiet(now=make.NOW)


@pytest.mark.django_db
def test_heard_is_the_last_batch_and_the_delay_is_that_of_the_latest_fill() -> None:
    make.broker(code=1400)
    make.fills(make.record(timestamp="2026-11-22T11:59:59.200Z"), now=make.NOW)
    # Late fills come later: the latest fill came in time all the same.
    make.fills(make.record(timestamp="2026-11-01T00:00:00Z"), now=make.NOW + 5 * SECOND)

    heard = live.figures(broker_codes=[], month=NOVEMBER).heard

    assert heard == Heard(make.NOW + 5 * SECOND, timedelta(milliseconds=800))


@pytest.mark.django_db
def test_a_clock_of_the_exchange_that_is_ahead_makes_no_negative_delay() -> None:
    make.broker(code=1400)
    make.fills(make.record(timestamp="2026-11-22T12:00:01Z"), now=make.NOW)

    assert live.figures(broker_codes=[], month=NOVEMBER).heard.delay == timedelta()


@pytest.mark.parametrize(("silence", "is_quiet"), [(300, False), (301, True)])
def test_five_minutes_of_silence_are_as_long_as_is_usual(silence: int, is_quiet: bool) -> None:
    assert Heard(make.NOW, None).is_quiet(now=make.NOW + silence * SECOND) == is_quiet


@pytest.mark.django_db
@pytest.mark.parametrize("brokers", [1, 200])
def test_any_number_of_brokers_is_asked_for_in_one_statement(
    brokers: int, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        assert len(live.figures(broker_codes=range(1400, 1400 + brokers), month=NOVEMBER).of) == brokers


amounts = st.decimals(min_value=0, max_value=10**12, places=6)


@given(
    st.builds(BrokerFigures, st.just(NOVEMBER), amounts, amounts, st.integers(0, 10**9), amounts, st.none())
)
def test_a_version_is_the_figures_value_and_not_how_it_is_written(found: BrokerFigures) -> None:
    written_otherwise = BrokerFigures(
        NOVEMBER,
        found.spot.normalize(),
        found.futures + Decimal("0.000000000"),
        found.fills,
        found.fees,
        None,
    )
    one_more = BrokerFigures(
        NOVEMBER, found.spot + Decimal("0.000001"), found.futures, found.fills, found.fees, None
    )

    assert written_otherwise.version == found.version
    assert one_more.version != found.version


@pytest.mark.long
def test_the_statement_reads_by_key_and_takes_less_than_five_milliseconds(committed_db: str) -> None:
    """200 brokers in 24 months with every slot full: 153,600 rows, of which 6,400 are read."""
    codes, month = list(range(2300, 2500)), Month(2026, 12)
    with owner() as hand:
        hand.execute(
            "INSERT INTO total_by_month"
            " (month, broker_code, market, slot, fills, volume, fees, latest_executed_at)"
            " SELECT date '2025-01-01' + make_interval(months => month), 2300 + broker, market, slot, 12345,"
            " 123456789.123456789012, 1234.123456789, now()"
            " FROM generate_series(0, 23) AS month, generate_series(0, 199) AS broker,"
            " unnest(ARRAY['spot', 'futures']) AS market, generate_series(0, 15) AS slot"
        )
        hand.execute("ANALYZE total_by_month")
    took = []
    with connection.cursor() as cursor:
        for _ in range(20):
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING off) {live._FIGURES}", [month.first_date, codes])
            plan = "\n".join(line for (line,) in cursor.fetchall())
            took.append(float(plan.rsplit("Execution Time: ", 1)[1].removesuffix(" ms")))

    assert "Index Scan using total_by_month_pkey" in plan
    assert "Seq Scan" not in plan
    assert min(took) < 5
    print(f"median {sorted(took)[10]} ms")
    assert live.figures(broker_codes=codes, month=month).of[2499].fills == 2 * 16 * 12_345
