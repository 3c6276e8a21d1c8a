"""How many lines a month has that is not issued yet: what is long is made in the background."""

from collections.abc import Iterable
from datetime import date

from django.db.models import Count

from payouts.feed.models import TotalByRate
from payouts.month import Month
from payouts.monthend.models import Line, Payout

#: Beyond so many lines a file is not made while somebody waits for the answer to a click.
LONG = 10_000


def of_months(broker_code: int, months: Iterable[Month]) -> dict[Month, int]:
    """Each month → its lines: as its run calculated them, else as they stand. Two queries.

    Meant for months without a statement; an issued one says itself how many lines it has.
    """
    days: list[date] = [month.first_date for month in months]
    runs = dict(
        Payout.objects.filter(broker=broker_code, run__month__in=days)
        .order_by()
        .values_list("run__month", "pk")
    )
    lines = (
        Line.objects.filter(payout__in=list(runs.values()))
        .order_by()
        .values_list("payout")
        .annotate(lines=Count("*"))
    )
    calculated = dict(lines) if runs else {}
    standing = dict(
        TotalByRate.objects.filter(
            broker_code=broker_code, month__in=[day for day in days if day not in runs], fills__gt=0
        )
        .order_by()
        .values_list("month")
        .annotate(lines=Count("*"))
    )
    return {
        Month.of_date(day): calculated.get(runs[day], 0) if day in runs else standing.get(day, 0)
        for day in days
    }


def of_month(broker_code: int, month: Month) -> int:
    """The lines of one month that is not issued yet."""
    return of_months(broker_code, [month])[month]
