"""Another exchange account for a broker: an owner asks, two of the staff look, 72 hours pass, then it holds.

Where the money goes is what a thief wants to change. So three people take part, the exchange is asked at
every step, every owner can stop it until the last second, and the database refuses whatever goes another way.
"""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

import pghistory
from django.db import IntegrityError, transaction

from payouts.desk.account_apply import apply_due as apply_due
from payouts.desk.account_guards import (
    OPEN,
    belongs_to_another,
    locked,
    must_be,
    must_be_about,
    must_be_another_person,
    must_be_usable,
    must_stand,
    one_at_a_time_to,
)
from payouts.desk.account_steps import end, step
from payouts.desk.models import ACCOUNT_WAIT, AccountChange, AccountChangeStep
from payouts.desk.wording import NotSaid, must_say
from payouts.exchange.eligibility import must_be_eligible
from payouts.exchange.port import Account
from payouts.program.models import Broker
from payouts.refusal import Refusal

_State, _Kind = AccountChange.State, AccountChangeStep.Kind
#: Characters of a reason.
LONGEST_WHY = 1_000


class CannotBeUsed(Refusal):
    """The account may not be this broker's. Never says why: it may be somebody else's."""


class SameAccount(Refusal):
    """It is the account that the broker has."""


class OpenAlready(Refusal):
    """A broker has one open change of account at a time."""


class ChangedSinceShown(Refusal):
    """What would be confirmed is not what the page showed."""


def _cannot_be_used() -> CannotBeUsed:
    return CannotBeUsed(
        "This account cannot be used: give the id of a business account of your own, outside the Affiliate"
        " Program and with no other broker, just as the account's page at Backpack Exchange shows it."
    )


@transaction.atomic
def ask(
    *,
    broker_code: int,
    new_account_id: str,
    account: Account | None,
    by: int,
    address: str | None,
    now: datetime,
) -> AccountChange:
    """An owner wants payouts to go to another account from some day on; nothing changes yet.

    `account` is what the exchange has just answered about `new_account_id`; `address` is the network address
    that the owner asks from. Whatever is wrong with an account that is not this broker's, the sentence is the
    same, so that nobody learns about accounts of others. Refuses `BrokerIsSuspended`, `BrokerIsTerminated`,
    `SameAccount`, `OpenAlready`, `CannotBeUsed`, `AnotherAccount`.
    """
    must_be_about(account, new_account_id)
    must_stand(broker_code, now=now)
    one_at_a_time_to(new_account_id)
    broker = Broker.objects.get(code=broker_code)
    if new_account_id == broker.account_id:
        raise SameAccount("This is the account that the broker has: give another one.")
    if AccountChange.objects.filter(broker=broker, state__in=OPEN).exists():
        raise _open_already()
    try:
        must_be_eligible(account)
    except Refusal:
        raise _cannot_be_used() from None
    if belongs_to_another(new_account_id, broker_code=broker_code) or _is_wanted(new_account_id):
        raise _cannot_be_used()
    try:
        with transaction.atomic(), pghistory.context(reason="an owner asked for another account"):
            change = AccountChange.objects.create(
                broker=broker,
                old_account_id=broker.account_id,
                new_account_id=new_account_id,
                asked_by_id=by,
                asked_at=now,
                asked_from=address or None,
            )
    except IntegrityError as problem:
        # Two asked in the same moment: the database decided which of them.
        if "one_open_change_of_account_per_broker" in str(problem):
            raise _open_already() from None
        if "one_open_change_to_an_account" in str(problem):
            raise _cannot_be_used() from None
        raise
    step(change, _Kind.ASKED, by=by, now=now)
    return change


@transaction.atomic
def prepare(
    *, reference: UUID, account: Account | None, by: int, now: datetime, how: str = ""
) -> AccountChange:
    """The first of the staff has checked who asks and what for; `account` is the exchange's new answer.

    `how` is what they did to be sure that an owner wants it; the history keeps it beside the check.
    Refuses `NoSuchChange`, `WentOn`, `SamePerson`, `BrokerIsSuspended`, `BrokerIsTerminated`, and what an
    account is refused for.
    """
    change = locked(reference)
    must_be(change, _State.ASKED)
    must_be_another_person(by, change.asked_by_id)
    must_stand(change.broker_id, now=now)
    must_be_usable(change, account)
    change.state, change.prepared_by_id, change.prepared_at = _State.PREPARED, by, now
    with pghistory.context(reason=how or "checked by one of the staff"):
        change.save(update_fields=["state", "prepared_by", "prepared_at"])
    step(change, _Kind.PREPARED, by=by, now=now)
    return change


def shown(reference: UUID) -> str:
    """The digest of what is confirmed: broker, both accounts, who asked when and from where, who checked."""
    return _digest(AccountChange.objects.get(reference=reference))


@transaction.atomic
def confirm(*, reference: UUID, shown: str, account: Account | None, by: int, now: datetime) -> AccountChange:
    """The second of the staff confirms what the page showed: from now on 72 hours run.

    Refuses `NoSuchChange`, `WentOn`, `SamePerson`, `ChangedSinceShown`, `BrokerIsSuspended`,
    `BrokerIsTerminated`, and what an account is refused for.
    """
    change = locked(reference)
    must_be(change, _State.PREPARED)
    must_be_another_person(by, change.asked_by_id, change.prepared_by_id)
    must_stand(change.broker_id, now=now)
    if shown != _digest(change):
        raise ChangedSinceShown("Something has changed since this page was shown: look at it again.")
    must_be_usable(change, account)
    change.state, change.confirmed_by_id, change.confirmed_at = _State.CONFIRMED, by, now
    change.effective_at = change.due_at = now + ACCOUNT_WAIT
    with pghistory.context(reason="confirmed by a second of the staff"):
        change.save(update_fields=["state", "confirmed_by", "confirmed_at", "effective_at", "due_at"])
    step(change, _Kind.CONFIRMED, by=by, now=now)
    return change


@transaction.atomic
def cancel(*, reference: UUID, by: int, why: str, now: datetime) -> AccountChange:
    """An owner stops a change that does not hold yet; `why` may be empty. A suspension does not prevent it.

    Refuses `NoSuchChange`, `WentOn`, `NotSaid`.
    """
    if len(why) > LONGEST_WHY or "\0" in why:
        raise NotSaid(f"Write at most {LONGEST_WHY} characters of why it is cancelled, or nothing.")
    change = locked(reference)
    must_be(change, *OPEN)
    with pghistory.context(reason="cancelled by an owner"):
        end(change, _State.CANCELLED, why=why.strip(), by=by, now=now)
    return change


def asker_of_open(broker_code: int) -> int | None:
    """The login that asked for the change that is under way; None if there is none."""
    return (
        AccountChange.objects.filter(broker=broker_code, state__in=OPEN)
        .values_list("asked_by", flat=True)
        .first()
    )


@transaction.atomic
def cancel_asked_by(*, broker_code: int, asked_by: int, by: int, now: datetime) -> None:
    """Whoever asked is no owner any more, so what was asked for holds no longer; owners read why."""
    asked = AccountChange.objects.filter(broker=broker_code, asked_by=asked_by, state__in=OPEN)
    for reference in asked.values_list("reference", flat=True):
        change = locked(reference)
        if change.state in OPEN:
            with pghistory.context(reason="whoever asked is no owner any more"):
                why = "Whoever asked for it is no owner of the broker any more."
                end(change, _State.CANCELLED, why=why, by=by, now=now)


@transaction.atomic
def refuse(*, reference: UUID, why: str, by: int, now: datetime) -> AccountChange:
    """Staff refuse a change that does not hold yet; owners read `why`.

    Refuses `NoSuchChange`, `WentOn`, `NotSaid`.
    """
    why = must_say(why, what="why it is refused", longest=LONGEST_WHY)
    change = locked(reference)
    must_be(change, *OPEN)
    with pghistory.context(reason=f"refused: {why}"):
        end(change, _State.REFUSED, why=why, by=by, now=now)
    return change


def _is_wanted(account_id: str) -> bool:
    return AccountChange.objects.filter(new_account_id=account_id, state__in=OPEN).exists()


def _open_already() -> OpenAlready:
    return OpenAlready("Another change of the account is under way: wait for its end, or cancel it first.")


def _digest(change: AccountChange) -> str:
    facts = (
        change.reference,
        change.broker_id,
        change.broker.name,
        change.broker.account_id,
        change.old_account_id,
        change.new_account_id,
        change.state,
        change.asked_by_id,
        change.asked_at,
        change.asked_from,
        change.prepared_by_id,
        change.prepared_at,
    )
    return sha256(repr([str(each) for each in facts]).encode()).hexdigest()
