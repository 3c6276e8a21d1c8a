"""Lift a suspension from now on, or cancel one that has not begun. What its case holds stays held."""

from datetime import datetime

from django.db import IntegrityError, transaction

from payouts.desk import appeals, cases
from payouts.desk.models import CaseEntry
from payouts.desk.standing import Terminated, one_at_a_time, termination_of, written
from payouts.desk.wording import must_say
from payouts.program.models import StandingChange
from payouts.refusal import Refusal


class NoSuchSuspension(Refusal):
    """There is no suspension with this number."""


class AlreadyLifted(Refusal):
    """A suspension is lifted at most once."""


@transaction.atomic
def lift(*, suspension_id: int, note: str, message: str, by: int, now: datetime) -> StandingChange:
    """End a suspension now; one that has not begun ends at its start, as if it had never been planned.

    An open appeal of it is granted, with `message` as the decision. Refuses `NoSuchSuspension`, `NotSaid`,
    `AlreadyLifted`, `Terminated`.
    """
    suspension = StandingChange.objects.filter(pk=suspension_id, kind=StandingChange.Kind.SUSPENDED).first()
    if suspension is None or suspension.case_id is None:
        raise NoSuchSuspension("There is no such suspension: choose one from the broker's page.")
    note = must_say(note, what="the note for staff")
    message = must_say(message, what="what the broker is told")
    case = cases.locked(suspension.case_id)
    one_at_a_time(suspension.broker_id)
    is_cancelled = suspension.effective_at > now
    ends_at = suspension.effective_at if is_cancelled else now
    must_be_possible(suspension, ends_at)
    change = StandingChange(
        broker_id=suspension.broker_id,
        kind=StandingChange.Kind.LIFTED,
        effective_at=ends_at,
        recorded_at=now,
        recorded_by_id=by,
        note=note,
        message=message,
        case=case,
        ends=suspension,
    )
    try:
        with transaction.atomic():
            change.save(force_insert=True)
    except IntegrityError:
        must_be_possible(suspension, ends_at)
        raise  # what the rules allow was refused: that is a fault and no answer
    kind = CaseEntry.Kind.CANCELLED if is_cancelled else CaseEntry.Kind.LIFTED
    cases.entry(case, kind, by=by, now=now, text=note)
    appeals.grant_by_lifting(change, message=message, by=by, now=now)
    return change


def must_be_possible(suspension: StandingChange, ends_at: datetime) -> None:
    """Refuse `AlreadyLifted` or `Terminated` where the database would refuse the lifting."""
    lifting = StandingChange.objects.filter(ends=suspension).first()
    if lifting is not None:
        raise AlreadyLifted(
            f"This suspension was lifted at {written(lifting.effective_at)}: there is nothing left to lift."
        )
    gone = termination_of(suspension.broker_id)
    if gone is not None and gone <= ends_at:
        raise Terminated(
            f"This broker is terminated from {written(gone)} on, which is final: nothing is lifted any more."
        )
