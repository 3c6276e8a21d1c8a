"""Appeals: a broker asks the exchange to think again about a suspension or termination; once, and openly."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from payouts.desk import evidence
from payouts.desk.cases import ConflictIsOpen, entry, locked, reopen
from payouts.desk.evidence import NewFile
from payouts.desk.models import Appeal, AppealMessage, Case, CaseEntry, CaseFile
from payouts.desk.wording import must_say
from payouts.program.models import StandingChange, StandingRange
from payouts.refusal import Refusal

#: Of one appeal, both sides together: what one conversation may cost.
MOST_MESSAGES, MOST_FILES = 100, 50

_STOPS = (StandingChange.Kind.SUSPENDED, StandingChange.Kind.TERMINATED)


class NothingToAppeal(Refusal):
    """There is no such suspension or termination of this broker, or it is over."""


class AlreadyAppealed(Refusal):
    """There is one appeal per change of standing."""


class NoSuchAppeal(Refusal):
    """There is no appeal with this reference."""


class AppealIsDecided(Refusal):
    """An appeal is decided once; what is decided is not talked about any more."""


class AppealIsFull(Refusal):
    """As many messages or files as one appeal takes."""


class StillSuspended(Refusal):
    """Granting the appeal of a suspension is lifting it."""


@transaction.atomic
def open_appeal(
    *, broker_code: int, change_id: int, text: str, files: Sequence[NewFile], by: int, now: datetime
) -> Appeal:
    """Appeal a suspension or termination of this broker. A closed case is reopened by it.

    Refuses `NothingToAppeal`, `AlreadyAppealed`, `NotSaid`, and what files are refused for.
    """
    text = must_say(text, what="why the exchange should think again")
    change = StandingChange.objects.filter(pk=change_id, broker_id=broker_code, kind__in=_STOPS).first()
    if change is None or change.case_id is None:
        raise NothingToAppeal("There is no such suspension or termination: open the page again.")
    case = locked(change.case_id)
    # Only now: a lifting that was faster is visible, and one that is slower finds this appeal.
    if StandingChange.objects.filter(ends=change).exists():
        raise NothingToAppeal("This suspension has been lifted: there is nothing to appeal any more.")
    try:
        with transaction.atomic():
            appeal = Appeal.objects.create(
                broker_id=broker_code, case=case, change=change, opened_by_id=by, opened_at=now
            )
    except IntegrityError:
        if not Appeal.objects.filter(change=change).exists():
            raise  # another fault: that is no answer
        raise AlreadyAppealed(
            "This was appealed before: there is one appeal, and it is on the page."
        ) from None
    if case.state == Case.State.CLOSED:
        # Of affiliate conflicts one is open at a time, which is no matter of the broker's: then its appeal
        # waits in the closed case, and is answered and decided there.
        with suppress(ConflictIsOpen):
            reopen(case_id=case.pk, text="The broker appealed.", by=None, now=now)
    entry(case, CaseEntry.Kind.APPEALED, by=by, now=now)
    _add(appeal, case, text=text, files=files, by=by, is_from_exchange=False, now=now)
    return appeal


@transaction.atomic
def answer(
    *,
    reference: UUID,
    text: str,
    files: Sequence[NewFile],
    by: int,
    is_from_exchange: bool,
    now: datetime,
) -> AppealMessage:
    """Say something to the other side.

    Refuses `NoSuchAppeal`, `AppealIsDecided`, `AppealIsFull`, `NotSaid`, and what files are refused for.
    """
    text = must_say(text, what="a message")
    appeal, case = _open_and_locked(reference)
    said = AppealMessage.objects.filter(appeal=appeal).count()
    sent = CaseFile.objects.filter(message__appeal=appeal).count()
    if said >= MOST_MESSAGES or (files and sent + len(files) > MOST_FILES):
        raise AppealIsFull(
            f"An appeal takes {MOST_MESSAGES} messages and {MOST_FILES} files: decide it or withdraw it."
        )
    return _add(appeal, case, text=text, files=files, by=by, is_from_exchange=is_from_exchange, now=now)


@transaction.atomic
def decide(*, reference: UUID, granted: bool, decision: str, by: int, now: datetime) -> Appeal:
    """Decide an appeal, once and for all; `decision` is what the broker reads.

    Nothing else changes by it. So a suspension that is in force or planned is not granted here but by
    lifting it: the broker would read that it was granted and still be suspended.

    Refuses `NoSuchAppeal`, `AppealIsDecided`, `NotSaid`, `StillSuspended`.
    """
    decision = must_say(decision, what="the decision")
    appeal, case = _open_and_locked(reference)
    if granted and _is_suspension_to_lift(appeal, now):
        raise StillSuspended("Lift the suspension: that grants the appeal, with the message of the lifting.")
    state = Appeal.State.GRANTED if granted else Appeal.State.REFUSED
    _end(appeal, case, state, decision=decision, by=by, now=now)
    return appeal


@transaction.atomic
def withdraw(*, reference: UUID, by: int, now: datetime) -> Appeal:
    """The broker takes its appeal back; it cannot appeal this again.

    Refuses `NoSuchAppeal`, `AppealIsDecided`.
    """
    appeal, case = _open_and_locked(reference)
    _end(appeal, case, Appeal.State.WITHDRAWN, decision="", by=by, now=now)
    return appeal


@transaction.atomic
def grant_by_lifting(change: StandingChange, *, message: str, by: int, now: datetime) -> Appeal | None:
    """Grant the open appeal of a suspension that is being lifted, in the same transaction; None without one.

    `change` is the suspension or its lifting; the message of the lifting is the decision.
    """
    suspension_id = change.ends_id or change.pk
    case_id = StandingChange.objects.values_list("case_id", flat=True).get(pk=suspension_id)
    if case_id is None:
        return None
    case = locked(case_id)
    appeal = Appeal.objects.filter(change_id=suspension_id, state=Appeal.State.OPEN).first()
    if appeal is not None:
        decision = message.strip() or "The suspension was lifted."
        _end(appeal, case, Appeal.State.GRANTED, decision=decision, by=by, now=now)
    return appeal


def _open_and_locked(reference: UUID) -> tuple[Appeal, Case]:
    case_id = Appeal.objects.filter(reference=reference).values_list("case_id", flat=True).first()
    if case_id is None:
        raise NoSuchAppeal("There is no such appeal: open the page again.")
    # Who has the case has its appeals: their state is read after it.
    case = locked(case_id)
    appeal = Appeal.objects.get(reference=reference)
    if appeal.state != Appeal.State.OPEN:
        raise AppealIsDecided("This appeal is decided or withdrawn: nothing is added to it.")
    return appeal, case


def _add(
    appeal: Appeal,
    case: Case,
    *,
    text: str,
    files: Sequence[NewFile],
    by: int,
    is_from_exchange: bool,
    now: datetime,
) -> AppealMessage:
    message = AppealMessage.objects.create(
        appeal=appeal, by_id=by, is_from_exchange=is_from_exchange, text=text, at=now
    )
    evidence.put(case, files, by=by, now=now, message=message)
    entry(case, CaseEntry.Kind.APPEAL_MESSAGE, by=by, now=now, text=text)
    return message


def _end(appeal: Appeal, case: Case, state: Appeal.State, *, decision: str, by: int, now: datetime) -> None:
    appeal.state, appeal.decision = state, decision
    appeal.decided_by_id, appeal.decided_at = by, now
    appeal.save(update_fields=["state", "decision", "decided_by", "decided_at"])
    entry(case, CaseEntry.Kind.APPEAL_DECIDED, by=by, now=now, text=f"{state.value}\n{decision}".strip())


def _is_suspension_to_lift(appeal: Appeal, now: datetime) -> bool:
    """Whether the appeal is of a suspension that has not ended: not lifted, not cut off by a termination."""
    ranges = StandingRange.objects.filter(change_id=appeal.change_id, kind=StandingChange.Kind.SUSPENDED)
    return any(each.ends_at is None or each.ends_at > now for each in ranges)
