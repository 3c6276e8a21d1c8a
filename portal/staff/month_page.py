"""A month at a glance: its state, its totals beside those of the ledger, and how far a calculation is."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import reduce
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payouts.ledger.models import BooksCheck, Entry
from payouts.money import EXACT, ZERO
from payouts.month import Month
from payouts.monthend.models import Correction, Payout, Run, WorkItem
from payouts.monthend.snapshot import one_snapshot
from portal.accounts.staff_roles import Act
from portal.staff import month_rows
from portal.staff.month_rows import Row

_State = Payout.State
#: Derived state of a month → its words, and how its badge looks.
STATES: dict[str, tuple[Any, str]] = {
    "working": (gettext_lazy("being calculated"), "warn"),
    "parked": (gettext_lazy("some are parked"), "risk-high"),
    "calculated": (gettext_lazy("to be prepared"), "warn"),
    "prepared": (gettext_lazy("to be approved"), "warn"),
    "sending": (gettext_lazy("being sent"), "warn"),
    "settled": (gettext_lazy("settled"), "on"),
    "empty": (gettext_lazy("no payouts"), ""),
}


@dataclass(frozen=True, slots=True)
class Totals:
    """Dollars in whole cents over the payouts of a month; what is set at preparing counts from then on."""

    payouts: Decimal
    corrections: Decimal
    carried: Decimal
    adjustments: Decimal
    due: Decimal
    withheld: Decimal
    credited: Decimal
    forfeited: Decimal
    #: Of payouts that are approved and wait for their holds, or are on their way.
    on_the_way: Decimal
    not_prepared: Decimal
    before: Decimal | None

    @property
    def less_not_prepared(self) -> Decimal:
        return EXACT.minus(self.not_prepared)

    @property
    def change(self) -> Decimal | None:
        return None if self.before is None else EXACT.subtract(self.payouts, self.before)


@dataclass(frozen=True, slots=True)
class Tie:
    """A sum of the payouts and the ledger's own sum of the same; they are equal or something is wrong."""

    what: str
    of_payouts: Decimal
    of_ledger: Decimal

    @property
    def is_equal(self) -> bool:
        return self.of_payouts == self.of_ledger


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of a run's brokers are calculated."""

    done: int
    parked: int
    left: int

    @property
    def counted(self) -> int:
        return self.done + self.parked

    @property
    def all(self) -> int:
        return self.counted + self.left

    @property
    def is_working(self) -> bool:
        return self.left > 0


def progress_of(run: Run) -> Progress:
    states = dict(run.items.values_list("state").annotate(number=Count("pk")).order_by())
    return Progress(
        done=states.get(WorkItem.State.DONE, 0),
        parked=states.get(WorkItem.State.PARKED, 0),
        left=states.get(WorkItem.State.DUE, 0) + states.get(WorkItem.State.WORKING, 0),
    )


def state_of(*, working: int, parked: int, calculated: int, prepared: int, under_way: int, all_: int) -> str:
    """The state of a run is nowhere stored: it follows from the states of its payouts."""
    if working:
        return "working"
    if not all_:
        return "empty"
    if parked:
        return "parked"
    if calculated:
        return "calculated"
    if prepared:
        return "prepared"
    return "sending" if under_way else "settled"


def with_counts(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Runs with the numbers that their state follows from, and their totals."""
    held = Q(payouts__in=Payout.objects.filter(holds__in=month_rows.open_holds()))
    under_way = Q(payouts__state=_State.SENDING) | (Q(payouts__state=_State.APPROVED) & ~held)

    left = WorkItem.objects.filter(run=OuterRef("pk"), state__in=[WorkItem.State.DUE, WorkItem.State.WORKING])

    def number(which: Q) -> Count:
        return Count("payouts", filter=which, distinct=True)

    return runs.annotate(
        brokers=Count("payouts", distinct=True),
        parked=number(Q(payouts__state=_State.PARKED)),
        calculated=number(Q(payouts__state=_State.CALCULATED)),
        prepared=number(Q(payouts__state=_State.PREPARED)),
        under_way=number(under_way),
        held=number(held),
        left=Exists(left),
    )


@one_snapshot()
def page(run: Run, *, login: Any, acts: set[Act], wanted: str, order: str, now: datetime) -> dict[str, Any]:
    """Everything that the page of a month shows, of one instant, so that its sums tie."""
    rows = month_rows.rows_of(month_rows.payouts_of(run), login=login)
    progress = progress_of(run)
    totals = totals_of(run, rows)
    check = BooksCheck.objects.order_by("-checked_at", "-pk").first()
    shown = month_rows.in_order((row for row in rows if month_rows.is_shown(row, wanted)), order)
    state = state_of(
        working=progress.left,
        parked=sum(row.payout.state == _State.PARKED for row in rows),
        calculated=sum(row.payout.state == _State.CALCULATED for row in rows),
        prepared=sum(row.payout.state == _State.PREPARED for row in rows),
        under_way=sum(
            row.payout.state == _State.SENDING or (row.payout.state == _State.APPROVED and not row.holds)
            for row in rows
        ),
        all_=len(rows),
    )
    choosable = any(row.can_be_chosen for row in shown)
    return {
        "run": run,
        "month": Month.of_date(run.month),
        "state": STATES[state],
        "progress": progress,
        "rows": rows,
        "shown": shown,
        "filters": [
            (word, label, sum(month_rows.is_shown(row, word) for row in rows), word == wanted)
            for word, label in month_rows.FILTERS.items()
        ],
        "wanted": wanted,
        "order": order,
        "orders": [
            ("", _("needs somebody first"), order == ""),
            ("code", _("code"), order == "code"),
            ("payout", _("payout"), order == "payout"),
        ],
        "totals": totals,
        "ties": ties_of(rows),
        "balances": balances_of(rows),
        "check": check,
        "now": now,
        "can_prepare": Act.PREPARE_PAYOUTS in acts,
        "can_approve": Act.APPROVE_PAYOUTS in acts,
        "can_recalculate": Act.RECALCULATE in acts,
        "can_take_pack": Act.TAKE_PACK in acts,
        "can_choose": choosable and bool(acts & {Act.PREPARE_PAYOUTS, Act.APPROVE_PAYOUTS}),
        "to_prepare": sum(row.payout.state == _State.CALCULATED and not row.is_own for row in rows),
        "to_approve": sum(
            row.payout.state == _State.PREPARED
            and not row.is_own
            and not row.open_bounds
            and row.payout.prepared_by_id != login.pk
            for row in rows
        ),
    }


def totals_of(run: Run, rows: list[Row]) -> Totals:
    before = Payout.objects.filter(run__month=Month.of_date(run.month).previous().first_date)
    payouts = [row.payout for row in rows]
    ready = [each for each in payouts if each.due is not None]
    return Totals(
        payouts=added(each.payout for each in payouts),
        corrections=added(each.corrections for each in payouts),
        carried=added(each.carried or ZERO for each in ready),
        adjustments=added(each.adjustments or ZERO for each in ready),
        due=added(each.due or ZERO for each in ready),
        withheld=added(each.withheld for each in payouts),
        credited=added(_sent(each) for each in ready if each.state == _State.CREDITED),
        forfeited=added(_sent(each) for each in ready if each.state == _State.FORFEITED),
        on_the_way=added(_sent(each) for each in ready if each.state in (_State.APPROVED, _State.SENDING)),
        not_prepared=added(EXACT.add(each.payout, each.corrections) for each in payouts if each.due is None),
        before=before.aggregate(total=Sum("payout"))["total"],
    )


def ties_of(rows: list[Row]) -> list[Tie]:
    """What approved payouts say was earned, corrected and credited, beside what the ledger has booked."""
    approved = {row.payout.pk: row.payout for row in rows if row.payout.approved_at is not None}
    corrected = Correction.objects.filter(payout__in=approved).values_list("payout_id", "month")
    names = [f"payout:{number}" for number in approved]
    names += [f"payout:{number}:{month:%Y-%m}" for number, month in corrected]
    entries = (
        Entry.objects.filter(
            Q(transaction__reference__in=names) | Q(transaction__reverses__reference__in=names),
            account=Entry.Account.OWED,
        )
        .annotate(what=Coalesce("transaction__reverses__kind", "transaction__kind"))
        .values_list("what")
        .annotate(total=Sum("amount"))
        .order_by()
    )
    booked = dict(entries)
    paid = [each for each in approved.values() if each.state == _State.CREDITED]
    return [
        Tie(
            _("Earned, of approved payouts"),
            added(each.payout for each in approved.values()),
            booked.get("accrual", ZERO),
        ),
        Tie(
            _("Corrections, of approved payouts"),
            added(each.corrections for each in approved.values()),
            booked.get("correction", ZERO),
        ),
        Tie(_("Credited"), added(_sent(each) for each in paid), EXACT.minus(booked.get("credit", ZERO))),
    ]


def balances_of(rows: list[Row]) -> dict[str, Decimal]:
    """What the ledger says is owed to the brokers of these rows, and held from them, over all months."""
    entries = Entry.objects.filter(broker__in={row.payout.broker_id for row in rows})
    found = dict(entries.values_list("account").annotate(total=Sum("amount")).order_by())
    return {
        "owed": found.get(Entry.Account.OWED, ZERO),
        "held": found.get(Entry.Account.HELD, ZERO),
    }


def added(amounts: Any) -> Decimal:
    return reduce(EXACT.add, amounts, ZERO)


def _sent(payout: Payout) -> Decimal:
    return EXACT.subtract(payout.due or ZERO, payout.withheld)
