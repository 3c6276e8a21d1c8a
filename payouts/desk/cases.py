"""Cases: what staff have to decide about a broker, from the opening to the outcome, with a timeline."""

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from payouts.desk import evidence as evidences
from payouts.desk.evidence import NewFile
from payouts.desk.models import AffiliateCheck, Appeal, Case, CaseEntry, Termination
from payouts.desk.wording import LONGEST_TITLE, must_say
from payouts.program.models import Broker, StandingChange, StandingRange
from payouts.refusal import Refusal

_STILL_CLOSED = "This case is closed: reopen it first."


class NoSuchCase(Refusal):
    """There is no case with this number, or not of this broker."""


class NoSuchBroker(Refusal):
    """There is no broker with this code."""


class NotAKind(Refusal):
    """Cases have other kinds."""


class CaseIsClosed(Refusal):
    """Nothing is added to a closed case."""


class CaseIsOpen(Refusal):
    """Only a closed case is reopened."""


class AlreadyYours(Refusal):
    """Who takes a case over has it already."""


class ConflictIsOpen(Refusal):
    """A broker has one open affiliate conflict at most."""


class NotYetClosable(Refusal):
    """Something in the case still waits for its end."""


@transaction.atomic
def open_case(
    *,
    broker_code: int,
    kind: str,
    title: str,
    text: str,
    by: int | None,
    now: datetime,
    is_flagged: bool = False,
    evidence: Sequence[NewFile] = (),
) -> Case:
    """Open a case about a broker; who opens it looks after it. `by` None: the portal itself.

    Refuses `NoSuchBroker`, `NotAKind`, `NotSaid`, `ConflictIsOpen`, and what evidence refuses.
    """
    if kind not in Case.Kind.values:
        raise NotAKind(f"{kind} is no kind of case: choose one of {', '.join(Case.Kind.values)}.")
    title = must_say(title, what="a title", longest=LONGEST_TITLE)
    text = must_say(text, what="what the case is about")
    if not Broker.objects.filter(code=broker_code).exists():
        raise NoSuchBroker(f"Code {broker_code} belongs to no broker: correct it.")
    try:
        with transaction.atomic():
            case = Case.objects.create(
                broker_id=broker_code,
                kind=kind,
                title=title,
                is_flagged=is_flagged,
                opened_at=now,
                opened_by_id=by,
                owner_id=by,
            )
    except IntegrityError:
        if open_conflict(broker_code) is None:
            raise  # another fault: that is no answer
        raise ConflictIsOpen("This broker has an open affiliate conflict: go on with that one.") from None
    entry(case, CaseEntry.Kind.OPENED, by=by, now=now, text=text)
    _add_files(case, evidence, by=by, now=now, text="")
    return case


@transaction.atomic
def take(*, case_id: int, by: int, now: datetime) -> None:
    """Look after a case from now on; it is flagged no more.

    Refuses `NoSuchCase`, `CaseIsClosed`, `AlreadyYours`.
    """
    case = _open_and_locked(case_id)
    if case.owner_id == by and not case.is_flagged:
        raise AlreadyYours("You look after this case already.")
    case.owner_id, case.is_flagged = by, False
    case.save(update_fields=["owner", "is_flagged"])
    entry(case, CaseEntry.Kind.TAKEN, by=by, now=now)


@transaction.atomic
def note(*, case_id: int, text: str, by: int, now: datetime) -> None:
    """Write down something for staff. Refuses `NoSuchCase`, `CaseIsClosed`, `NotSaid`."""
    case = _open_and_locked(case_id)
    entry(case, CaseEntry.Kind.NOTE, by=by, now=now, text=must_say(text, what="a note"))


@transaction.atomic
def add_evidence(*, case_id: int, text: str, files: Sequence[NewFile], by: int, now: datetime) -> None:
    """Add files with a word on what they show.

    Refuses `NoSuchCase`, `CaseIsClosed`, `NotSaid`, and what evidence refuses.
    """
    case = _open_and_locked(case_id)
    if not files:
        raise evidences.NotAFile("Choose at least one file.")
    _add_files(case, files, by=by, now=now, text=must_say(text, what="what the files show"))


@transaction.atomic
def close(*, case_id: int, outcome: str, by: int, now: datetime) -> None:
    """Close a case with its outcome. What it holds stays held.

    Refuses `NoSuchCase`, `CaseIsClosed`, `NotSaid`, and `NotYetClosable` while a suspension of the case is
    in force or planned, a termination is prepared, an appeal is open, or, in an affiliate conflict, the
    exchange still says that the broker is an affiliate and the broker is not terminated.
    """
    outcome = must_say(outcome, what="the outcome")
    # The same order as the sweep that asks the exchange: first the check, then the case.
    case = Case.objects.filter(pk=case_id).first()
    if case is not None and case.kind == Case.Kind.AFFILIATE:
        list(AffiliateCheck.objects.select_for_update().filter(broker_id=case.broker_id))
    case = _open_and_locked(case_id)
    _must_be_done(case, now)
    case.state, case.is_flagged, case.outcome = Case.State.CLOSED, False, outcome
    case.closed_at, case.closed_by_id = now, by
    case.save(update_fields=["state", "is_flagged", "outcome", "closed_at", "closed_by"])
    entry(case, CaseEntry.Kind.CLOSED, by=by, now=now, text=outcome)


@transaction.atomic
def reopen(*, case_id: int, text: str, by: int | None, now: datetime) -> None:
    """Go on with a closed case; `text` says why. `by` None: the portal itself.

    Refuses `NoSuchCase`, `CaseIsOpen`, `NotSaid`, `ConflictIsOpen`.
    """
    case = locked(case_id)
    text = must_say(text, what="why the case is reopened")
    if case.state != Case.State.CLOSED:
        raise CaseIsOpen("This case is open already.")
    case.state, case.outcome, case.closed_at, case.closed_by_id = Case.State.OPEN, "", None, None
    try:
        with transaction.atomic():
            case.save(update_fields=["state", "outcome", "closed_at", "closed_by"])
    except IntegrityError:
        if open_conflict(case.broker_id) is None:
            raise  # another fault: that is no answer
        raise ConflictIsOpen(
            "This broker has another open affiliate conflict: go on with that one."
        ) from None
    entry(case, CaseEntry.Kind.REOPENED, by=by, now=now, text=text)


def entry(case: Case, kind: str, *, by: int | None, now: datetime, text: str = "") -> CaseEntry:
    """Add to a case's timeline, in the transaction of the act that it tells of."""
    return CaseEntry.objects.create(case=case, kind=kind, at=now, by_id=by, text=text)


def locked(case_id: int, *, broker_code: int | None = None) -> Case:
    """The case, which nobody else changes until this transaction ends. Refuses `NoSuchCase`.

    Acts that touch a case take it first, before they write a change of standing, so that none wait in a ring.
    """
    found = Case.objects.select_for_update(no_key=True).filter(pk=case_id).first()
    if found is None or broker_code not in (None, found.broker_id):
        raise NoSuchCase("There is no such case of this broker: choose one from the list.")
    return found


def open_conflict(broker_code: int) -> Case | None:
    """The broker's open affiliate conflict."""
    return Case.objects.filter(broker_id=broker_code, kind=Case.Kind.AFFILIATE, state=Case.State.OPEN).first()


def _open_and_locked(case_id: int) -> Case:
    case = locked(case_id)
    if case.state != Case.State.OPEN:
        raise CaseIsClosed(_STILL_CLOSED)
    return case


def _add_files(case: Case, files: Sequence[NewFile], *, by: int | None, now: datetime, text: str) -> None:
    if not files:
        return
    if by is None:
        raise ValueError("evidence is added by a person")
    made = evidences.put(case, files, by=by, now=now)
    names = ", ".join(each.name for each in made)
    entry(case, CaseEntry.Kind.EVIDENCE, by=by, now=now, text=f"{text}\n{names}".strip())


def _must_be_done(case: Case, now: datetime) -> None:
    of_case = StandingRange.objects.filter(change__case=case, kind=StandingChange.Kind.SUSPENDED)
    # One that was cancelled, lifted or cut off by a termination has an end that has come.
    if of_case.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=now)).exists():
        raise NotYetClosable("The suspension of this case is in force or planned: lift it first.")
    if Termination.objects.filter(case=case, state=Termination.State.PREPARED).exists():
        raise NotYetClosable(
            "A termination is prepared in this case: have it confirmed or withdraw it first."
        )
    if Appeal.objects.filter(case=case, state=Appeal.State.OPEN).exists():
        raise NotYetClosable("An appeal in this case is open: decide it first.")
    if case.kind == Case.Kind.AFFILIATE and _is_still_an_affiliate(case.broker_id, now):
        raise NotYetClosable(
            "Backpack Exchange still says that this broker is enrolled in the Affiliate Program: wait until"
            " it has left, or terminate the broker."
        )


def _is_still_an_affiliate(broker_code: int, now: datetime) -> bool:
    says_so = AffiliateCheck.objects.filter(
        broker_id=broker_code,
        answer=AffiliateCheck.Answer.AFFILIATE,
        account_id=F("broker__account_id"),
    )
    ended = StandingRange.objects.filter(
        broker_id=broker_code, kind=StandingChange.Kind.TERMINATED, starts_at__lte=now
    )
    return says_so.exists() and not ended.exists()
