"""A payout approved with everything unusual about it acknowledged, as two people would leave it."""

from datetime import datetime

from payouts.monthend.models import BoundAcknowledgement, Payout, PayoutBound
from portal.accounts.models import User
from tests import make


def approve(payout: Payout, *, at: datetime = make.NOW) -> Payout:
    by, _ = User.objects.get_or_create(email="pia@exchange.example")
    for bound in PayoutBound.objects.filter(payout=payout):
        BoundAcknowledgement.objects.get_or_create(
            payout=payout, name=bound.name, value=bound.value, defaults={"note": "seen", "by": by, "at": at}
        )
    approved: Payout = make.approved(payout, at)
    return approved


def approve_month(code: int, month: str, *, at: datetime = make.NOW) -> Payout:
    return approve(Payout.objects.get(broker=code, run__month=f"{month}-01"), at=at)
