"""What staff do by acts of two people about money: the role, whose business it is, then the desk's own act.

The first person prepares with a note and documents, the second confirms exactly what the page showed. The
desk's refusals come through as they are.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from payouts.desk import adjust as desk_adjust
from payouts.desk import forfeit as desk_forfeit
from payouts.desk import proposals
from payouts.desk import release as desk_release
from payouts.desk import resolve as desk_resolve
from payouts.desk import void as desk_void
from payouts.desk.evidence import NewFile
from payouts.desk.models import PayoutHold
from payouts.desk.money_models import Proposal
from payouts.desk.void import Selection
from payouts.monthend.models import Payout
from payouts.settlement.models import Attempt, Difference
from portal.accounts.staff_roles import Act, may, must_be_allowed
from portal.staff.own import must_not_be_own

#: Kind → the desk's module that shows and confirms it.
_DESK: dict[str, Any] = {
    Proposal.Kind.RELEASE: desk_release,
    Proposal.Kind.FORFEIT: desk_forfeit,
    Proposal.Kind.VOID: desk_void,
    Proposal.Kind.ADJUST: desk_adjust,
    Proposal.Kind.RESOLVE: desk_resolve,
    Proposal.Kind.DIFFERENCE: desk_resolve,
}


def release(
    *, hold_id: int, mode: str, note: str, evidence: Sequence[NewFile], by: Any, now: datetime
) -> Proposal:
    """Prepare the release of a held payout. Refuses `NotYourRole`, `OwnBroker`."""
    held = PayoutHold.objects.select_related("payout").filter(pk=hold_id).first()
    _may_prepare(by, None if held is None else held.payout.broker_id)
    return desk_release.prepare(hold_id=hold_id, mode=mode, note=note, evidence=evidence, by=by.pk, now=now)


def forfeit(
    *, payout_id: int, text: str, note: str, evidence: Sequence[NewFile], by: Any, now: datetime
) -> Proposal:
    """Prepare that a payout is never paid. Refuses `NotYourRole`, `OwnBroker`."""
    _may_prepare(by, Payout.objects.filter(pk=payout_id).values_list("broker_id", flat=True).first())
    return desk_forfeit.prepare(
        payout_id=payout_id, text=text, note=note, evidence=evidence, by=by.pk, now=now
    )


def void(
    *,
    broker_code: int,
    selection: Selection,
    note: str,
    evidence: Sequence[NewFile],
    by: Any,
    now: datetime,
) -> Proposal:
    """Prepare that fills count no more. Refuses `NotYourRole`, `OwnBroker`."""
    _may_prepare(by, broker_code)
    return desk_void.prepare(
        broker_code=broker_code, selection=selection, note=note, evidence=evidence, by=by.pk, now=now
    )


def adjust(
    *,
    broker_code: int,
    amount: Decimal,
    text: str,
    note: str,
    evidence: Sequence[NewFile],
    by: Any,
    now: datetime,
) -> Proposal:
    """Prepare an adjustment of what a broker is owed. Refuses `NotYourRole`, `OwnBroker`."""
    _may_prepare(by, broker_code)
    return desk_adjust.prepare(
        broker_code=broker_code,
        amount=amount,
        text=text,
        note=note,
        evidence=evidence,
        by=by.pk,
        now=now,
    )


def resolve(
    *,
    attempt_id: int,
    mode: str,
    credit_id: str,
    note: str,
    evidence: Sequence[NewFile],
    by: Any,
    now: datetime,
) -> Proposal:
    """Prepare what became of an unknown credit. Refuses `NotYourRole`, `OwnBroker`."""
    _may_prepare(by, Attempt.objects.filter(pk=attempt_id).values_list("payout__broker", flat=True).first())
    return desk_resolve.prepare(
        attempt_id=attempt_id,
        mode=mode,
        credit_id=credit_id,
        note=note,
        evidence=evidence,
        by=by.pk,
        now=now,
    )


def resolve_difference(
    *, difference_id: int, note: str, evidence: Sequence[NewFile], by: Any, now: datetime
) -> Proposal:
    """Prepare the end of a difference with the exchange's list. Refuses `NotYourRole`, `OwnBroker`."""
    _may_prepare(by, Difference.objects.filter(pk=difference_id).values_list("broker", flat=True).first())
    return desk_resolve.prepare_difference(
        difference_id=difference_id, note=note, evidence=evidence, by=by.pk, now=now
    )


def shown(proposal: Proposal) -> str:
    """The digest of what the page of an act shows."""
    digest: str = _DESK[proposal.kind].shown(proposal.pk)
    return digest


def confirm(*, proposal_id: int, shown: str, by: Any, now: datetime) -> None:
    """The second person's half; `shown` is the digest of what the page showed.

    Refuses `NotYourRole`, `OwnBroker`.
    """
    must_be_allowed(by, Act.CONFIRM_MONEY)
    proposal = proposals.found(proposal_id)
    if proposal.broker_id is not None:
        must_not_be_own(by, proposal.broker_id)
    _DESK[proposal.kind].confirm(proposal_id=proposal_id, shown=shown, by=by.pk, now=now)


def withdraw(*, proposal_id: int, note: str, by: Any, now: datetime) -> None:
    """Take back an act that nobody has confirmed; who prepares or confirms such acts may.

    Refuses `NotYourRole`, `OwnBroker`.
    """
    if not may(by, Act.CONFIRM_MONEY):
        must_be_allowed(by, Act.PREPARE_MONEY)
    proposal = proposals.found(proposal_id)
    if proposal.broker_id is not None:
        must_not_be_own(by, proposal.broker_id)
    proposals.withdraw(proposal_id=proposal_id, note=note, by=by.pk, now=now)


def _may_prepare(by: Any, broker_code: int | None) -> None:
    must_be_allowed(by, Act.PREPARE_MONEY)
    if broker_code is not None:
        must_not_be_own(by, broker_code)
