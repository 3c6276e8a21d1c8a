"""Void accepted fills of a broker: they count no more, their keys stay taken. Two people do it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256

from django.db import transaction

from payouts.desk import proposals, void_effects, void_selection
from payouts.desk.evidence import NewFile
from payouts.desk.money_models import Proposal, ProposedVoid
from payouts.desk.standing import broker_of
from payouts.desk.void_effects import MonthEffect
from payouts.desk.void_selection import Selected, Selection
from payouts.feed import voiding
from payouts.feed.voiding import AlreadyVoided, Voided
from payouts.money import EXACT, ZERO
from payouts.month import Month
from payouts.monthend.asking_again import ask_again
from payouts.program.models import Broker

__all__ = ["Preview", "Selection", "confirm", "prepare", "preview", "preview_of", "shown"]

_KIND = Proposal.Kind.VOID
#: Fills that a preview lists.
_FIRST = 50


@dataclass(frozen=True, slots=True)
class Preview:
    """What voiding would do; dollars."""

    fills: int
    volume: Decimal
    #: Σ max(fee, 0).
    fees: Decimal
    #: Oldest first.
    months: list[MonthEffect]
    #: The first of the fills, by number.
    first: list[Selected]


def preview(*, broker_code: int, selection: Selection) -> Preview:
    """What voiding a selection would do.

    Refuses `NoSuchBroker`, `NothingSelected`, `TooMany`, `NotVoidable`.
    """
    broker_of(broker_code)
    return _preview(broker_code, void_selection.find(broker_code=broker_code, selection=selection))


def preview_of(proposal_id: int) -> Preview:
    """What confirming would do, as the totals stand now.

    Refuses `NoSuchProposal`, `AlreadyDecided`, `AlreadyVoided`.
    """
    proposal = proposals.prepared(proposal_id, _KIND)
    broker = _broker(proposal)
    return _preview(broker.code, _fills(proposal, broker))


@transaction.atomic
def prepare(
    *,
    broker_code: int,
    selection: Selection,
    note: str,
    evidence: Sequence[NewFile] = (),
    by: int,
    now: datetime,
) -> Proposal:
    """The first person's half: it names the fills one by one, so that none that arrives later is meant.

    Refuses `NoSuchBroker`, `NothingSelected`, `TooMany`, `NotVoidable`, `NotSaid`, and what documents
    refuse.
    """
    broker = broker_of(broker_code)
    fills = void_selection.find(broker_code=broker_code, selection=selection)
    made = proposals.open_(
        kind=_KIND,
        facts=_facts(broker, fills),
        note=note,
        evidence=evidence,
        by=by,
        now=now,
        broker_id=broker_code,
    )
    ProposedVoid.objects.bulk_create(
        ProposedVoid(proposal=made, fill_id=each.id, executed_at=each.executed_at) for each in fills
    )
    return made


def shown(proposal_id: int) -> str:
    """The digest of what its page shows. Refuses `NoSuchProposal`, `AlreadyDecided`, `AlreadyVoided`.

    The fills, what they come to, and which of their months are approved; not the months' totals, which move
    with every fill that arrives.
    """
    proposal = proposals.prepared(proposal_id, _KIND)
    broker = _broker(proposal)
    return proposals.digest(proposal, _facts(broker, _fills(proposal, broker)))


@transaction.atomic
def confirm(*, proposal_id: int, shown: str, by: int, now: datetime) -> Voided:
    """The second person's half: fills and totals at once.

    Months that are not approved are calculated again; an approved month is corrected by the next. Refuses
    `NoSuchProposal`, `AlreadyDecided`, `OwnProposal`, `Changed`, `AlreadyVoided`.
    """
    proposal = proposals.locked(proposal_id, _KIND)
    proposals.must_be_another(proposal, by)
    broker = _broker(proposal)
    fills = _fills(proposal, broker)
    proposals.must_be_shown(proposal, shown, _facts(broker, fills))
    proposals.confirm(proposal, by=by, now=now)
    done = voiding.void([(each.id, each.executed_at) for each in fills], proposal_id=proposal_id, now=now)
    ask_again(broker_code=broker.code, months={each.month for each in fills}, now=now)
    return done


def _broker(proposal: Proposal) -> Broker:
    if proposal.broker is None:
        raise ValueError("a void of nobody")  # a CHECK refuses it
    return proposal.broker


def _fills(proposal: Proposal, broker: Broker) -> list[Selected]:
    named = proposal.proposed_voids.order_by("fill_id").values_list("fill_id", flat=True)
    try:
        return void_selection.find(broker_code=broker.code, selection=Selection(ids=tuple(named)))
    except void_selection.NotVoidable:
        raise AlreadyVoided(
            "Some of these fills were voided by another act: withdraw this and choose again."
        ) from None


def _preview(broker_code: int, fills: Sequence[Selected]) -> Preview:
    return Preview(
        fills=len(fills),
        volume=_volume(fills),
        fees=_fees(fills),
        months=void_effects.of(broker_code=broker_code, fills=fills),
        first=list(fills[:_FIRST]),
    )


def _facts(broker: Broker, fills: Sequence[Selected]) -> proposals.Facts:
    months: list[Month] = sorted({each.month for each in fills})
    return [
        broker.name,
        len(fills),
        sha256(",".join(str(each.id) for each in fills).encode()).hexdigest(),
        _volume(fills),
        _fees(fills),
        [[str(each), void_effects.is_approved(broker_code=broker.code, month=each)] for each in months],
    ]


def _volume(fills: Sequence[Selected]) -> Decimal:
    total = ZERO
    for each in fills:
        total = EXACT.add(total, each.volume)
    return total


def _fees(fills: Sequence[Selected]) -> Decimal:
    total = ZERO
    for each in fills:
        total = EXACT.add(total, max(each.fee, ZERO))
    return total
