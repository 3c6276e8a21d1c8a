"""How much about money waits for a login's roles, for the first page of the staff site."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from payouts.desk.money_models import Proposal
from payouts.ledger.models import BooksCheck
from payouts.monthend.models import Payout
from payouts.settlement.models import Attempt, Difference
from payouts.settlement.queries import must_be_decided_by_people
from portal.accounts.staff_roles import Act
from portal.staff import month_rows
from portal.staff.waiting import own

_State = Payout.State
#: The word of the address → what waits so. Each for `month_rows.waiting_payouts`.
PAYOUTS: dict[str, tuple[Any, Q]] = {
    "prepare": (_("preparing"), Q(state=_State.CALCULATED)),
    "approve": (_("approval"), Q(state=_State.PREPARED)),
    "parked": (_("repair: parked"), Q(state=_State.PARKED)),
    "release": (_("release"), Q(state=_State.APPROVED, is_held=True)),
    "again": (_("sending again"), month_rows.is_to_be_retried()),
}


@dataclass(frozen=True, slots=True)
class MoneyWaiting:
    """Counts of what the login may do something about or has to see; its own brokers are not counted."""

    prepare: int
    approve: int
    parked: int
    release: int
    again: int
    #: Acts that another person prepared.
    proposals: int
    #: Credits that only two people can decide.
    unknown: int
    differences: int
    #: What the latest check of the books found.
    breaches: int

    @property
    def is_nothing(self) -> bool:
        return not any(getattr(self, name) for name in self.__slots__)


def waiting(*, login: Any, acts: set[Act], now: datetime) -> MoneyWaiting | None:
    """None for who has nothing to do with money. Five queries, each over rows that are still open."""
    if Act.SEE_PAYOUTS not in acts:
        return None
    open_ones = month_rows.waiting_payouts().filter(~own(login), month_rows.needs_somebody())
    counts = {word: _count(those(open_ones, word, login=login)) for word in PAYOUTS}
    proposals = Proposal.objects.filter(~own(login), state=Proposal.State.PREPARED)
    check = BooksCheck.objects.order_by("-checked_at", "-pk").values_list("breaches", flat=True).first()
    return MoneyWaiting(
        **counts,
        proposals=proposals.exclude(prepared_by=login).count() if Act.CONFIRM_MONEY in acts else 0,
        unknown=Attempt.objects.filter(must_be_decided_by_people(now)).count(),
        differences=Difference.objects.filter(state=Difference.State.OPEN).count(),
        breaches=len(check or ()),
    )


def those(payouts: QuerySet[Payout], word: str, *, login: Any) -> QuerySet[Payout]:
    """The payouts that wait so; all of them for a word that is none. Nobody approves what they prepared."""
    if word not in PAYOUTS:
        return payouts
    found = payouts.filter(PAYOUTS[word][1])
    return found.exclude(prepared_by=login) if word == "approve" else found


def _count(payouts: QuerySet[Payout]) -> int:
    return int(payouts.count())
