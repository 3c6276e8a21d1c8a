"""Two people decide what the exchange could not tell: what became of a credit, or what a difference means.

One finds out and says so with a note and documents, another confirms just that. An attempt is then
credited under the exchange's own number, or rejected, after which a person may retry it with a new key. A
difference is resolved with a note; until then nothing is sent to its broker.
"""

from collections.abc import Sequence
from datetime import datetime

import pghistory
from django.db import transaction

from payouts.desk import proposals
from payouts.desk.evidence import NewFile
from payouts.desk.money_models import Proposal
from payouts.exchange.port import is_name
from payouts.refusal import Refusal
from payouts.settlement import outcomes, queries
from payouts.settlement.models import Attempt, Difference, ExchangeCredit

_Kind = Proposal.Kind
CREDITED, REJECTED = "credited", "rejected"
_STATES = (Difference.State.OPEN, Difference.State.RESOLVED)


class NoSuchAttempt(Refusal):
    """There is no such attempt to credit a payout."""


class NotForPeople(Refusal):
    """The exchange is still being asked, or everything is decided."""


class NotAMode(Refusal):
    """An unknown credit is resolved as credited or as rejected."""


class NoCreditNumber(Refusal):
    """Credited means that the exchange has a number for it."""


class BelongsToAnother(Refusal):
    """The exchange's number is that of another payout's credit."""


class ListedOtherwise(Refusal):
    """The exchange's own list says something else."""


class NoSuchDifference(Refusal):
    """There is no such difference, or it is resolved."""


@transaction.atomic
def prepare(
    *,
    attempt_id: int,
    mode: str,
    credit_id: str = "",
    note: str,
    evidence: Sequence[NewFile] = (),
    by: int,
    now: datetime,
) -> Proposal:
    """One person has found out what became of a credit: "credited", as the exchange's number, or "rejected".

    Refuses `NoSuchAttempt`, `NotForPeople`, `NotAMode`, `NoCreditNumber`, `BelongsToAnother`,
    `ListedOtherwise`, and what `proposals.open_` refuses.
    """
    attempt = _attempt(attempt_id, now=now)
    credit_id = credit_id.strip()
    _must_fit(attempt, mode, credit_id)
    return proposals.open_(
        kind=_Kind.RESOLVE,
        facts=_facts(attempt),
        note=note,
        evidence=evidence,
        by=by,
        now=now,
        broker_id=attempt.payout.broker_id,
        payout_id=attempt.payout_id,
        attempt_id=attempt.pk,
        mode=mode,
        credit_id=credit_id,
    )


@transaction.atomic
def prepare_difference(
    *,
    difference_id: int,
    note: str,
    evidence: Sequence[NewFile] = (),
    by: int,
    now: datetime,
) -> Proposal:
    """One person has found out what a difference comes from, and what was done about it: the note says so.

    Refuses `NoSuchDifference`, and what `proposals.open_` refuses.
    """
    found = _difference(difference_id)
    return proposals.open_(
        kind=_Kind.DIFFERENCE,
        facts=_facts_of_difference(found),
        note=note,
        evidence=evidence,
        by=by,
        now=now,
        broker_id=found.broker_id,
        difference_id=found.pk,
    )


def shown(proposal_id: int) -> str:
    """The digest of what is confirmed. Refuses `NoSuchProposal`."""
    proposal = _resolution(proposals.found(proposal_id))
    return proposals.digest(proposal, _facts_now(proposal))


@transaction.atomic
def confirm(*, proposal_id: int, shown: str, by: int, now: datetime) -> Proposal:
    """Another person confirms just what the page showed, and it is so from now on.

    Refuses `NoSuchProposal`, `AlreadyDecided`, `OwnProposal`, `Changed`, and as `prepare` does.
    """
    proposal = _resolution(proposals.locked(proposal_id))
    proposals.must_be_another(proposal, by)
    with pghistory.context(reason=proposal.note):
        if proposal.kind == _Kind.RESOLVE:
            _resolve(proposal, shown, by=by, now=now)
        else:
            _resolve_difference(proposal, shown, by=by, now=now)
    return proposal


def _resolve(proposal: Proposal, shown: str, *, by: int, now: datetime) -> None:
    if proposal.attempt_id is None:
        raise _no_such_attempt()
    attempt = _attempt(proposal.attempt_id, now=now)
    _must_fit(attempt, proposal.mode, proposal.credit_id)
    proposals.must_be_shown(proposal, shown, _facts(attempt))
    proposals.confirm(proposal, by=by, now=now)
    try:
        outcomes.decide_by_two(
            attempt.pk,
            proposal_id=proposal.pk,
            credit_id=proposal.credit_id if proposal.mode == CREDITED else "",
            why=f"Decided by two people: {proposal.note}",
            by=by,
            now=now,
        )
    except outcomes.Overtaken:
        raise _not_for_people() from None


def _resolve_difference(proposal: Proposal, shown: str, *, by: int, now: datetime) -> None:
    difference = _difference(proposal.difference_id, lock=True)
    proposals.must_be_shown(proposal, shown, _facts_of_difference(difference))
    proposals.confirm(proposal, by=by, now=now)
    difference.state, difference.resolved_at = Difference.State.RESOLVED, now
    difference.resolved_by = proposal
    difference.save(update_fields=["state", "resolved_at", "resolved_by"])


def _attempt(attempt_id: int, *, now: datetime) -> Attempt:
    found = Attempt.objects.filter(pk=attempt_id).select_related("payout__run").first()
    if found is None:
        raise _no_such_attempt()
    if not Attempt.objects.filter(queries.must_be_decided_by_people(now), pk=attempt_id).exists():
        raise _not_for_people()
    return found


def _must_fit(attempt: Attempt, mode: str, credit_id: str) -> None:
    """What people say agrees with what the exchange's list has shown so far."""
    listed = set(
        ExchangeCredit.objects.filter(key=str(attempt.key)).values_list("credit_id", flat=True),
    )
    if mode == REJECTED:
        if credit_id:
            raise NoCreditNumber("What was rejected has no number: leave the number of the credit empty.")
        if standing := listed - _put_right(attempt):
            raise ListedOtherwise(
                f"The exchange lists credit {min(standing)} under this attempt's key, so money moved: resolve"
                " it as credited, or first resolve the difference once the exchange has taken it back."
            )
        return
    if mode != CREDITED:
        raise NotAMode("Choose whether the exchange credited it or rejected it.")
    if not is_name(credit_id):
        raise NoCreditNumber("Give the number that the exchange has for the credit, as its list shows it.")
    if Attempt.objects.filter(credit_id=credit_id).exclude(pk=attempt.pk).exists():
        raise BelongsToAnother(f"Credit {credit_id} belongs to another payout: look the number up again.")
    if listed and credit_id not in listed:
        raise ListedOtherwise(
            f"The exchange lists credit {min(listed)} under this attempt's key, not {credit_id}: give that."
        )
    if ExchangeCredit.objects.filter(credit_id=credit_id).exclude(key=str(attempt.key)).exists():
        raise ListedOtherwise(
            f"The exchange lists credit {credit_id} under another key: look the number up again."
        )


def _put_right(attempt: Attempt) -> set[str]:
    """Credits under the attempt's key of which two people have resolved every difference."""
    rows = Difference.objects.filter(attempt=attempt, credit__isnull=False)
    named = {
        state: set(rows.filter(state=state).values_list("credit__credit_id", flat=True)) for state in _STATES
    }
    return named[Difference.State.RESOLVED] - named[Difference.State.OPEN]


def _facts(attempt: Attempt) -> list[object]:
    listed = ExchangeCredit.objects.filter(key=str(attempt.key)).order_by("pk")
    return [
        attempt.payout.run.month,
        attempt.number,
        str(attempt.key),
        attempt.account_id,
        attempt.amount,
        attempt.state,
        attempt.sent_at,
        [[row.credit_id, row.account_id, row.amount, row.credited_at] for row in listed],
    ]


def _difference(difference_id: int | None, *, lock: bool = False) -> Difference:
    rows = Difference.objects.select_related("credit", "attempt")
    if lock:
        rows = rows.select_for_update(of=("self",))
    found = rows.filter(pk=difference_id or 0, state=Difference.State.OPEN).first()
    if found is None:
        raise NoSuchDifference("There is no such open difference: choose one from the list.")
    return found


def _facts_of_difference(difference: Difference) -> list[object]:
    credit, attempt = difference.credit, difference.attempt
    return [
        difference.kind,
        difference.broker_id,
        difference.detail,
        difference.found_at,
        [credit.credit_id, credit.key, credit.account_id, credit.amount] if credit else None,
        [str(attempt.key), attempt.account_id, attempt.amount, attempt.state] if attempt else None,
    ]


def _facts_now(proposal: Proposal) -> list[object]:
    """What the page shows, also of what has been decided meanwhile."""
    if proposal.attempt_id is not None:
        return _facts(Attempt.objects.select_related("payout__run").get(pk=proposal.attempt_id))
    rows = Difference.objects.select_related("credit", "attempt")
    return _facts_of_difference(rows.get(proposals=proposal.pk))


def _resolution(proposal: Proposal) -> Proposal:
    if proposal.kind not in (_Kind.RESOLVE, _Kind.DIFFERENCE):
        raise proposals.NoSuchProposal("There is no such prepared act: choose one from the list.")
    return proposal


def _no_such_attempt() -> NoSuchAttempt:
    return NoSuchAttempt("There is no such attempt: open the payout and choose one of its attempts.")


def _not_for_people() -> NotForPeople:
    return NotForPeople(
        "The exchange is still being asked about this credit, or it is decided: open the payout again."
    )
