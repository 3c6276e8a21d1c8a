"""Which months may leave the table of fills: those of which nothing is open any more."""

from datetime import datetime, timedelta
from pathlib import Path

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
    open_ones = Payout.objects.filter(run=run).exclude(state__in=_DONE).order_by("broker_id")
    if open_ones:
        codes = ", ".join(str(each.broker_id) for each in open_ones[:5])
        raise NotClosed(
            f"{len(open_ones)} payouts of {month} are not credited or closed yet (brokers {codes}): finish"
            " them first."
        )
    if quarantine_models.QuarantineReplay.objects.filter(finished_at=None).exists():
        raise NotClosed("A replay of quarantine is under way: wait until it has ended.")
    return archive.archive(month, folder=folder, now=now)
