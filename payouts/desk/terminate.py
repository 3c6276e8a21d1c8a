"""Terminate a broker for ever: one person prepares it, another confirms just what was shown."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import IntegrityError, transaction

from payouts.desk import cases, consequences, hold
from payouts.desk.evidence import NewFile
from payouts.desk.models import Case, CaseEntry, Termination
from payouts.desk.standing import (
    TimeHasPassed,
    broker_of,
    locked_case,
    must_be_a_reason,
    one_at_a_time,
    planned_from,
    termination_must_be_possible,
    written,
)
from payouts.desk.wording import must_say
from payouts.feed import booking
from payouts.program.models import StandingChange
from payouts.refusal import Refusal
from payouts.volume.queries import last_fill_at

_TICK = timedelta(microseconds=1)


class AlreadyPrepared(Refusal):
    """A broker has one prepared termination at most."""


class NotPrepared(Refusal):
    """There is no such termination, or it is confirmed or withdrawn."""


class SamePerson(Refusal):
    """Who prepared a termination does not confirm it."""


class NotAsShown(Refusal):
    """What would happen is not what the page showed."""


@transaction.atomic
def prepare(
    *,
    broker_code: int,
    reason: str,
    note: str,
    message: str,
    effective_at: datetime | None,
    case_id: int | None,
    evidence: Sequence[NewFile] = (),
    by: int,
    now: datetime,
) -> Termination:
    """The first person's half; `effective_at` None is the moment in which another one confirms it.

    Without a case one is opened. Refuses `NoSuchBroker`, `NotAReason`, `NotSaid`, `Terminated`,
    `TimeHasPassed`, `TooEarly`, `AlreadyPrepared`, `NoSuchCase`, `CaseIsClosed`, and what evidence refuses.
    """
    broker = broker_of(broker_code)
    must_be_a_reason(reason)
    note = must_say(note, what="the note for staff")
    message = must_say(message, what="what the broker is told")
    case = None if case_id is None else locked_case(case_id, broker_code=broker_code)
    one_at_a_time(broker_code)
    termination_must_be_possible(broker, effective_at, now=now)
    _must_be_the_only_one(broker_code)
    when = "at its confirmation" if effective_at is None else written(effective_at)
    if case is None:
        case = cases.open_case(
            broker_code=broker_code,
            kind=Case.Kind.TERMINATION,
            title=f"Termination, {when}",
            text=note,
            by=by,
            now=now,
        )
    try:
        with transaction.atomic():
            made = Termination.objects.create(
                broker=broker,
                case=case,
                reason=reason,
                note=note,
                message=message,
                effective_at=effective_at,
                prepared_by_id=by,
                prepared_at=now,
            )
    except IntegrityError:
        _must_be_the_only_one(broker_code)
        raise  # another fault: that is no answer
    cases.entry(case, CaseEntry.Kind.PREPARED, by=by, now=now, text=f"To take effect: {when}.\n{note}")
    if evidence:
        cases.add_evidence(case_id=case.pk, text="For the termination.", files=evidence, by=by, now=now)
    return made


def shown(termination_id: int, *, now: datetime) -> str:
    """A digest of all that decides what a confirmation would do: it is confirmed as shown, or not at all.

    Refuses `NotPrepared`.
    """
    return _digest(_termination(termination_id), now)


@transaction.atomic
def confirm(*, termination_id: int, shown: str, by: int, clock: Callable[[], datetime]) -> StandingChange:
    """The second person's half: the broker is terminated, for ever.

    Intakes wait until this has ended, and the clock is read only when those under way have: so no batch is
    booked by enrolments that are not true any more, and no fill executed at or after the termination counts.
    A suspension that would begin later is cancelled. Refuses `NotPrepared`, `SamePerson`, `Terminated`,
    `TimeHasPassed`, `TooEarly`, `NotAsShown`.
    """
    # What cannot be is refused before the feed has to wait for it.
    _must_be_another(_prepared(termination_id), by)
    booking.enter(alone=True)
    now = clock()
    cases.locked(_prepared(termination_id).case_id)
    termination = _prepared(termination_id)
    broker = termination.broker
    one_at_a_time(broker.code)
    termination_must_be_possible(broker, termination.effective_at, now=now)
    effective_at = _effective_at(termination, now)
    if _digest(termination, now) != shown:
        raise NotAsShown("Something has changed since this page was made: read it again and confirm then.")
    for planned in planned_from(broker.code, effective_at):
        _cancel(planned, termination, by=by, now=now)
    change = StandingChange.objects.create(
        broker=broker,
        kind=StandingChange.Kind.TERMINATED,
        effective_at=effective_at,
        recorded_at=now,
        recorded_by_id=by,
        prepared_by_id=termination.prepared_by_id,
        reason=termination.reason,
        note=termination.note,
        message=termination.message,
        case_id=termination.case_id,
    )
    termination.state = Termination.State.CONFIRMED
    termination.decided_by_id, termination.decided_at, termination.change = by, now, change
    termination.save(update_fields=["state", "decided_by", "decided_at", "change"])
    text = f"From {written(effective_at)}.\n{termination.note}"
    cases.entry(termination.case, CaseEntry.Kind.TERMINATED, by=by, now=now, text=text)
    if termination.effective_at is None or effective_at <= now:
        hold.hold_due(now=effective_at, broker_code=broker.code)
    return change


@transaction.atomic
def withdraw(*, termination_id: int, note: str, by: int, now: datetime) -> None:
    """Take back what was prepared; who prepared it may. Refuses `NotPrepared`, `NotSaid`."""
    note = must_say(note, what="why it is withdrawn")
    case = cases.locked(_prepared(termination_id).case_id)
    termination = _prepared(termination_id)
    termination.state = Termination.State.WITHDRAWN
    termination.decided_by_id, termination.decided_at = by, now
    termination.save(update_fields=["state", "decided_by", "decided_at"])
    cases.entry(case, CaseEntry.Kind.WITHDRAWN, by=by, now=now, text=note)


def _termination(termination_id: int) -> Termination:
    found = Termination.objects.select_related("broker", "case").filter(pk=termination_id).first()
    if found is None:
        raise NotPrepared("There is no such termination: choose one from the broker's page.")
    return found


def _prepared(termination_id: int) -> Termination:
    found = _termination(termination_id)
    if found.state != Termination.State.PREPARED:
        raise NotPrepared(f"This termination is {found.get_state_display()} already: nothing was changed.")
    return found


def _must_be_another(termination: Termination, by: int) -> None:
    if termination.prepared_by_id == by:
        raise SamePerson("You prepared this termination: another person has to confirm it.")


def _must_be_the_only_one(broker_code: int) -> None:
    if Termination.objects.filter(broker=broker_code, state=Termination.State.PREPARED).exists():
        raise AlreadyPrepared(
            "A termination of this broker is prepared already: have it confirmed, or withdraw it first."
        )


def _effective_at(termination: Termination, now: datetime) -> datetime:
    """When it takes effect. Clocks differ: what the exchange executed by its own counts, to the last fill."""
    planned = termination.effective_at
    last = last_fill_at(broker_code=termination.broker_id, since=planned or now)
    if planned is None:
        return now if last is None else max(now, last + _TICK)
    if last is not None:
        raise TimeHasPassed(
            f"Fills up to {written(last)} are booked already: withdraw this and choose a later time."
        )
    return planned


def _cancel(planned: StandingChange, termination: Termination, *, by: int, now: datetime) -> None:
    """A suspension that would begin when nothing is left to suspend."""
    note = "Cancelled by the termination."
    StandingChange.objects.create(
        broker_id=planned.broker_id,
        kind=StandingChange.Kind.LIFTED,
        effective_at=planned.effective_at,
        recorded_at=now,
        recorded_by_id=by,
        note=note,
        message="The termination takes its place.",
        case_id=planned.case_id,
        ends=planned,
    )
    cases.entry(planned.case, CaseEntry.Kind.CANCELLED, by=by, now=now, text=note)  # type: ignore[arg-type]  # a CHECK: every suspension has a case


def _digest(termination: Termination, now: datetime) -> str:
    broker = termination.broker
    told = [
        termination.pk,
        termination.state,
        termination.prepared_by_id,
        broker.code,
        broker.name,
        broker.account_id,
        termination.reason,
        termination.note,
        termination.message,
        termination.effective_at and termination.effective_at.isoformat(),
        [[str(each.month), str(each.amount), each.account_id] for each in consequences.touched(broker.code)],
        [
            [each.pk, each.effective_at.isoformat()]
            for each in planned_from(broker.code, termination.effective_at or now)
        ],
    ]
    return sha256(json.dumps(told).encode()).hexdigest()
