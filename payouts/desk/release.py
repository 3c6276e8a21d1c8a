"""Release a payout that a case holds, in full or without the suspended days: two people do it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from django.db import transaction
from django.db.models import Q

from payouts.desk import proposals, suspended_part
from payouts.desk.cases import entry
from payouts.desk.evidence import NewFile
from payouts.desk.models import CaseEntry, PayoutHold
from payouts.desk.money_models import PayoutRelease, Proposal
from payouts.desk.standing import one_at_a_time
from payouts.ledger import actions as ledger
from payouts.ledger import entries
from payouts.ledger.entries import Kind, Posting
from payouts.money import EXACT, ZERO, two_places
from payouts.month import Month
from payouts.monthend.asking_again import ask_for_later_drafts
from payouts.monthend.models import Payout
from payouts.program.models import StandingChange, StandingRange
from payouts.refusal import Refusal

Mode = Literal["in full", "without suspended days"]
IN_FULL: Mode = "in full"
WITHOUT: Mode = "without suspended days"

_KIND = Proposal.Kind.RELEASE


class NoSuchHold(Refusal):
    """There is no hold with this number."""


class NotAMode(Refusal):
    """A payout is released in full or without the suspended days."""


class AlreadyReleased(Refusal):
    """A hold ends once."""


class NotApprovedYet(Refusal):
    """The payout is not approved: what it is worth is not certain before."""


class SuspensionGoesOn(Refusal):
    """A suspension of the hold's case is in force or planned."""


class NothingToWithhold(Refusal):
    """Nothing of the payout is to be sent, so nothing can be left out of it."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a release would do; dollars."""

    hold_id: int
    payout_id: int
    month: Month
    mode: str
    #: What is left of the payout to be sent before the release; cents.
    due: Decimal
    #: Fills of suspended days that would stay unpaid, of this case and of those released so before.
    fills: int
    volume: Decimal
    fees: Decimal
    #: What they earned, exact, and what of it this release would withhold, in cents.
    suspended: Decimal
    withheld: Decimal
    #: What is left to be sent after it; nothing or less is carried.
    remains: Decimal
    #: Other cases that hold the payout: nothing is sent before they release it too.
    still_held_by: list[int]


def preview(*, hold_id: int, mode: str) -> Preview:
    """What releasing a hold would do. Refuses `NoSuchHold`, `NotAMode`, `AlreadyReleased`."""
    if mode not in (IN_FULL, WITHOUT):
        raise NotAMode(f"{mode} is no way to release a payout: choose “{IN_FULL}” or “{WITHOUT}”.")
    return _preview(_open_hold(hold_id), mode)


@transaction.atomic
def prepare(
    *,
    hold_id: int,
    mode: str,
    note: str,
    evidence: Sequence[NewFile] = (),
    by: int,
    now: datetime,
) -> Proposal:
    """The first person's half. `mode` is "in full" or "without suspended days", which keeps the month's tier.

    Refuses `NoSuchHold`, `NotAMode`, `AlreadyReleased`, `NotApprovedYet`, `SuspensionGoesOn`,
    `NothingToWithhold`, `NotSaid`, `AlreadyPrepared`, and what documents refuse.
    """
    found = preview(hold_id=hold_id, mode=mode)
    hold = _open_hold(hold_id)
    _must_be_possible(hold, mode, now)
    return proposals.open_(
        kind=_KIND,
        facts=_facts(hold, found),
        note=note,
        evidence=evidence,
        by=by,
        now=now,
        broker_id=hold.payout.broker_id,
        payout_id=hold.payout_id,
        hold_id=hold_id,
        mode=mode,
    )


def shown(proposal_id: int) -> str:
    """The digest of what its page shows. Refuses `NoSuchProposal`, `AlreadyDecided`, `AlreadyReleased`."""
    proposal = proposals.prepared(proposal_id, _KIND)
    return proposals.digest(proposal, _facts_of(proposal))


@transaction.atomic
def confirm(*, proposal_id: int, shown: str, by: int, now: datetime) -> PayoutRelease:
    """The second person's half: the case holds the payout no more.

    What the suspended days earned is forfeited, if it is released without them; and once no case holds it,
    the rest is owed again, and sent. Of a payout with nothing left to send the rest is carried. Refuses
    `NoSuchProposal`, `AlreadyDecided`, `OwnProposal`, `Changed`, `AlreadyReleased`, `NotApprovedYet`,
    `SuspensionGoesOn`, `NothingToWithhold`.
    """
    proposal = proposals.locked(proposal_id, _KIND)
    proposals.must_be_another(proposal, by)
    one_at_a_time(_must(proposal.broker_id))
    Payout.objects.select_for_update().get(pk=_must(proposal.payout_id))
    hold = _open_hold(_must(proposal.hold_id))
    _must_be_possible(hold, proposal.mode, now)
    found = _preview(hold, proposal.mode)
    proposals.must_be_shown(proposal, shown, _facts(hold, found))
    proposals.confirm(proposal, by=by, now=now)
    made = PayoutRelease.objects.create(
        hold=hold,
        proposal=proposal,
        mode=proposal.mode,
        withheld=found.withheld,
        suspended=found.suspended,
        released_at=now,
    )
    _book(hold, found, by=by, now=now)
    if found.withheld:
        # A draft may carry a correction of the month, made while its suspended days were paid.
        ask_for_later_drafts(broker_code=hold.payout.broker_id, after=found.month, now=now)
    entry(hold.case, CaseEntry.Kind.RELEASED, by=by, now=now, text=_told(found, proposal.note))
    return made


def _book(hold: PayoutHold, found: Preview, *, by: int, now: datetime) -> None:
    payout = hold.payout
    if payout.state != Payout.State.APPROVED:
        return  # nothing of it was ever moved: it was carried, or there was nothing
    is_carried = found.remains <= 0
    if found.withheld:
        payout.withheld = EXACT.add(payout.withheld, found.withheld)
        payout.state = Payout.State.CARRIED if is_carried else Payout.State.APPROVED
        payout.save(update_fields=["withheld", "state"])

    def post(kind: Kind, postings: list[Posting]) -> None:
        ledger.post(
            kind=kind,
            broker_code=payout.broker_id,
            postings=postings,
            reference=f"payout:{payout.pk}:hold:{hold.pk}",
            at=now,
            by=by,
        )

    ledger.one_at_a_time(payout.broker_id)
    if is_carried:
        # More is withheld than was held, or all of it: what is held becomes what is owed, and is carried.
        post("release", entries.release(found.due))
        post("forfeit", entries.forfeit(found.withheld, was_held=False))
        return
    post("forfeit", entries.forfeit(found.withheld, was_held=True))
    if not found.still_held_by:
        post("release", entries.release(found.remains))


def _open_hold(hold_id: int) -> PayoutHold:
    row = (
        PayoutHold.objects.select_related("payout__run", "payout__broker", "case", "release")
        .filter(pk=hold_id)
        .first()
    )
    if row is None:
        raise NoSuchHold("There is no such hold: choose one from the payout's page.")
    ended: PayoutRelease | None = getattr(row, "release", None)
    if ended is None:
        return row
    if ended.mode == PayoutRelease.Mode.FORFEITED:
        raise AlreadyReleased(
            f"This payout was forfeited on {ended.released_at:%Y-%m-%d}: nothing is left to release."
        )
    raise AlreadyReleased(
        f"This case released the payout {ended.mode} on {ended.released_at:%Y-%m-%d}: a hold ends once."
    )


def _must_be_possible(hold: PayoutHold, mode: str, now: datetime) -> None:
    payout = hold.payout
    if payout.approved_at is None:
        raise NotApprovedYet(
            "This payout is not approved yet: have it approved first. Nothing is sent while a case holds it."
        )
    in_force = StandingRange.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=now),
        change__case=hold.case_id,
        kind=StandingChange.Kind.SUSPENDED,
    )
    if in_force.exists():
        raise SuspensionGoesOn("The suspension of this case is in force or planned: lift it first.")
    if mode == WITHOUT and payout.state != Payout.State.APPROVED:
        raise NothingToWithhold(
            "Nothing of this payout is to be sent, so nothing can be left out of it: release it in full, and"
            " adjust the broker's ledger if it is owed too much."
        )


def _preview(hold: PayoutHold, mode: str) -> Preview:
    payout = hold.payout
    due = EXACT.subtract(payout.due or ZERO, payout.withheld)
    others = PayoutHold.objects.filter(payout=payout).exclude(pk=hold.pk)
    if mode == WITHOUT:
        before = others.filter(release__mode=PayoutRelease.Mode.WITHOUT)
        part = suspended_part.of(payout, cases=[hold.case_id, *before.values_list("case_id", flat=True)])
        withheld = suspended_part.to_withhold(payout, part.amount)
    else:
        part, withheld = suspended_part.NOTHING, ZERO
    return Preview(
        hold_id=hold.pk,
        payout_id=payout.pk,
        month=Month.of_date(payout.run.month),
        mode=mode,
        due=due,
        fills=part.fills,
        volume=part.volume,
        fees=part.fees,
        suspended=part.amount,
        withheld=withheld,
        remains=EXACT.subtract(due, withheld),
        still_held_by=sorted(others.filter(release__isnull=True).values_list("case_id", flat=True)),
    )


def _facts_of(proposal: Proposal) -> proposals.Facts:
    hold = _open_hold(_must(proposal.hold_id))
    return _facts(hold, _preview(hold, proposal.mode))


def _facts(hold: PayoutHold, found: Preview) -> proposals.Facts:
    payout = hold.payout
    return [
        payout.broker.name,
        payout.broker.account_id,
        payout.account_id,
        payout.state,
        hold.case_id,
        str(found.month),
        found.due,
        found.fills,
        found.volume,
        found.fees,
        found.suspended,
        found.withheld,
        found.remains,
        found.still_held_by,
    ]


def _told(found: Preview, note: str) -> str:
    text = f"{found.month}: {two_places(found.due)} USD, {found.mode}"
    if found.mode == WITHOUT:
        text += f", {two_places(found.withheld)} USD withheld for {found.fills} fills of suspended days"
    return f"{text}.\n{note}"


def _must(number: int | None) -> int:
    """A CHECK sees to it that a release names its broker, payout and hold."""
    if number is None:
        raise ValueError("a release without a broker or a hold")
    return number
