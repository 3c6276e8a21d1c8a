"""A month as it would be if it were calculated now, beside its last calculation and the month before."""

from dataclasses import dataclass
from decimal import Decimal

from payouts.money import EXACT
from payouts.month import Month
from payouts.monthend import dry_run
from payouts.monthend.dry_run import Difference
from payouts.monthend.models import Payout, Run
from payouts.program.models import Broker
from portal.staff.month_page import added


@dataclass(frozen=True, slots=True)
class Compared:
    """A broker whose payout calculating again would change, or whose approved payout it would correct."""

    broker: Broker
    payout_id: int | None
    difference: Difference


@dataclass(frozen=True, slots=True)
class DryRun:
    """Dollars in whole cents, over all brokers."""

    changed: list[Compared]
    same: int
    now: Decimal
    calculated: Decimal
    before: Decimal

    @property
    def change(self) -> Decimal:
        return EXACT.subtract(self.now, self.calculated)


def found(run: Run) -> DryRun:
    """Nothing is written."""
    differences = dry_run.differences(month=Month.of_date(run.month))
    names = Broker.objects.in_bulk([each.broker for each in differences])
    payouts = dict(Payout.objects.filter(run=run).values_list("broker_id", "pk"))
    changed = [
        Compared(names[each.broker], payouts.get(each.broker), each)
        for each in differences
        if each.is_changed or each.change
    ]
    return DryRun(
        changed=changed,
        same=len(differences) - len(changed),
        now=added(each.now.payout.payout for each in differences),
        calculated=added(each.calculated.payout.payout for each in differences if each.calculated),
        before=added(each.last_month.payout.payout for each in differences if each.last_month),
    )
