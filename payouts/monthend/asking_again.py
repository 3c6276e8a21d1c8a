"""Asks for a broker's months to be calculated again, in the transaction of what changed them."""

from collections.abc import Collection
from datetime import datetime

from payouts.month import Month
from payouts.monthend import work
from payouts.monthend.models import Run


def ask_again(*, broker_code: int, months: Collection[Month], now: datetime) -> None:
    """Have a broker's months, and its drafts of later ones, calculated again as far as they have a run.

    What is approved is left alone: the next draft carries its correction. Whoever is at work on one of them
    is overtaken, because it does not see the change.
    """
    runs = Run.objects.filter(month__in=[month.first_date for month in months]).order_by("month")
    for run_id in runs.values_list("pk", flat=True):
        work.ask(run_id=run_id, now=now, broker_codes=[broker_code])
    ask_for_later_drafts(broker_code=broker_code, after=min(months), now=now)


def ask_for_later_drafts(*, broker_code: int, after: Month, now: datetime) -> None:
    """The same for drafts of months after one whose truth has changed."""
    work.ask_for_later_drafts(broker_codes=[broker_code], after=after.first_date, now=now)
