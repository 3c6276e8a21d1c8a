"""What suspending, lifting and terminating have in common: one at a time a broker, and what contradicts."""

from datetime import UTC, datetime

from django.db import connection
from django.db.models import Max

from payouts.desk.cases import CaseIsClosed, NoSuchBroker, locked
from payouts.desk.models import Case
from payouts.month import Month
from payouts.monthend.models import Payout
from payouts.program.models import Broker, Reason, StandingChange
from payouts.program.queries import changes_of, rules_of
from payouts.program.standing import Range, ranges, terminated_at
from payouts.refusal import Refusal

#: The first number of the advisory lock, as the trigger on changes takes it; the second is the code.
_STANDING_LOCK = 7_230_031


class NotAReason(Refusal):
    """Reasons are the categories of `Reason`."""


class AlreadySuspended(Refusal):
    """The broker is, was or will be suspended at a moment of the suspension that is asked for."""


class Terminated(Refusal):
    """The broker is or will be terminated; that is final."""


class TooEarly(Refusal):
    """The suspension would begin before the enrolment, or in a month that is approved."""


class TimeHasPassed(Refusal):
    """A termination is never back-dated."""


def broker_of(code: int) -> Broker:
    """The broker with this code. Refuses `NoSuchBroker`."""
    found = Broker.objects.filter(code=code).first()
    if found is None:
        raise NoSuchBroker(f"Code {code} belongs to no broker: correct it.")
    return found


def must_be_a_reason(reason: str) -> None:
    """Refuse `NotAReason` unless it is one of the categories."""
    if reason not in Reason.values:
        raise NotAReason(f"{reason} is no reason: choose one of {', '.join(Reason.values)}.")


def locked_case(case_id: int, *, broker_code: int) -> Case:
    """An open case of the broker, locked. Refuses `NoSuchCase`, `CaseIsClosed`."""
    case = locked(case_id, broker_code=broker_code)
    if case.state != Case.State.OPEN:
        raise CaseIsClosed("This case is closed: reopen it first, or open a new one.")
    return case


def one_at_a_time(broker_code: int) -> None:
    """Wait until nobody else changes this broker's standing. Saves work only: the constraints decide.

    Taken after the intake's lock and the case's row, so that none wait in a ring.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_STANDING_LOCK, broker_code])


def ranges_of(broker_code: int) -> list[Range]:
    """When the broker is suspended and from when terminated, by its changes as they are now."""
    return ranges(rules_of(changes_of(broker_code)))


def termination_of(broker_code: int) -> datetime | None:
    """From when the broker is terminated, planned terminations included."""
    return terminated_at(rules_of(changes_of(broker_code)))


def earliest_start(broker: Broker) -> datetime:
    """From when on a suspension may begin: the enrolment, or the end of the last approved month."""
    approved = Payout.objects.filter(broker=broker, approved_at__isnull=False).aggregate(
        last=Max("run__month")
    )["last"]
    if approved is None:
        return broker.enrolled_at
    return max(broker.enrolled_at, Month.of_date(approved).ends_at)


def planned_from(broker_code: int, moment: datetime) -> list[StandingChange]:
    """Suspensions that would begin at or after an instant and are not cancelled."""
    numbers = [
        each.number
        for each in ranges_of(broker_code)
        if each.kind == "suspended" and each.starts_at >= moment
    ]
    return list(StandingChange.objects.filter(pk__in=numbers).order_by("pk"))


def suspension_must_be_possible(broker: Broker, starts_at: datetime) -> None:
    """Refuse `TooEarly`, `AlreadySuspended`, `Terminated` where the database would refuse the suspension."""
    earliest = earliest_start(broker)
    if starts_at < earliest:
        why = "its enrolment" if earliest == broker.enrolled_at else "the end of its last approved month"
        raise TooEarly(
            f"A suspension begins at {written(earliest)}, {why}, at the earliest: choose a later start."
        )
    found = ranges_of(broker.code)
    gone = next((each.starts_at for each in found if each.kind == "terminated"), None)
    if gone is not None and gone <= starts_at:
        raise Terminated(
            f"This broker is terminated from {written(gone)} on, which is final: a suspension begins before."
        )
    wanted = Range("suspended", starts_at, gone)
    for each in found:
        if each.kind == "suspended" and each.meets(wanted):
            raise AlreadySuspended(_overlap(each, starts_at))


def _overlap(found: Range, starts_at: datetime) -> str:
    since = written(found.starts_at)
    if found.starts_at > starts_at:
        if found.ends_at is None:
            return f"A suspension from {since} on exists already: cancel or lift that one first."
        return (
            f"This broker was suspended from {since} to {written(found.ends_at)}: begin no earlier than then."
        )
    if found.ends_at is None:
        return f"This broker is suspended from {since} on: lift that suspension first."
    return f"This broker is suspended from {since} to {written(found.ends_at)}: begin no earlier than then."


def termination_must_be_possible(broker: Broker, effective_at: datetime | None, *, now: datetime) -> None:
    """Refuse `Terminated` or `TimeHasPassed` where the database would refuse the termination.

    `effective_at` None is the moment of the confirmation.
    """
    gone = termination_of(broker.code)
    if gone is not None:
        raise Terminated(
            f"This broker is terminated from {written(gone)} on, which is final: nothing is left to end."
        )
    effective_at = effective_at or now
    if effective_at < now:
        raise TimeHasPassed(
            f"{written(effective_at)} has passed, and a termination is never back-dated: choose a later time."
        )
    if effective_at < broker.enrolled_at:
        raise TooEarly(
            f"This broker is enrolled from {written(broker.enrolled_at)} on: choose no earlier time."
        )


def written(moment: datetime) -> str:
    """An instant in a sentence: UTC, with the digits of the second that it has."""
    shown = moment.astimezone(UTC)
    seconds = f"{shown:%Y-%m-%d %H:%M:%S}" + (f".{shown:%f}".rstrip("0") if shown.microsecond else "")
    return f"{seconds} UTC"
