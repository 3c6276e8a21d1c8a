"""Acts about money by two people: one prepares, another confirms just what was shown, or nobody does.

Each act has a module of its own with `prepare`, `shown` and `confirm`. What they have in common is here: an
act is bound to a digest of everything its page shows. It is computed when the act is prepared, again when the
page is shown, and again when it is confirmed; only if all three are equal is anything done.
"""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pghistory
from django.db import IntegrityError, transaction

from payouts.desk import proposal_files
from payouts.desk.cases import entry
from payouts.desk.evidence import NewFile
from payouts.desk.models import CaseEntry
from payouts.desk.money_models import Proposal
from payouts.desk.wording import must_say
from payouts.money import plain
from payouts.refusal import Refusal

#: Whatever JSON can say, and decimals, dates and instants.
Facts = Sequence[Any]


class NoSuchProposal(Refusal):
    """There is no prepared act with this number, or it is of another kind."""


class AlreadyDecided(Refusal):
    """The act is confirmed or withdrawn: that is final."""


class AlreadyPrepared(Refusal):
    """The same act waits already for its second person."""


class OwnProposal(Refusal):
    """Who prepared an act does not confirm it."""


class Changed(Refusal):
    """What would happen is not what the page showed, or not what was prepared."""


@transaction.atomic
def open_(
    *,
    kind: str,
    facts: Facts,
    note: str,
    evidence: Sequence[NewFile] = (),
    by: int,
    now: datetime,
    **about: Any,
) -> Proposal:
    """Write down an act that `by` has prepared, with its documents.

    `about` are the proposal's own fields, like `broker_id`, `payout_id`, `mode`, `amount`; `facts` is
    everything else that its page shows and that decides what a confirmation does. Refuses `NotSaid`,
    `AlreadyPrepared`, and what documents refuse.
    """
    note = must_say(note, what="the note for staff")
    proposal_files.must_be_usable(evidence)
    made = Proposal(kind=kind, note=note, prepared_by_id=by, prepared_at=now, **about)
    made.digest = _digest(made, proposal_files.fingerprints(evidence), facts)
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:
        if not _same(made).exists():
            raise  # another fault: that is no answer
        raise AlreadyPrepared(
            "The same is prepared already: have it confirmed by another person, or withdraw it first."
        ) from None
    proposal_files.put(made, evidence, by=by, now=now)
    return made


def found(proposal_id: int, kind: str | None = None) -> Proposal:
    """A prepared act, whatever became of it. Refuses `NoSuchProposal`."""
    rows = Proposal.objects.select_related("broker", "payout__run", "hold__case")
    row = rows.filter(pk=proposal_id).first()
    if row is None or kind not in (None, row.kind):
        raise NoSuchProposal("There is no such prepared act: choose one from the list.")
    return row


def prepared(proposal_id: int, kind: str | None = None) -> Proposal:
    """An act that waits for its second person. Refuses `NoSuchProposal`, `AlreadyDecided`."""
    return _must_wait(found(proposal_id, kind))


def locked(proposal_id: int, kind: str | None = None) -> Proposal:
    """The same, and nobody else decides it until this transaction ends. Refuses the same.

    Taken first of all locks: who decides an act needs whatever the act touches after it.
    """
    Proposal.objects.select_for_update(no_key=True).filter(pk=proposal_id).first()
    return prepared(proposal_id, kind)


def must_be_another(proposal: Proposal, by: int) -> None:
    """Refuse `OwnProposal` to who prepared it. The database refuses it too."""
    if proposal.prepared_by_id == by:
        raise OwnProposal("You prepared this: another person has to confirm it.")


def digest(proposal: Proposal, facts: Facts) -> str:
    """What a page shows of an act at this moment, as one fingerprint."""
    return _digest(proposal, proposal_files.kept_fingerprints(proposal), facts)


def must_be_shown(proposal: Proposal, shown: str, facts: Facts) -> None:
    """Refuse `Changed` unless what is true now was shown to who confirms it, and to who prepared it."""
    now = digest(proposal, facts)
    if now != proposal.digest:
        raise Changed("Something has changed since this was prepared: withdraw it and prepare it anew.")
    if now != shown:
        raise Changed("Something has changed since this page was made: read it again and confirm then.")


def confirm(proposal: Proposal, *, by: int, now: datetime) -> None:
    """Mark a locked act as confirmed, in the transaction that does it. Refuses `OwnProposal`."""
    must_be_another(proposal, by)
    _decide(proposal, Proposal.State.CONFIRMED, by=by, now=now)


@transaction.atomic
def withdraw(*, proposal_id: int, note: str, by: int, now: datetime) -> None:
    """Take back what was prepared; who prepared it may. The note stands in the history and, where a case
    holds the payout, in its timeline. Refuses `NoSuchProposal`, `AlreadyDecided`, `NotSaid`.
    """
    note = must_say(note, what="why it is withdrawn")
    proposal = locked(proposal_id)
    with pghistory.context(reason=note):
        _decide(proposal, Proposal.State.WITHDRAWN, by=by, now=now)
    if proposal.hold is not None:
        text = f"Withdrawn: to {proposal.get_kind_display()}.\n{note}"
        entry(proposal.hold.case, CaseEntry.Kind.NOTE, by=by, now=now, text=text)


def _must_wait(proposal: Proposal) -> Proposal:
    if proposal.state != Proposal.State.PREPARED:
        raise AlreadyDecided(f"This is {proposal.get_state_display()} already: nothing was changed.")
    return proposal


def _decide(proposal: Proposal, state: str, *, by: int, now: datetime) -> None:
    proposal.state, proposal.decided_by_id, proposal.decided_at = state, by, now
    proposal.save(update_fields=["state", "decided_by", "decided_at"])


def _same(proposal: Proposal) -> Any:
    """Acts that wait and stand in the way of this one."""
    waiting = Proposal.objects.filter(kind=proposal.kind, state=Proposal.State.PREPARED)
    for name in ("hold_id", "attempt_id", "difference_id", "payout_id"):
        if (value := getattr(proposal, name)) is not None:
            return waiting.filter(**{name: value})
    return waiting.none()


def _digest(proposal: Proposal, files: Sequence[Sequence[str]], facts: Facts) -> str:
    told = [
        proposal.kind,
        proposal.broker_id,
        proposal.payout_id,
        proposal.hold_id,
        proposal.attempt_id,
        proposal.difference_id,
        proposal.mode,
        proposal.amount,
        proposal.credit_id,
        proposal.text,
        proposal.note,
        proposal.prepared_by_id,
        proposal.prepared_at,
        files,
        facts,
    ]
    return sha256(json.dumps(told, default=_written).encode()).hexdigest()


def _written(value: object) -> str:
    """One text a value, whether it comes from a form or from the database."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value)} is nothing that a page shows")
