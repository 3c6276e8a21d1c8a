"""The months' partitions of the table of fills, made ahead, or at the latest when their first fill comes."""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction

from payouts.month import Month


def missing(months: Iterable[Month]) -> frozenset[Month]:
    """Those months that have no partition yet."""
    by_name = {f"fill_{month.year:04d}{month.number:02d}": month for month in months}
    with connection.cursor() as cursor:
        cursor.execute(
            # Not by to_regclass, which may still remember one that was archived a moment ago.
            "SELECT name FROM unnest(%s::text[]) AS name WHERE NOT EXISTS (SELECT FROM pg_class"
            " WHERE relname = name AND relnamespace = 'public'::regnamespace)",
            [list(by_name)],
        )
        return frozenset(by_name[name] for (name,) in cursor)


def make(months: Iterable[Month]) -> None:
    """Make partitions, each in a short transaction of its own; those that are there already stay."""
    for month in sorted(months):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT make_fill_partition(%s)", [month.first_date])


def make_ahead(*, now: datetime) -> list[Month]:
    """Make what is missing of this month's partition and the next two months'; which were missing."""
    this = Month.of(now)
    made = sorted(missing([this, this.next(), this.next().next()]))
    make(made)
    return made
