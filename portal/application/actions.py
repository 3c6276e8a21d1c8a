"""What an applicant does with an application: start it, save it, submit it, answer, withdraw."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from payouts.month import Month
from payouts.refusal import Refusal
from portal.application import account_answer, course, documents, steps
from portal.application.models import OPEN_STATES, Application, ExchangeAnswer, State, TimelineEntry

EDITABLE = (State.DRAFT, State.INFORMATION_REQUESTED)
_NO_ADDRESS = "0.0.0.0"  # noqa: S104 - stands for "the server did not say", never listened on
#: What a business that applies again need not type again.
_PREFILLED = tuple(name for slug in steps.CORRECTABLE for name in steps.step_named(slug).fields)


class TooEarly(Refusal):
    """The business was refused and may apply again from a date that has not come."""


class WentOn(Refusal):
    """The application changed after it was shown to the applicant."""


class ChangedMeanwhile(Refusal):
    """Another tab saved the same step after it was shown in this one."""


class MustStayComplete(Refusal):
    """What we have been sent may be corrected, not emptied."""


class NotComplete(Refusal):
    """Something is still missing."""


class AccountRefused(Refusal):
    """The exchange says that the account may not join."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the exchange has just answered about which account."""

    account_id: str
    answer: str


def may_edit(application: Application, slug: str) -> bool:
    """A draft is open in every step; what we ask about may be corrected, declarations stay."""
    if application.state == State.DRAFT:
        return True
    return application.state == State.INFORMATION_REQUESTED and slug in steps.CORRECTABLE


def start(*, login: Any, now: datetime) -> UUID:
    """The login's open application, made now unless it has one; its reference.

    Filled in from the last one that was refused or withdrawn. Refuses `TooEarly`.
    """
    try:
        with transaction.atomic():
            return _start(login, now)
    except IntegrityError:
        # A second click came first: the constraint lets one of them make it.
        return Application.objects.get(applicant=login, state__in=OPEN_STATES).reference


def save_step(
    *,
    reference: UUID,
    slug: str,
    values: Mapping[str, Any],
    shown: str,
    now: datetime,
    answer: str | None = None,
) -> Application:
    """Save what is right of a step. `shown` is the digest of what the step held when it was shown.

    `answer` is what the exchange has just said of the account; another account without an answer is asked
    about later. Refuses `ChangedMeanwhile`, `MustStayComplete`, `WentOn`.
    """
    step = steps.step_named(slug)
    stray = set(values) - set(step.fields)
    if stray:
        raise ValueError(f"not of this step: {stray}")
    with transaction.atomic():
        application = _locked(reference, seen=None, states=EDITABLE)
        before = vars(application).copy()
        changes = {name: value for name, value in values.items() if before[name] != value}
        if changes and steps.digest(slug, before) != shown:
            raise ChangedMeanwhile(
                _(
                    "This step was saved in another tab meanwhile. What you typed here is not saved yet:"
                    " save again to keep it."
                )
            )
        for name, value in changes.items():
            setattr(application, name, value)
        if application.state != State.DRAFT:
            _must_be_correction(application, slug)
        if "account_id" in changes:
            account_answer.forget(application, now=now)
        if answer is not None:
            account_answer.put(application, answer, now=now)
        application.saved_at = now
        application.version += bool(changes)
        application.save(
            update_fields=[
                *step.fields,
                "exchange_answer",
                "exchange_answered_at",
                "exchange_due_at",
                "saved_at",
                "version",
            ]
        )
    return application


def save_declarations(
    *, reference: UUID, is_no_affiliate: bool, accepts_terms: bool, address: str, shown: str, now: datetime
) -> Application:
    """Save what was declared: the terms in force with the time and the address they were accepted from.

    "Please note that the API Broker Program and the Backpack Affiliate Program are mutually exclusive."
    Refuses as `save_step`.
    """
    terms = steps.terms_in_force(Month.of(now)).name
    values: dict[str, Any] = {"is_no_affiliate": is_no_affiliate}
    accepted_before = Application.objects.values_list("terms_version", flat=True).get(reference=reference)
    if accepts_terms and accepted_before != terms:
        values |= {"terms_version": terms, "terms_accepted_at": now, "terms_address": address or _NO_ADDRESS}
    elif not accepts_terms:
        values |= {"terms_version": "", "terms_accepted_at": None, "terms_address": None}
    return save_step(reference=reference, slug="declarations", values=values, shown=shown, now=now)


def submit(*, reference: UUID, seen: int | None, asked: Asked | None, now: datetime) -> Application:
    """Send the application to review. `asked` is what the exchange has just answered, kept in any case.

    An exchange that did not answer does not hold it up: it is asked again by itself. Refuses `WentOn`,
    `NotComplete`, `AccountRefused`.
    """
    if asked is not None:
        _keep(reference, asked, now)
    with transaction.atomic():
        application = _locked(reference, seen=seen, states=(State.DRAFT,))
        lacking = steps.missing(
            vars(application),
            document_kinds=documents.kinds_of(application),
            terms=steps.terms_in_force(Month.of(now)).name,
        )
        if any(lacking.values()):
            raise NotComplete(_("Something is still missing: complete the steps that say so, then submit."))
        if account_answer.is_refused(application.exchange_answer):
            raise AccountRefused(account_answer.sentence(application.exchange_answer))
        if application.exchange_answer == ExchangeAnswer.UNANSWERED:
            application.exchange_due_at = now
        application.state = State.SUBMITTED
        application.submitted_at = application.saved_at = now
        course.took(application, TimelineEntry.Kind.SUBMITTED, by=application.applicant, now=now)
    return application


def answer(
    *,
    reference: UUID,
    seen: int | None,
    text: str,
    files: list[documents.Upload],
    now: datetime,
) -> Application:
    """Answer our question, with documents where they help; the review goes on.

    All or nothing: a file that is refused leaves the question open. Refuses `WentOn`, `FileRefused`,
    `TooManyDocuments`, `AlreadyThere`.
    """
    checked = documents.checked(reference, files)
    with transaction.atomic():
        application = _locked(reference, seen=seen, states=(State.INFORMATION_REQUESTED,))
        for each in checked:
            documents.put(application, each, by=application.applicant, now=now)
        application.state = State.IN_REVIEW
        application.saved_at = now
        course.took(application, TimelineEntry.Kind.ANSWERED, by=application.applicant, now=now, text=text)
    return application


def withdraw(*, reference: UUID, seen: int | None, now: datetime) -> Application:
    """Take the application back; a new one may be started at once. Refuses `WentOn`."""
    with transaction.atomic():
        application = _locked(reference, seen=seen, states=OPEN_STATES)
        application.state = State.WITHDRAWN
        application.exchange_due_at = None
        application.saved_at = now
        course.took(application, TimelineEntry.Kind.WITHDRAWN, by=application.applicant, now=now)
    return application


def must_be_time(*, login: Any, now: datetime) -> None:
    """Refuse (`TooEarly`) a business before the day from which it may apply again."""
    refused = Application.objects.filter(applicant=login, state=State.REJECTED, reapply_from__gt=now.date())
    last = refused.order_by("-reapply_from").first()
    if last is not None and last.reapply_from is not None:
        raise TooEarly(
            _("You may apply again from %(date)s.") % {"date": date_format(last.reapply_from, "j F Y")}
        )


def _start(login: Any, now: datetime) -> UUID:
    there = Application.objects.filter(applicant=login, state__in=OPEN_STATES).first()
    if there is not None:
        return there.reference
    must_be_time(login=login, now=now)
    made = Application(applicant=login, started_at=now, saved_at=now, contact_email=login.email)
    made.contact_name = login.name
    ended = Application.objects.filter(applicant=login, state__in=(State.REJECTED, State.WITHDRAWN))
    last = ended.order_by("-pk").first()
    if last is not None:
        for name in _PREFILLED:
            setattr(made, name, getattr(last, name))
    made.save(force_insert=True)
    return made.reference


def _locked(reference: UUID, *, seen: int | None, states: tuple[State, ...]) -> Application:
    """As `course.locked`, in words for the applicant: they never name who of the staff was faster."""
    try:
        return course.locked(reference, seen=seen, states=states)
    except (course.Overtaken, course.WrongState):
        raise WentOn(
            _("The application went on while this page was open: nothing was done; look at it as it is now.")
        ) from None


def _must_be_correction(application: Application, slug: str) -> None:
    if slug not in steps.CORRECTABLE:
        raise WentOn(
            _("What you declared stays as you submitted it: tell us in your answer if it has changed.")
        )
    if steps.missing_in(slug, vars(application)):
        raise MustStayComplete(_("You have submitted this: correct it, but leave nothing empty."))


def _keep(reference: UUID, asked: Asked, now: datetime) -> None:
    """Keep the exchange's answer even when the submission is refused for it."""
    with transaction.atomic():
        application = Application.objects.select_for_update(of=("self",)).get(reference=reference)
        if application.state == State.DRAFT and application.account_id == asked.account_id:
            account_answer.put(application, asked.answer, now=now)
            application.save(update_fields=["exchange_answer", "exchange_answered_at", "exchange_due_at"])
