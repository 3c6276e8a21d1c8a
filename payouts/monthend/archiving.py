"""Which months may leave the table of fills: those of which nothing is open any more."""

from datetime import datetime, timedelta
from pathlib import Path

from django.db import connection

from payouts.feed import archive, quarantine_models
from payouts.feed.archive_models import FillArchive
from payouts.month import Month
from payouts.monthend.models import Payout, Run
from payouts.refusal import Refusal

#: Late records and voids of a month are usual for so long after its end.
STAYS_FOR = timedelta(days=60)
#: Nothing is calculated, held or sent any more.
_DONE = (
    Payout.State.CREDITED,
    Payout.State.FORFEITED,
    Payout.State.NIL,
    Payout.State.CARRIED,
)
#: Brokers with fills in the month's totals that its run knows nothing of.
_UNPAID = """
    SELECT DISTINCT broker_code FROM total_by_month AS total WHERE total.month = %s AND total.fills > 0
    AND NOT EXISTS (SELECT FROM payout JOIN month_run ON month_run.id = payout.run_id
                    WHERE month_run.month = total.month AND payout.broker_id = total.broker_code)
    ORDER BY 1
"""
#: A release without suspended days, and every later correction after it, sums the fills of these days.
_HELD = """
    SELECT DISTINCT payout.broker_id FROM payout_hold AS held
    JOIN payout ON payout.id = held.payout_id JOIN month_run ON month_run.id = payout.run_id
    LEFT JOIN payout_release AS released ON released.hold_id = held.id
    WHERE month_run.month = %s AND (released.mode IS NULL OR released.mode = 'without suspended days')
    ORDER BY 1
"""


class NotClosed(Refusal):
    """Something of the month may still need its fills."""


def archive_month(month: Month, *, folder: Path, now: datetime) -> FillArchive:
    """Archive a closed month's fills; what its statements say stays, and its lines go on explaining them.

    Refuses `NotClosed` and what `payouts.feed.archive.archive` refuses.
    """
    if now < month.ends_at + STAYS_FOR:
        raise NotClosed(
            f"{month} may be archived from {month.ends_at + STAYS_FOR:%Y-%m-%d}: late records and voids of it"
            " are usual until then."
        )
    run = Run.objects.filter(month=month.first_date).first()
    if run is None:
        raise NotClosed(f"{month} was never calculated: run `manage.py month_end {month}` first.")
    if codes := _codes(_HELD, month):
        raise NotClosed(
            f"{month} was held for {_listed(codes)}: while a payout is held, or suspended days of it are left"
            " unpaid, its fills stay in the table."
        )
    open_ones = Payout.objects.filter(run=run).exclude(state__in=_DONE).order_by("broker_id")
    codes = list(open_ones.values_list("broker_id", flat=True)) or _codes(_UNPAID, month)
    if codes:
        raise NotClosed(f"{month} is not paid or closed for {_listed(codes)}: finish that first.")
    if quarantine_models.QuarantineReplay.objects.filter(finished_at=None).exists():
        raise NotClosed("A replay of quarantine is under way: wait until it has ended.")
    return archive.archive(month, folder=folder, now=now)


def _codes(query: str, month: Month) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(query, [month.first_date])
        return [code for (code,) in cursor.fetchall()]


def _listed(codes: list[int]) -> str:
    more = f" and {len(codes) - 5} more" if len(codes) > 5 else ""
    return f"broker{'s' if len(codes) > 1 else ''} {', '.join(map(str, codes[:5]))}{more}"
