"""Calculates months: one run a month, recalculated until its payouts are approved."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta

from django.db import connection

from payouts.month import Month
from payouts.monthend import formula, queries
from payouts.monthend.models import Line, Payout, Run
from payouts.monthend.queries import BrokerMonth
from payouts.monthend.snapshot import one_snapshot
from payouts.program.terms import Terms, terms_for
from payouts.refusal import Refusal

#: A month closes by itself on the 1st at 00:30 UTC: late enough for the last fills to have arrived.
CLOSES_AFTER = timedelta(minutes=30)


#: The first of the two numbers of the advisory lock; the second is the month.
_CALCULATION_LOCK = 7_230_003


class MonthNotOver(Refusal):
    """A month in progress has no run; it can only be looked at as it stands."""


def calculate(*, month: Month, now: datetime, terms: Terms | None = None) -> Run:
    """Calculate a finished month, or calculate it again from the books as they stand.

    "On the first day of every month, broker tiers are updated and payouts calculated." Whoever comes
    second waits for the first and finds the one run. Refuses `MonthNotOver`.
    """
    if not month.is_over(now):
        raise MonthNotOver(f"{month} is not over: it ends at {month.ends_at:%Y-%m-%d %H:%M} UTC")
    terms = terms or terms_for(month)
    with _one_at_a_time(month), one_snapshot():
        run, made = Run.objects.get_or_create(
            month=month.first_date, defaults={"calculated_at": now, "terms": terms.name}
        )
        if not made:
            run.calculated_at, run.terms = now, terms.name
            run.save(update_fields=["calculated_at", "terms"])
        months = queries.months_as_they_stand(month=month, terms=terms)
        _write_payouts(run, months)
        _write_lines(run, months)
    return run


@contextmanager
def _one_at_a_time(month: Month) -> Iterator[None]:
    """Calculations of a month queue here. Saves work only: the unique month is what makes one run."""
    key = [_CALCULATION_LOCK, month.year * 12 + month.number]
    with connection.cursor() as cursor:
        # Before the transaction: its snapshot must be younger than what the one before us wrote.
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", key)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)


def close_due_months(*, now: datetime) -> list[Month]:
    """Calculate every month that is over and has no run, in order, from the first with a fill.

    The rows say what is due, so it does not matter who asks, how often, or how long nobody did. A
    month that fails keeps no other open; what went wrong is raised at the end as an `ExceptionGroup`.
    """
    closed, failed = [], []
    for month in due_months(now=now):
        try:
            calculate(month=month, now=now)
        except Exception as problem:
            problem.add_note(f"while calculating {month}")
            failed.append(problem)
        else:
            closed.append(month)
    if failed:
        raise ExceptionGroup("months that could not be calculated", failed)
    return closed


def due_months(*, now: datetime) -> list[Month]:
    """Months that should have a run by now and have none, oldest first."""
    month = queries.first_month_with_fills()
    calculated = set(Run.objects.values_list("month", flat=True))
    due = []
    while month is not None and month.is_over(now - CLOSES_AFTER):
        if month.first_date not in calculated:
            due.append(month)
        month = month.next()
    return due


def _write_payouts(run: Run, months: Sequence[BrokerMonth]) -> None:
    Payout.objects.bulk_create(
        [
            Payout(
                run=run,
                broker_id=each.broker,
                account_id=each.account_id,
                tier=each.tier.name,
                rebate=each.tier.rebate,
                spot_volume=each.payout.spot_volume,
                futures_volume=each.payout.futures_volume,
                volume=each.payout.volume,
                fills=each.payout.fills,
                fees=each.payout.fees,
                amount=each.payout.amount,
                payout=each.payout.payout,
            )
            for each in months
        ],
        update_conflicts=True,
        unique_fields=["run", "broker"],
        update_fields=[
            "account_id",
            "tier",
            "rebate",
            "spot_volume",
            "futures_volume",
            "volume",
            "fills",
            "fees",
            "amount",
            "payout",
        ],
        batch_size=2_000,
    )


def _write_lines(run: Run, months: Sequence[BrokerMonth]) -> None:
    """Replace the run's lines: the rules give each distinct rate once, SQL multiplies exactly."""
    Line.objects.filter(payout__run=run).delete()
    rates = _applied_rates(run.month, months)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payout_line (payout_id, trader, market, fee_rate, affiliate_rate, fills,"
            " volume, fees, applied_rate, bound_by, amount)"
            " SELECT payout.id, total.trader, total.market, total.fee_rate, total.affiliate_rate,"
            " total.fills, total.volume, total.fees, rate.applied_rate, rate.bound_by,"
            " total.fees * rate.applied_rate"
            " FROM payout"
            " JOIN total_by_rate total ON total.broker_code = payout.broker_id AND total.month = %s"
            " JOIN unnest(%s::numeric[], %s::numeric[], %s::numeric[], %s::text[])"
            "  AS rate (rebate, affiliate_rate, applied_rate, bound_by)"
            "  ON rate.rebate = payout.rebate AND rate.affiliate_rate = total.affiliate_rate"
            " WHERE payout.run_id = %s",
            [run.month, *rates, run.pk],
        )


def _applied_rates(first_date: date, months: Sequence[BrokerMonth]) -> list[list[object]]:
    """The applied rate and what bound it, as columns, for each rebate and affiliate rate of a month."""
    affiliate_rates = queries.affiliate_rates(first_date)
    rows = [
        (
            rebate,
            affiliate_rate,
            formula.applied_rate(rebate=rebate, affiliate_rate=affiliate_rate, cap=cap),
            formula.bound_by(rebate=rebate, affiliate_rate=affiliate_rate, cap=cap),
        )
        for rebate, cap in sorted({(each.tier.rebate, each.terms.rebate_cap) for each in months})
        for affiliate_rate in affiliate_rates
    ]
    return [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
