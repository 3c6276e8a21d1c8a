"""What PostgreSQL itself refuses of a month's figures, whoever writes them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DataError, IntegrityError, ProgrammingError, connection, transaction

from payouts.month import Month
from payouts.monthend import actions
from payouts.monthend.models import Line, Payout, Run
from tests import make

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 1, 0, 30, tzinfo=UTC)


@pytest.fixture
def payout():
    """BKR 0: 1000.01 dollars of fees × 0.2 = 200.002 → 200.00."""
    make.broker()
    make.fills(make.record(price="1000010"))
    actions.calculate(month=Month(2026, 10), now=NOW)
    return Payout.objects.get()


def change(row, /, **values):
    with transaction.atomic():
        Payout.objects.filter(pk=row.pk).update(**values)


def add_line(payout, **values):
    line = {
        "payout": payout,
        "trader": 8,
        "market": "spot",
        "fee_rate": Decimal("0.001"),
        "affiliate_rate": Decimal(0),
        "fills": 1,
        "volume": Decimal(1000),
        "fees": Decimal(1),
        "applied_rate": Decimal("0.2"),
        "bound_by": "tier",
        "amount": Decimal("0.2"),
    }
    with transaction.atomic():
        Line.objects.bulk_create([Line(**line | values)])


@pytest.mark.parametrize("wrong", ["200.01", "199.99", "201.00", "0.00"])
def test_a_payout_is_its_amount_rounded_once(payout, wrong):
    with pytest.raises(IntegrityError, match="payout_is_amount_rounded_once"):
        change(payout, payout=Decimal(wrong))


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("200.005", "200.00"), ("200.004999999999999999999999999999999999", "200.01"), ("0.005", "0.00")],
)
def test_half_a_cent_may_only_be_rounded_away_from_zero(payout, amount, rounded):
    change(payout, fees=Decimal(5000))
    with pytest.raises(IntegrityError, match="payout_is_amount_rounded_once"):
        change(payout, amount=Decimal(amount), payout=Decimal(rounded))


def test_the_right_rounding_of_half_a_cent_is_taken(payout):
    change(payout, fees=Decimal(5000))
    change(payout, amount=Decimal("200.005"), payout=Decimal("200.01"))
    change(payout, amount=Decimal("200.004999999999999999999999999999999999"), payout=Decimal("200.00"))


@pytest.mark.parametrize(
    "values",
    [
        {"rebate": "0.5", "amount": "500.005000000000000000000000000000000001", "payout": "500.01"},
        {"rebate": "0.2", "amount": "200.002000000000000000000000000000000001", "payout": "200.00"},
        {"rebate": "0.500000000000000001"},
        {"rebate": "-0.2", "amount": "0", "payout": "0"},
        {"amount": "-0.000000000000000000000000000000000001", "payout": "0"},
        {"amount": "-1", "payout": "-1"},
    ],
    ids=[
        "more than half the fees",
        "more than the tier's share",
        "a rebate above half",
        "a rebate below nothing",
        "the least bit below nothing",
        "less than nothing",
    ],
)
def test_an_amount_is_within_the_tier_and_half_the_fees(payout, values):
    with pytest.raises(IntegrityError, match="payout_is_within_tier_and_half_the_fees"):
        change(payout, **{name: Decimal(value) for name, value in values.items()})


def test_exactly_half_the_fees_is_taken(payout):
    change(payout, rebate=Decimal("0.5"), amount=Decimal("500.005"), payout=Decimal("500.01"))


def test_volume_is_spot_and_futures(payout):
    with pytest.raises(IntegrityError, match="payout_volume_is_spot_and_futures"):
        change(payout, futures_volume=Decimal("0.000000000000000000000000000000000001"))


@pytest.mark.parametrize(
    ("month", "calculated_at"),
    [
        (date(2026, 11, 1), datetime(2026, 11, 22, 12, 0, tzinfo=UTC)),
        (date(2026, 11, 1), datetime(2026, 12, 1, tzinfo=UTC) - timedelta(microseconds=1)),
        (date(2028, 2, 1), datetime(2028, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)),
        (date(2026, 12, 1), datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_month_that_is_not_over_has_no_run(month, calculated_at):
    with pytest.raises(IntegrityError, match="only_finished_months_have_a_run"):
        Run.objects.create(month=month, calculated_at=calculated_at, terms="2025-09")


def test_a_run_belongs_to_a_month_and_a_month_has_one_run(payout):
    with pytest.raises(IntegrityError, match="run_month_is_a_first_day"), transaction.atomic():
        Run.objects.create(month=date(2026, 9, 2), calculated_at=NOW, terms="2025-09")
    with pytest.raises(IntegrityError, match="month_run_month_key"), transaction.atomic():
        Run.objects.create(month=date(2026, 10, 1), calculated_at=NOW, terms="2025-09")
    Run.objects.create(
        month=date(2026, 9, 1), calculated_at=datetime(2026, 10, 1, tzinfo=UTC), terms="2025-09"
    )


def test_a_broker_has_one_payout_in_a_run(payout):
    payout.pk = None
    with pytest.raises(IntegrityError, match="one_payout_per_broker_and_run"):
        payout.save(force_insert=True)


@pytest.mark.parametrize(
    ("values", "guard"),
    [
        ({"amount": "0.200000000000000000000000000000000001"}, "line_amount_is_fees_times_applied_rate"),
        ({"amount": "0.3"}, "line_amount_is_fees_times_applied_rate"),
        ({"fees": "2"}, "line_amount_is_fees_times_applied_rate"),
        ({"applied_rate": "0.1"}, "line_amount_is_fees_times_applied_rate"),
        ({"applied_rate": "0.6", "amount": "0.6"}, "line_applied_rate_is_at_most_half"),
        ({"applied_rate": "-0.1", "amount": "-0.1"}, "line_applied_rate_is_at_most_half"),
        ({"trader": 7}, "payout_line_pkey"),
    ],
)
def test_a_line_that_does_not_add_up_is_refused(payout, values, guard):
    with pytest.raises(IntegrityError, match=guard):
        add_line(payout, **{name: Decimal(value) for name, value in values.items()})


def test_a_line_that_adds_up_is_taken(payout):
    add_line(payout)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize(
    "column", ["rebate", "spot_volume", "futures_volume", "volume", "fees", "amount", "payout"]
)
def test_no_figure_of_a_payout_is_anything_but_a_number(payout, column, number):
    with (
        pytest.raises((IntegrityError, DataError), match=r"violates check|numeric field overflow"),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE payout SET {column} = %s::numeric", [number])


def test_a_payout_is_not_nan_in_all_its_figures_either(payout):
    with pytest.raises(IntegrityError, match="violates check"), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE payout SET spot_volume = 'NaN', volume = 'NaN', fees = 'NaN', amount = 'NaN',"
            " payout = 'NaN'"
        )


@pytest.mark.parametrize("column", ["fee_rate", "affiliate_rate", "volume", "fees", "applied_rate", "amount"])
def test_no_figure_of_a_line_is_anything_but_a_number(payout, column):
    nan = "'NaN'::numeric"
    columns = {
        "trader": "8",
        "market": "'spot'",
        "fee_rate": "0",
        "affiliate_rate": "0",
        "fills": "1",
        "volume": "1",
        "fees": "0",
        "applied_rate": "0",
        "bound_by": "'tier'",
        "amount": "0",
    }
    # NaN = NaN × rate holds in PostgreSQL, so fees and amount are tried together.
    columns |= dict.fromkeys(["fees", "amount"] if column in ("fees", "amount") else [column], nan)
    with pytest.raises(IntegrityError, match="violates check"), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO payout_line (payout_id, {', '.join(columns)})"
            f" VALUES (%s, {', '.join(columns.values())})",
            [payout.pk],
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payout_line SET fills = 2",
        "UPDATE payout SET run_id = run_id",
        "UPDATE payout SET broker_id = 1500",
        "UPDATE month_run SET month = '2026-09-01'",
        "DELETE FROM payout",
        "DELETE FROM month_run",
        "TRUNCATE payout_line",
        "TRUNCATE month_run CASCADE",
    ],
)
def test_the_portal_itself_may_not(payout, statement):
    with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_line_of_no_payout_is_refused(payout):
    nowhere = Payout(pk=payout.pk + 1_000)

    with pytest.raises(IntegrityError, match="a line belongs to no payout"):
        add_line(nowhere)
