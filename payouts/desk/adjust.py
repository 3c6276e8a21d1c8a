"""Adjust what a broker is owed, by a signed amount that no fill explains, with a document: by two people."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from payouts.desk import proposals
from payouts.desk.evidence import NewFile
from payouts.desk.money_models import Adjustment, Proposal
from payouts.desk.standing import broker_of
from payouts.desk.wording import must_say
from payouts.ledger import actions as ledger
from payouts.ledger import entries
from payouts.money import to_cents
from payouts.refusal import Refusal

_KIND = Proposal.Kind.ADJUST
#: Characters of the line that the broker reads on its statement.
LONGEST_LINE = 300
#: Dollars: more than any month of any program, and no slip of the keyboard passes.
MOST = Decimal(1_000_000_000)


class NotAnAdjustment(Refusal):
    """An adjustment is whole cents, not 0.00, and no absurd amount."""


class NoDocument(Refusal):
    """An adjustment has a document: no fill explains it."""


@transaction.atomic
def prepare(
    *,
    broker_code: int,
    amount: Decimal,
    text: str,
    note: str,
    evidence: Sequence[NewFile],
    by: int,
    now: datetime,
) -> Proposal:
    """The first person's half. `amount` in dollars: above zero is given to the broker, below it taken.

    `text` is its line on the next statement, `note` is for staff. Refuses `NoSuchBroker`,
    `NotAnAdjustment`, `NoDocument`, `NotSaid`, and what documents refuse.
    """
    broker = broker_of(broker_code)
    amount = _must_be_an_amount(amount)
    text = must_say(text, what="the line for the statement", longest=LONGEST_LINE)
    if not evidence:
        raise NoDocument("Add the document that says why: an adjustment is never made without one.")
    return proposals.open_(
        kind=_KIND,
        facts=[broker.name],
        note=note,
        evidence=evidence,
        by=by,
        now=now,
        broker_id=broker_code,
        amount=amount,
        text=text,
    )


def shown(proposal_id: int) -> str:
    """The digest of what its page shows. Refuses `NoSuchProposal`, `AlreadyDecided`."""
    proposal = proposals.prepared(proposal_id, _KIND)
    return proposals.digest(proposal, _facts(proposal))


@transaction.atomic
def confirm(*, proposal_id: int, shown: str, by: int, now: datetime) -> Adjustment:
    """The second person's half: it is booked, and shown on the next statement that is approved.

    A payout of the broker that is prepared has to be prepared anew: what it makes payable has changed.
    Refuses `NoSuchProposal`, `AlreadyDecided`, `OwnProposal`, `Changed`.
    """
    proposal = proposals.locked(proposal_id, _KIND)
    proposals.must_be_another(proposal, by)
    proposals.must_be_shown(proposal, shown, _facts(proposal))
    if proposal.broker_id is None or proposal.amount is None:
        raise ValueError("an adjustment of nobody, or of nothing")  # a CHECK refuses it
    ledger.one_at_a_time(proposal.broker_id)
    proposals.confirm(proposal, by=by, now=now)
    made = Adjustment.objects.create(
        proposal=proposal,
        broker_id=proposal.broker_id,
        amount=proposal.amount,
        text=proposal.text,
        at=now,
    )
    ledger.post(
        kind="adjustment",
        broker_code=proposal.broker_id,
        postings=entries.adjustment(proposal.amount),
        reference=f"proposal:{proposal.pk}",
        at=now,
        by=by,
        note=proposal.text,
    )
    return made


def _facts(proposal: Proposal) -> proposals.Facts:
    return [proposal.broker and proposal.broker.name]


def _must_be_an_amount(amount: Decimal) -> Decimal:
    if not amount.is_finite() or abs(amount) > MOST:
        raise NotAnAdjustment(f"An adjustment is at most {MOST:,} USD: correct the amount.")
    if amount != to_cents(amount):
        raise NotAnAdjustment("An adjustment is whole cents: correct the amount.")
    if not amount:
        raise NotAnAdjustment("An adjustment of 0.00 USD changes nothing: correct the amount.")
    return to_cents(amount)
