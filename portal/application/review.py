"""What a reviewer does with an application. Every act asks for the right and for whose business it is."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pghistory
from django.db import transaction
from django.db.models import Q

from payouts.desk import enrol
from payouts.exchange.eligibility import (
    AFFILIATE,
    IsAnAffiliate,
    NoSuchAccount,
    NotABusinessAccount,
    must_be_eligible,
)
from payouts.exchange.port import Account, Exchange
from payouts.program.models import Broker
from payouts.refusal import Refusal
from portal.accounts.staff_roles import Act, OwnBroker, must_be_allowed
from portal.application import account_answer, asking, course, risk
from portal.application.models import (
    Application,
    ExchangeAnswer,
    RejectionReason,
    ReviewNote,
    State,
    TimelineEntry,
)
from portal.application.risk_facts import card_of
from portal.team import actions as team
from portal.team.models import Membership, Role

#: Staff may still act: it was sent, and nobody decided.
OPEN = (State.SUBMITTED, State.IN_REVIEW, State.INFORMATION_REQUESTED)
#: Complete, so that it can be approved.
COMPLETE = (State.SUBMITTED, State.IN_REVIEW)
#: What is proposed as the days until the business may apply again; 0 is at once.
REAPPLY_DAYS = {
    RejectionReason.AFFILIATE: 0,
    RejectionReason.NO_BUSINESS_ACCOUNT: 0,
    RejectionReason.NOT_A_PLATFORM: 90,
    RejectionReason.COUNTRY: 90,
    RejectionReason.UNVERIFIABLE: 30,
    RejectionReason.DUPLICATE: 90,
    RejectionReason.OTHER: 30,
}
#: What is proposed as the message to the applicant.
MESSAGES = {
    RejectionReason.AFFILIATE: f"{AFFILIATE} Once the account has left the Affiliate Program, apply again.",
    RejectionReason.NO_BUSINESS_ACCOUNT: "The account you named is not a business account at Backpack"
    " Exchange. Open up a business account at Backpack Exchange, then apply again.",
    RejectionReason.NOT_A_PLATFORM: "The program is for trading platforms and order execution service"
    " providers. From what you sent us we could not see that your business is one.",
    RejectionReason.COUNTRY: "We cannot serve businesses registered in your country at present.",
    RejectionReason.UNVERIFIABLE: "We could not verify your business from what you sent us. Apply again with"
    " a recent certificate of registration and a proof of address.",
    RejectionReason.DUPLICATE: "Your business is in the program already. Write to vip@backpack.exchange to be"
    " added to its team.",
    RejectionReason.OTHER: "",
}


class TakenMeanwhile(Refusal):
    """Another reviewer took or gave back the application after it was shown."""


class CodeGone(Refusal):
    """The next free code that was shown is another broker's now."""


class RiskNotAcknowledged(Refusal):
    """High risk, and the reviewer did not write why it is approved nevertheless."""


class NothingWritten(Refusal):
    """The act needs words and has none."""


class ReasonUnknown(Refusal):
    """A rejection names one of the reasons."""


class DateGone(Refusal):
    """The date from which to apply again lies in the past."""


class ApplicantSwitchedOff(Refusal):
    """Nobody could act as the owner."""


class NotAnswerable(Refusal):
    """The exchange answered about another account."""


def must_be_free(login: Any, application: Application) -> None:
    """Refuse `OwnBroker` for the applicant and for members of the business that it is or would become."""
    own = Q(broker=application.broker_id) if application.broker_id is not None else Q()
    if application.account_id:
        own |= Q(broker__account_id=application.account_id)
    if application.applicant_id == login.pk:
        raise OwnBroker("This is your own application: another reviewer must act on it.")
    if own and Membership.objects.filter(own, login=login).exists():
        raise OwnBroker("You belong to this business: another reviewer must act on its application.")


@transaction.atomic
def take(*, reference: UUID, holder: int | None, by: Any, now: datetime) -> Application:
    """Make it the reviewer's own; the first to take it begins the review.

    `holder` is the login that the screen named as having it, None for nobody. Refuses `NotYourRole`,
    `OwnBroker`, `WrongState`, `TakenMeanwhile`.
    """
    application = _open(reference, seen=None, states=OPEN, by=by)
    _must_be_held_by(application, holder)
    application.assignee = by
    if application.state == State.SUBMITTED:
        application.state = State.IN_REVIEW
        course.took(application, TimelineEntry.Kind.REVIEW_STARTED, by=by, now=now)
    else:
        application.save(update_fields=["assignee"])
    return application


@transaction.atomic
def release(*, reference: UUID, holder: int | None, by: Any) -> Application:
    """Give it back to the queue. Refuses `NotYourRole`, `OwnBroker`, `WrongState`, `TakenMeanwhile`."""
    application = _open(reference, seen=None, states=OPEN, by=by)
    _must_be_held_by(application, holder)
    application.assignee = None
    application.save(update_fields=["assignee"])
    return application


@transaction.atomic
def note(*, reference: UUID, text: str, by: Any, now: datetime) -> ReviewNote:
    """Note something for other staff, in any state. Refuses `NotYourRole`, `OwnBroker`, `NothingWritten`."""
    application = _open(
        reference, seen=None, states=(*OPEN, State.APPROVED, State.REJECTED, State.WITHDRAWN), by=by
    )
    return ReviewNote.objects.create(application=application, at=now, by=by, text=_words(text, "the note"))


@transaction.atomic
def ask(*, reference: UUID, seen: int, text: str, by: Any, now: datetime) -> Application:
    """Ask the applicant for something; the review waits for the answer.

    Refuses `NotYourRole`, `OwnBroker`, `Overtaken`, `WrongState`, `NothingWritten`.
    """
    application = _open(reference, seen=seen, states=COMPLETE, by=by)
    words = _words(text, "what you need")
    application.state = State.INFORMATION_REQUESTED
    application.assignee = application.assignee or by
    course.took(application, TimelineEntry.Kind.INFORMATION_REQUESTED, by=by, now=now, text=words)
    return application


@transaction.atomic
def reject(
    *, reference: UUID, seen: int, reason: str, message: str, reapply_from: date, by: Any, now: datetime
) -> Application:
    """Turn the application down, with the reason and the words that the applicant reads.

    "Backpack reserves the right, at its sole discretion": a person rejects, never the risk card. Refuses
    `NotYourRole`, `OwnBroker`, `Overtaken`, `WrongState`, `ReasonUnknown`, `NothingWritten`, `DateGone`.
    """
    with pghistory.context(reason=f"rejected: {reason[:50]}"):
        application = _open(reference, seen=seen, states=OPEN, by=by)
        if reason not in RejectionReason.values:
            raise ReasonUnknown("Choose one of the reasons.")
        if reapply_from < now.date():
            raise DateGone("The date from which to apply again has passed: choose today or a later day.")
        application.state = State.REJECTED
        application.rejection_reason = reason
        application.decision_message = _words(message, "what the applicant is told")
        application.reapply_from = reapply_from
        _decided(application, by=by, now=now)
        course.took(
            application, TimelineEntry.Kind.REJECTED, by=by, now=now, text=application.decision_message
        )
    return application


def reapply_proposal(reason: str, today: date) -> date:
    """From when a business may apply again, as proposed for a reason."""
    return today + timedelta(days=REAPPLY_DAYS[RejectionReason(reason)])


def asked(*, reference: UUID, by: Any, exchange: Exchange, now: datetime) -> ExchangeAnswer:
    """Ask the exchange about the account now and keep what it says. Called outside of any transaction.

    Refuses `NotYourRole`, `OwnBroker`, `ExchangeUnavailable`; then nothing changed.
    """
    application = Application.objects.get(reference=reference)
    must_be_allowed(by, Act.REVIEW)
    must_be_free(by, application)
    answer = account_answer.meaning(exchange.account(application.account_id))
    asking.record_answer(reference=reference, account_id=application.account_id, answer=answer, now=now)
    return answer


def approve(
    *,
    reference: UUID,
    seen: int,
    code: int,
    was_proposed: bool,
    acknowledged: str,
    by: Any,
    exchange: Exchange,
    now: datetime,
) -> Broker:
    """Let the business in: code, standing, owner, state and timeline in one transaction, or nothing.

    `code` is the one on the screen, `was_proposed` if it was the next free one and not chosen by hand;
    `acknowledged` says why a high risk is taken. The exchange is asked freshly, before the transaction.
    Refuses `NotYourRole`, `OwnBroker`, `Overtaken`, `WrongState`, `ExchangeUnavailable`, `NoSuchAccount`,
    `NotABusinessAccount`, `IsAnAffiliate`, `ApplicantSwitchedOff`, `RiskNotAcknowledged`, `CodeGone`,
    `CodeTaken`, `NotACode`.

    "Send your unique broker code as the API request header."
    """
    must_be_allowed(by, Act.REVIEW)
    shown = Application.objects.get(reference=reference)
    must_be_free(by, shown)
    account = exchange.account(shown.account_id)
    if account is not None and account.account_id != shown.account_id:
        raise NotAnswerable("The exchange answered about another account: ask again.")
    try:
        return _let_in(reference, seen, code, was_proposed, acknowledged, by, account, now)
    except (NoSuchAccount, NotABusinessAccount, IsAnAffiliate):
        asking.record_answer(
            reference=reference,
            account_id=shown.account_id,
            answer=account_answer.meaning(account),
            now=now,
        )
        raise


@transaction.atomic
def _let_in(
    reference: UUID,
    seen: int,
    code: int,
    was_proposed: bool,
    acknowledged: str,
    by: Any,
    account: Account | None,
    now: datetime,
) -> Broker:
    with pghistory.context(
        reason=f"approved: {acknowledged.strip()}" if acknowledged.strip() else "approved"
    ):
        application = _open(reference, seen=seen, states=COMPLETE, by=by)
        if not application.applicant.is_active:
            raise ApplicantSwitchedOff(
                "The applicant's login is switched off: switch it on first, or reject."
            )
        must_be_eligible(account)
        account_answer.put(application, account_answer.meaning(account), now=now)
        if card_of(application).level is risk.Level.HIGH and not acknowledged.strip():
            raise RiskNotAcknowledged("The risk is high: write why the business is let in nevertheless.")
        broker = _enrolled(application, code, was_proposed, by, account, now)
        team.add_member(login=application.applicant, broker_code=broker.code, role=Role.OWNER, now=now)
        application.state = State.APPROVED
        application.broker = broker
        _decided(application, by=by, now=now)
        course.took(application, TimelineEntry.Kind.APPROVED, by=by, now=now)
        if acknowledged.strip():
            note(reference=reference, text=f"Approved at high risk: {acknowledged.strip()}", by=by, now=now)
    return broker


def _enrolled(
    application: Application,
    code: int,
    was_proposed: bool,
    by: Any,
    account: Account | None,
    now: datetime,
) -> Broker:
    try:
        return enrol.enrol(
            name=application.legal_name,
            account_id=application.account_id,
            account=account,
            code=code,
            by=by.pk,
            now=now,
            note=f"application {application.reference}",
        )
    except enrol.CodeTaken:
        if not was_proposed:
            raise
        raise CodeGone(
            f"Code {code} went to another broker a moment ago, and nothing was done: see the next free one"
            " and confirm again."
        ) from None


def _open(reference: UUID, *, seen: int | None, states: tuple[State, ...], by: Any) -> Application:
    must_be_allowed(by, Act.REVIEW)
    application = course.locked(reference, seen=seen, states=states)
    must_be_free(by, application)
    return application


def _decided(application: Application, *, by: Any, now: datetime) -> None:
    application.decided_at = now
    application.decided_by = by
    application.assignee = application.assignee or by
    application.exchange_due_at = None


def _must_be_held_by(application: Application, holder: int | None) -> None:
    if application.assignee_id != holder:
        who = str(application.assignee) if application.assignee else "nobody"
        raise TakenMeanwhile(f"In the meantime {who} has this application; look at it again.")


def _words(text: str, what: str) -> str:
    words = text.strip()
    if not words:
        raise NothingWritten(f"Write {what}: the field is empty.")
    return words
