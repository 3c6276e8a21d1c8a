"""The demo's money: months that were approved and credited, and what of the last one waits for people."""

from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.db import transaction

from payouts import books
from payouts.desk import adjust, approve, prepare, review, void
from payouts.desk.evidence import NewFile
from payouts.desk.money_models import Proposal
from payouts.desk.void import Selection
from payouts.feed.models import TotalByRate
from payouts.month import Month
from payouts.monthend import actions as monthend
from payouts.monthend import bounds, queries, work
from payouts.monthend.actions import CLOSES_AFTER
from payouts.monthend.models import Payout, PayoutBound, Run
from payouts.settlement import asking, reconciling, sending
from portal.accounts.models import User
from portal.simulator import papers
from portal.simulator.businesses import CODES
from portal.simulator.credit_faults import Fault
from portal.simulator.past import Past, past

#: Whose last credit nobody answered about, whose last month could not be calculated, whose fills were
#: voided after they were approved, and who is to be given something.
UNKNOWN, PARKED, CORRECTED, ADJUSTED = 1500, 2400, 2300, 1400
PREPARER, APPROVER = "preparer@exchange.example", "approver@exchange.example"
#: Months are prepared on the morning of the 2nd and approved in the afternoon.
_MORNING, _AFTERNOON = timedelta(days=1, hours=8, minutes=40), timedelta(days=1, hours=13, minutes=15)
#: How long ago the credit was sent about which nobody answered; longer than a key is safe.
_UNKNOWN_SINCE = timedelta(hours=30)

#: What whoever prepares writes about what is unusual.
_NOTES = {
    bounds.FIRST: "New broker: volume and rates agree with what its application expected.",
    bounds.MEAN: "Growth since its launch in March, spread over many traders. In order.",
    bounds.TIER: "Its volume grew that much within the month; seen day by day.",
    bounds.ONE_TRADER: "Its own market maker, named in its agreement.",
    bounds.ZERO_FEE: "Traders in the market maker program, checked against its list.",
    bounds.LARGE: "One block trade, confirmed by the desk.",
    bounds.QUARANTINED: "Looked through: copies and a symbol that is not priced yet. None of them is owed.",
}
_NOTE = "Opened down to the fills and found in order."


def pay(month: Month, *, now: datetime, credits_file: Path) -> int:
    """Prepare, approve and credit a closed month, each by whom and when it should be; how many were credited.

    Through settlement itself, at the simulated exchange with this list. Nothing of the last month that is
    closed by `now`: that one stays a draft to work on. Nothing at all once the story was told to its end.
    """
    last = _last_closed(now)
    if month >= last or _is_told():
        return 0
    monthend.work_due(clock=lambda: month.ends_at + CLOSES_AFTER)
    # The latest of these months takes one broker longer.
    codes = [code for code in CODES if month.next() != last or code != UNKNOWN]
    with past(begins=month.ends_at, file=credits_file) as there:
        if payouts := _of(month, codes):
            _approve(payouts, prepared_at=month.ends_at + _MORNING, approved_at=month.ends_at + _AFTERNOON)
        there.clock.set_to(month.ends_at + _AFTERNOON + timedelta(seconds=3))
        credited = 0
        # Also what was approved by a seeding that was interrupted.
        while sent := sending.send_due(exchange=there.exchange, clock=there.clock):
            credited += sent
    return credited


def seed(*, now: datetime, credits_file: Path) -> None:
    """Let the rest of the story happen once all months are paid, unless it has: what waits for people."""
    months = [Month.of_date(first) for first in Run.objects.order_by("month").values_list("month", flat=True)]
    if len(months) < 2 or _is_told():
        return
    *paid, draft = months
    monthend.work_due(clock=lambda: now)
    _park(draft, at=min(draft.ends_at + CLOSES_AFTER, now - timedelta(hours=1)))
    _void(paid[-1], at=now - timedelta(days=3))
    monthend.work_due(clock=lambda: now - timedelta(days=3))
    with past(begins=now - _UNKNOWN_SINCE, file=credits_file) as there:
        _is_not_answered(paid[-1], there, at=now - _UNKNOWN_SINCE)
        there.clock.set_to(now - timedelta(minutes=10))
        while reconciling.reconcile_due(exchange=there.exchange, clock=there.clock):
            pass
    _adjust(at=now - timedelta(hours=3))
    books.check(now=now, occasion=f"after the approval of {paid[-1]}")


def _is_told() -> bool:
    """The last of it has happened."""
    return Proposal.objects.filter(kind=Proposal.Kind.ADJUST, broker=ADJUSTED).exists()


def _last_closed(now: datetime) -> Month:
    return Month.of(now - CLOSES_AFTER).previous()


def _of(month: Month, codes: Collection[int]) -> list[Payout]:
    drafts = (Payout.State.CALCULATED, Payout.State.PREPARED)
    rows = Payout.objects.filter(run__month=month.first_date, broker__in=codes, state__in=drafts)
    return list(rows.order_by("broker"))


def _approve(payouts: list[Payout], *, prepared_at: datetime, approved_at: datetime) -> None:
    numbers = [each.pk for each in payouts]
    by = _login(PREPARER)
    for place, bound in enumerate(PayoutBound.objects.filter(payout__in=numbers).order_by("pk")):
        if bound.payout.acknowledgements.filter(name=bound.name, value=bound.value).exists():
            continue  # an interrupted seeding said so
        review.acknowledge(
            payout_id=bound.payout_id,
            name=bound.name,
            value=bound.value,
            note=_NOTES.get(bound.name, _NOTE),
            by=by,
            now=prepared_at - timedelta(seconds=45 * (place + 1)),
        )
    if drafts := [each.pk for each in payouts if each.state == Payout.State.CALCULATED]:
        prepare.prepare(payout_ids=drafts, by=by, now=prepared_at)
    approve.approve(payout_ids=numbers, shown=approve.shown(numbers), by=_login(APPROVER), now=approved_at)
    # Approving a month may have drafts of later ones calculated again.
    monthend.work_due(clock=lambda: approved_at + timedelta(seconds=1))


def _park(month: Month, *, at: datetime) -> None:
    """A worker was killed each time that it came to one broker: the sixth does not try any more."""
    run = queries.run_of(month)
    if run is None or not _of(month, [PARKED]):
        return
    work.ask(run_id=run.pk, now=at, broker_codes=[PARKED])
    for _ in range(work.MOST_ATTEMPTS):
        work.claim(run_id=run.pk, now=at, most=1)
        at += work.LEASE * (work.MOST_ATTEMPTS + 1)
    monthend.work_due(clock=lambda: at)


@transaction.atomic
def _void(month: Month, *, at: datetime) -> None:
    """The fills of one trader, after they were credited: the draft of the month after it corrects that."""
    totals = TotalByRate.objects.filter(month=month.first_date, broker_code=CORRECTED, fees__gt=0)
    traders = list(totals.order_by("fees", "trader").values_list("trader", flat=True))
    if not traders or Proposal.objects.filter(kind=Proposal.Kind.VOID, broker=CORRECTED).exists():
        return
    proposal = void.prepare(
        broker_code=CORRECTED,
        selection=Selection(
            trader=traders[len(traders) // 2], starts_at=month.starts_at, ends_at=month.ends_at
        ),
        note="An account of our own monitoring traded under this code: its fills earn no rebate.",
        by=_login(PREPARER),
        now=at - timedelta(hours=2),
    )
    void.confirm(proposal_id=proposal.pk, shown=void.shown(proposal.pk), by=_login(APPROVER), now=at)


def _is_not_answered(month: Month, there: Past, *, at: datetime) -> None:
    """One credit: the line broke before the exchange heard of it, and stayed broken until the key was old."""
    payouts = _of(month, [UNKNOWN])
    if payouts:
        _approve(payouts, prepared_at=at - timedelta(hours=3), approved_at=at)
    there.clock.set_to(at + timedelta(seconds=3))
    there.faults.will(Fault.RESET_BEFORE)
    sending.send_due(exchange=there.exchange, clock=there.clock)
    for minutes in (1, 9, 25):
        there.clock.set_to(at + timedelta(minutes=minutes))
        there.faults.will(Fault.DOWN, on="lookup")
        asking.ask_due(exchange=there.exchange, clock=there.clock)
    there.clock.set_to(at + timedelta(hours=20, minutes=12))
    asking.ask_due(exchange=there.exchange, clock=there.clock)


def _adjust(*, at: datetime) -> None:
    adjust.prepare(
        broker_code=ADJUSTED,
        amount=Decimal("180.00"),
        text="Refund of the fee for a second integration review",
        note="Charged twice in the spring; the invoice and its copy are attached.",
        evidence=[NewFile("invoice.pdf", "application/pdf", papers.empty_pdf())],
        by=_login(PREPARER),
        now=at,
    )


def _login(email: str) -> int:
    return User.objects.values_list("pk", flat=True).get(email=email)
