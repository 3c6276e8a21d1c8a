"""Suspend a broker: its fills are recorded, its money waits under a case, until somebody lifts it."""

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from payouts.desk import cases, hold
from payouts.desk.evidence import NewFile
from payouts.desk.models import Case, CaseEntry
from payouts.desk.standing import (
    broker_of,
    locked_case,
    must_be_a_reason,
    one_at_a_time,
    suspension_must_be_possible,
    written,
)
from payouts.desk.wording import must_say
from payouts.program.models import Broker, StandingChange


@transaction.atomic
def suspend(
    *,
    broker_code: int,
    reason: str,
    note: str,
    message: str,
    starts_at: datetime | None,
    case_id: int | None,
    evidence: Sequence[NewFile] = (),
    by: int,
    now: datetime,
) -> StandingChange:
    """Suspend a broker from an instant on, in the past or the future too; None is now.

    `note` is for staff, `message` is what the broker is told. Without a case one is opened. Once the
    suspension has begun, the case holds every payout that is not sent. Refuses `NoSuchBroker`,
    `NotAReason`, `NotSaid`, `TooEarly`, `AlreadySuspended`, `Terminated`, `NoSuchCase`, `CaseIsClosed`, and
    what evidence refuses.

    "Backpack reserves the right, at its sole discretion, to suspend or terminate any participant's access to
    the program."
    """
    broker = broker_of(broker_code)
    must_be_a_reason(reason)
    note = must_say(note, what="the note for staff")
    message = must_say(message, what="what the broker is told")
    starts_at = starts_at or now
    case = None if case_id is None else locked_case(case_id, broker_code=broker_code)
    one_at_a_time(broker_code)
    suspension_must_be_possible(broker, starts_at)
    if case is None:
        case = cases.open_case(
            broker_code=broker_code,
            kind=Case.Kind.SUSPENSION,
            title=f"Suspension from {written(starts_at.replace(microsecond=0))}",
            text=note,
            by=by,
            now=now,
        )
    change = _record(
        broker,
        StandingChange(
            broker=broker,
            kind=StandingChange.Kind.SUSPENDED,
            effective_at=starts_at,
            recorded_at=now,
            recorded_by_id=by,
            reason=reason,
            note=note,
            message=message,
            case=case,
        ),
    )
    cases.entry(case, CaseEntry.Kind.SUSPENDED, by=by, now=now, text=f"From {written(starts_at)}.\n{note}")
    if evidence:
        cases.add_evidence(case_id=case.pk, text="For the suspension.", files=evidence, by=by, now=now)
    if starts_at <= now:
        hold.hold_due(now=now, broker_code=broker_code)
    return change


def _record(broker: Broker, change: StandingChange) -> StandingChange:
    """Write the change. Of two at once the database refuses one; then it is said why."""
    try:
        with transaction.atomic():
            change.save(force_insert=True)
    except IntegrityError:
        suspension_must_be_possible(broker, change.effective_at)
        raise  # what the rules allow was refused: that is a fault and no answer
    return change
