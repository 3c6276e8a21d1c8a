"""An attempt in the hands of one process: claimed with a fence and a lease, so that no two work on it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from payouts.month import Month
from payouts.monthend.models import Payout
from payouts.settlement import attempts
from payouts.settlement.models import Attempt

#: Sent, and its outcome is not known yet.
UNDER_WAY = (Attempt.State.SENDING, Attempt.State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Claim:
    """An attempt in the hands of one process, until `lease_until` and while nobody has a higher fence."""

    attempt_id: int
    payout_id: int
    broker_code: int
    month: Month
    key: str
    account_id: str
    #: Dollars, whole cents.
    amount: Decimal
    fence: int
    lease_until: datetime
    #: When it was first sent; None while it is pending.
    sent_at: datetime | None
    asks: int

    @property
    def reference(self) -> str:
        """What the exchange shows beside the credit: the same however often the key is sent."""
        return f"Broker Program rebates {self.month}, broker {self.broker_code}"

    def until(self, lease_until: datetime) -> "Claim":
        return replace(self, lease_until=lease_until)


def claim(attempt: Attempt, *, now: datetime) -> Claim:
    """Take a locked attempt: a higher fence and a new lease, saved with the caller's other changes."""
    attempt.fence += 1
    attempt.lease_until = now + attempts.LEASE
    return as_claimed(attempt, attempt.lease_until)


def as_claimed(attempt: Attempt, lease_until: datetime) -> Claim:
    """The attempt as who holds it sees it."""
    payout = Payout.objects.select_related("run").get(pk=attempt.payout_id)
    return Claim(
        attempt.pk,
        payout.pk,
        payout.broker_id,
        Month.of_date(payout.run.month),
        str(attempt.key),
        attempt.account_id,
        attempt.amount,
        attempt.fence,
        lease_until,
        attempt.sent_at,
        attempt.asks,
    )


#: No more attempts than these at once may be under way with an outcome that is not known, among those first
#: sent in the last hour: while the exchange does not answer, no further money is put at stake.
MOST_UNSURE, UNSURE_FOR = 5, timedelta(hours=1)


def too_many_are_unsure(*, now: datetime) -> bool:
    unsure = Attempt.objects.filter(
        state__in=UNDER_WAY, next_ask_at__isnull=False, sent_at__gt=now - UNSURE_FOR
    )
    return unsure.count() >= MOST_UNSURE
