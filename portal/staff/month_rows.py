"""The payouts of a month as rows of one table, and what each waits for; the queries do not grow with them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from payouts.desk.models import PayoutHold
from payouts.monthend.models import BoundAcknowledgement, Payout, PayoutBound, Run, WorkItem
from payouts.settlement.models import Attempt
from portal.team.models import Membership

_State = Payout.State
#: State → how its badge looks.
_LOOKS = {
    _State.PARKED: "risk-high",
    _State.PREPARED: "warn",
    _State.APPROVED: "on",
    _State.SENDING: "warn",
    _State.CREDITED: "on",
    _State.FORFEITED: "risk-high",
}


class Need(IntEnum):
    """What a payout waits for; the lowest needs a person first."""

    PARKED = 0
    UNKNOWN = 1
    BOUNDS = 2
    RETRY = 3
    RELEASE = 4
    PREPARE = 5
    APPROVE = 6
    #: Nobody: it is on its way, or done.
    NOTHING = 9


#: The word of the address → what is shown.
FILTERS: dict[str, Any] = {
    "": _("all"),
    "attention": _("needs somebody"),
    "parked": _("parked"),
    "unusual": _("unusual"),
    "prepare": _("to prepare"),
    "approve": _("to approve"),
    "held": _("held"),
    "credits": _("credit unclear"),
    "done": _("done"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A payout and all that decides what is done with it next."""

    payout: Payout
    #: Against the payout of the month before; None if there was none.
    change: Decimal | None
    bounds: list[PayoutBound]
    #: How many of them nobody has acknowledged at the value they have now.
    open_bounds: int
    #: Holds that no release has ended.
    holds: list[PayoutHold]
    #: The latest one.
    attempt: Attempt | None
    #: Why it is parked, and what to do; empty where it is not.
    reason: str
    next_step: str
    is_working: bool
    #: Staff who belong to its team look at it, and do nothing.
    is_own: bool

    @property
    def need(self) -> Need:
        state = self.payout.state
        if state == _State.PARKED:
            return Need.PARKED
        if self.attempt is not None and state == _State.SENDING:
            return Need.UNKNOWN if self.attempt.state == Attempt.State.UNKNOWN else Need.NOTHING
        if state == _State.APPROVED:
            if self.holds:
                return Need.RELEASE
            return Need.RETRY if self.is_to_be_retried else Need.NOTHING
        if state in (_State.CALCULATED, _State.PREPARED) and self.open_bounds:
            return Need.BOUNDS
        return {_State.CALCULATED: Need.PREPARE, _State.PREPARED: Need.APPROVE}.get(
            _State(state), Need.NOTHING
        )

    @property
    def is_to_be_retried(self) -> bool:
        """The exchange rejected it, or the broker has another account since: a person sends it again."""
        rejected = (
            self.attempt is not None
            and self.attempt.state == Attempt.State.REJECTED
            and self.attempt.sent_at is not None
        )
        return rejected or self.payout.account_id != self.payout.broker.account_id

    @property
    def is_done(self) -> bool:
        return self.payout.state in (_State.CREDITED, _State.FORFEITED, _State.NIL, _State.CARRIED)

    @property
    def can_be_chosen(self) -> bool:
        """For preparing or approving with others in one act."""
        return not self.is_own and self.payout.state in (_State.CALCULATED, _State.PREPARED)

    @property
    def looks(self) -> str:
        return _LOOKS.get(_State(self.payout.state), "")

    @property
    def sent(self) -> Decimal | None:
        """What is or was to be credited; None before it is prepared."""
        return None if self.payout.due is None else self.payout.due - self.payout.withheld


def rows_of(payouts: Iterable[Payout], *, login: Any) -> list[Row]:
    """The rows of these payouts, in their order; six queries however many they are.

    The payouts come with `run` and `broker`.
    """
    payouts = list(payouts)
    numbers = [each.pk for each in payouts]
    bounds = _bounds(numbers)
    holds = _grouped(open_holds().filter(payout__in=numbers).select_related("case").order_by("pk"))
    attempts = {
        each.payout_id: each for each in Attempt.objects.filter(payout__in=numbers).order_by("number")
    }
    items = {
        (each.run_id, each.broker_id): each
        for each in WorkItem.objects.filter(run__in={each.run_id for each in payouts})
    }
    before = _payouts_before(payouts)
    own = set(Membership.objects.filter(login=login).values_list("broker_id", flat=True))
    found = []
    for each in payouts:
        item = items.get((each.run_id, each.broker_id))
        is_parked = item is not None and item.state == WorkItem.State.PARKED
        earlier = before.get((each.broker_id, _month_before(each)))
        found.append(
            Row(
                payout=each,
                change=None if earlier is None else each.payout - earlier,
                bounds=[bound for bound, _is_open in bounds[each.pk]],
                open_bounds=sum(is_open for _bound, is_open in bounds[each.pk]),
                holds=holds[each.pk],
                attempt=attempts.get(each.pk),
                reason=item.reason if item is not None and is_parked else "",
                next_step=item.next_step if item is not None and is_parked else "",
                is_working=item is not None and item.state in (WorkItem.State.DUE, WorkItem.State.WORKING),
                is_own=each.broker_id in own,
            )
        )
    return found


def payouts_of(run: Run) -> QuerySet[Payout]:
    return (
        Payout.objects.filter(run=run)
        .select_related("run", "broker", "prepared_by", "approved_by")
        .order_by("broker_id")
    )


def open_holds() -> QuerySet[PayoutHold]:
    return PayoutHold.objects.filter(release__isnull=True)


def is_shown(row: Row, wanted: str) -> bool:
    """Whether a row passes one of `FILTERS`; a word that is none of them shows all."""
    match wanted:
        case "attention":
            return row.need is not Need.NOTHING
        case "parked":
            return row.need is Need.PARKED
        case "unusual":
            return bool(row.bounds)
        case "prepare":
            return row.payout.state == _State.CALCULATED
        case "approve":
            return row.payout.state == _State.PREPARED
        case "held":
            return bool(row.holds)
        case "credits":
            return row.need in (Need.UNKNOWN, Need.RETRY)
        case "done":
            return row.is_done
    return True


def in_order(rows: Iterable[Row], order: str) -> list[Row]:
    """By "code", "payout" (the largest first) or, otherwise, what needs somebody first."""
    if order == "code":
        return sorted(rows, key=lambda row: row.payout.broker_id)
    if order == "payout":
        return sorted(rows, key=lambda row: (-row.payout.payout, row.payout.broker_id))
    return sorted(rows, key=lambda row: (row.need, row.payout.broker_id))


def waiting_payouts() -> QuerySet[Payout]:
    """Payouts with what tells, in the database, whether somebody has to look at them."""
    attempts = Attempt.objects.filter(payout=OuterRef("pk"))
    return Payout.objects.annotate(
        is_held=Exists(open_holds().filter(payout=OuterRef("pk"))),
        is_unknown=Exists(attempts.filter(state=Attempt.State.UNKNOWN)),
        is_refused=Exists(attempts.filter(state=Attempt.State.REJECTED, sent_at__isnull=False)),
    )


def needs_somebody() -> Q:
    """For `waiting_payouts`: the same as a `need` that is not `NOTHING`."""
    return (
        Q(state__in=[_State.PARKED, _State.CALCULATED, _State.PREPARED])
        | Q(state=_State.SENDING, is_unknown=True)
        | Q(state=_State.APPROVED, is_held=True)
        | is_to_be_retried()
    )


def is_to_be_retried() -> Q:
    """For `waiting_payouts`: the same as a `need` of `RETRY`."""
    why = Q(is_refused=True) | ~Q(account_id=F("broker__account_id"))
    return Q(state=_State.APPROVED, is_held=False) & why


def _bounds(numbers: list[int]) -> dict[int, list[tuple[PayoutBound, bool]]]:
    """Each bound, and whether nobody has acknowledged it."""
    said = BoundAcknowledgement.objects.filter(
        payout=OuterRef("payout"), name=OuterRef("name"), value=OuterRef("value")
    )
    found: dict[int, list[tuple[PayoutBound, bool]]] = defaultdict(list)
    rows = PayoutBound.objects.filter(payout__in=numbers).annotate(is_said=Exists(said)).order_by("pk")
    for each in rows:
        found[each.payout_id].append((each, not each.is_said))
    return found


def _grouped(holds: Iterable[PayoutHold]) -> dict[int, list[PayoutHold]]:
    found: dict[int, list[PayoutHold]] = defaultdict(list)
    for each in holds:
        found[each.payout_id].append(each)
    return found


def _payouts_before(payouts: list[Payout]) -> dict[tuple[int, Any], Decimal]:
    months = {_month_before(each) for each in payouts}
    brokers = {each.broker_id for each in payouts}
    rows = Payout.objects.filter(run__month__in=months, broker__in=brokers)
    return {
        (code, month): amount for code, month, amount in rows.values_list("broker_id", "run__month", "payout")
    }


def _month_before(payout: Payout) -> Any:
    month = payout.run.month
    return (
        month.replace(year=month.year - 1, month=12)
        if month.month == 1
        else month.replace(month=month.month - 1)
    )
