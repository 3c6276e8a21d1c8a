"""Forfeit a payout that was approved and not sent, held or not: two people do it, with a reason."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from payouts.desk import proposals
from payouts.desk.cases import entry
from payouts.desk.evidence import NewFile
from payouts.desk.hold import to_be_sent
from payouts.desk.models import CaseEntry, PayoutHold
from payouts.desk.money_models import PayoutRelease, Proposal
from payouts.desk.standing import one_at_a_time
from payouts.desk.wording import must_say
from payouts.ledger import actions as ledger
from payouts.ledger import entries
from payouts.money import two_places
from payouts.month import Month
from payouts.monthend.asking_again import ask_for_later_drafts
from payouts.monthend.models import Payout
from payouts.refusal import Refusal

_KIND = Proposal.Kind.FORFEIT
#: Characters of what the broker reads.
_LONGEST = 300


class NoSuchPayout(Refusal):
    """There is no payout with this number."""


class NotForfeitable(Refusal):
    """Only what is approved, more than nothing and not sent can be forfeited."""


@transaction.atomic
def prepare(
    *,
    payout_id: int,
    note: str,
    text: str = "",
    evidence: Sequence[NewFile] = (),
    by: int,
    now: datetime,
) -> Proposal:
    """The first person's half. `note` is the reason, for staff; `text` what the broker reads, if anything.

    Refuses `NoSuchPayout`, `NotForfeitable`, `NotSaid`, `AlreadyPrepared`, and what documents refuse.
    """
    payout = _payout(payout_id)
    _must_be_possible(payout)
    if text:
        text = must_say(text, what="what the broker is told", longest=_LONGEST)
    return proposals.open_(
        kind=_KIND,
        facts=_facts(payout),
        note=note,
        evidence=evidence,
        by=by,
        now=now,
        broker_id=payout.broker_id,
        payout_id=payout_id,
        text=text,
    )


def shown(proposal_id: int) -> str:
    """The digest of what its page shows. Refuses `NoSuchProposal`, `AlreadyDecided`."""
    proposal = proposals.prepared(proposal_id, _KIND)
    return proposals.digest(proposal, _facts(_payout(proposal.payout_id)))


@transaction.atomic
def confirm(*, proposal_id: int, shown: str, by: int, now: datetime) -> Payout:
    """The second person's half: the broker is never paid it, and no case holds it any more.

    Refuses `NoSuchProposal`, `AlreadyDecided`, `OwnProposal`, `Changed`, `NotForfeitable`.
    """
    proposal = proposals.locked(proposal_id, _KIND)
    proposals.must_be_another(proposal, by)
    one_at_a_time(_payout(proposal.payout_id).broker_id)
    payout = _payout(proposal.payout_id, alone=True)
    _must_be_possible(payout)
    proposals.must_be_shown(proposal, shown, _facts(payout))
    proposals.confirm(proposal, by=by, now=now)
    amount = to_be_sent(payout)
    holds = _open_holds(payout)
    ledger.one_at_a_time(payout.broker_id)
    ledger.post(
        kind="forfeit",
        broker_code=payout.broker_id,
        postings=entries.forfeit(amount, was_held=bool(holds)),
        reference=f"payout:{payout.pk}",
        at=now,
        by=by,
        note=proposal.note,
    )
    payout.state = Payout.State.FORFEITED
    payout.save(update_fields=["state"])
    for each in holds:
        PayoutRelease.objects.create(
            hold=each, proposal=proposal, mode=PayoutRelease.Mode.FORFEITED, released_at=now
        )
        entry(each.case, CaseEntry.Kind.FORFEITED, by=by, now=now, text=_told(payout, amount, proposal.note))
    # A draft may carry a correction of the month, which nobody is paid for any more.
    ask_for_later_drafts(broker_code=payout.broker_id, after=Month.of_date(payout.run.month), now=now)
    return payout


def _payout(payout_id: int | None, *, alone: bool = False) -> Payout:
    rows = Payout.objects.select_related("run", "broker")
    if alone:
        rows = rows.select_for_update(of=("self",))
    found = None if payout_id is None else rows.filter(pk=payout_id).first()
    if found is None:
        raise NoSuchPayout("There is no such payout: choose one from the month's page.")
    return found


def _open_holds(payout: Payout) -> list[PayoutHold]:
    open_ = PayoutHold.objects.filter(payout=payout, release__isnull=True)
    return list(open_.select_related("case").order_by("pk"))


def _must_be_possible(payout: Payout) -> None:
    if payout.state == Payout.State.APPROVED:
        return
    if payout.approved_at is None:
        raise NotForfeitable("This payout is not approved yet: have it approved first, then forfeit it.")
    if payout.state == Payout.State.SENDING:
        raise NotForfeitable("This payout is being sent: only if the credit is rejected can it be forfeited.")
    raise NotForfeitable(f"This payout is {payout.get_state_display()}: there is nothing to forfeit.")


def _facts(payout: Payout) -> proposals.Facts:
    return [
        payout.broker.name,
        payout.account_id,
        payout.state,
        str(Month.of_date(payout.run.month)),
        to_be_sent(payout),
        [[each.pk, each.case_id] for each in _open_holds(payout)],
    ]


def _told(payout: Payout, amount: Decimal, note: str) -> str:
    return f"{Month.of_date(payout.run.month)}: {two_places(amount)} USD.\n{note}"
