"""Asks people into a broker's team: invite, send again, withdraw, accept."""

from datetime import datetime, timedelta
from typing import Any

import pghistory
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction

from payouts.exchange.eligibility import must_be_eligible
from payouts.exchange.port import Account
from payouts.program import queries as program
from payouts.program.models import Broker, StandingChange
from payouts.refusal import Refusal
from portal.accounts.actions import NotAnAddress
from portal.accounts.staff_roles import Act, OwnBroker, must_be_allowed
from portal.letters import actions as letters
from portal.letters.models import Letter
from portal.team import links, queries
from portal.team.actions import NoSuchBroker, add_member
from portal.team.models import Invitation, Membership, Role

OPEN_FOR = timedelta(days=14)
#: A letter is not sent again sooner: mailboxes and mail servers take their time.
BETWEEN_LETTERS = timedelta(minutes=5)
#: The first of the two numbers of the advisory lock; the second is the broker's code.
_TEAM_LOCK = 7_230_021


class HasOwner(Refusal):
    """The broker has an owner already."""


class InvitedAlready(Refusal):
    """An invitation is open."""


class YourOwnAddress(Refusal):
    """Staff do not make themselves members of a broker."""


class NoSuchInvitation(Refusal):
    """No invitation has the number."""


class SentJustNow(Refusal):
    """A letter went out a moment ago."""


class OutOfProgram(Refusal):
    """The broker's participation was terminated."""


class NotDeclared(Refusal):
    """Declaration or terms were not accepted."""


class TermsChanged(Refusal):
    """Other terms came into force while the page was open."""


class AnotherAccount(Refusal):
    """The exchange was asked about another account than the broker's."""


@transaction.atomic
def invite_owner(*, broker_code: int, email: str, by: Any, now: datetime) -> Invitation:
    """Ask an address to be the first owner of a broker that has none; open for `OPEN_FOR`.

    Refuses `NotYourRole`, `OwnBroker`, `NotAnAddress`, `YourOwnAddress`, `NoSuchBroker`, `OutOfProgram`,
    `HasOwner`, `InvitedAlready`.
    """
    _must_be_allowed(by, broker_code)
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise NotAnAddress(
            f"'{email[:100]}' is not an e-mail address: write it as name@example.com"
        ) from None
    if email == by.email or queries.owns(by, email):
        raise YourOwnAddress("This is your own address: staff do not make themselves owners of a broker.")
    broker = program.broker_with(broker_code)
    if broker is None:
        raise NoSuchBroker(f"No broker has the code {broker_code}: check the code.")
    _one_at_a_time(broker_code)
    _must_have_no_owner(broker)
    for earlier in Invitation.objects.select_for_update(of=("self",)).filter(
        broker=broker, state=Invitation.State.OPEN
    ):
        if now < earlier.expires_at:
            raise InvitedAlready(
                f"{earlier.email} is invited until {earlier.expires_at:%Y-%m-%d %H:%M} UTC:"
                " send that letter again, or withdraw the invitation first."
            )
        with pghistory.context(reason="ran out, another is made"):
            _withdraw(earlier)
    with pghistory.context(reason="first owner invited"):
        invitation = Invitation.objects.create(
            broker=broker,
            email=email,
            role=Role.OWNER,
            invited_by=by,
            invited_at=now,
            expires_at=now + OPEN_FOR,
        )
    _write_letter(invitation, number=1, now=now)
    return invitation


@transaction.atomic
def send_invitation_again(*, invitation_id: int, by: Any, now: datetime) -> None:
    """Send the letter of an open invitation once more; its time does not begin anew.

    Refuses `NoSuchInvitation`, `NotYourRole`, `OwnBroker`, `UsedAlready`, `NoLongerOpen`, `SentJustNow`.
    """
    invitation = _locked(invitation_id)
    _must_be_allowed(by, invitation.broker_id)
    queries.must_be_open(invitation, now=now)
    written = list(
        Letter.objects.filter(key__startswith=_key(invitation, "")).values_list("written_at", flat=True)
    )
    if written and now < max(written) + BETWEEN_LETTERS:
        raise SentJustNow(
            f"A letter was written at {max(written):%H:%M:%S} UTC: wait"
            f" {int(BETWEEN_LETTERS.total_seconds()) // 60} minutes before the next."
        )
    _write_letter(invitation, number=len(written) + 1, now=now)


@transaction.atomic
def withdraw_invitation(*, invitation_id: int, by: Any) -> None:
    """Take an invitation back: its link opens nothing any more.

    Refuses `NoSuchInvitation`, `NotYourRole`, `OwnBroker`, `UsedAlready`, `NoLongerOpen`.
    """
    invitation = _locked(invitation_id)
    _must_be_allowed(by, invitation.broker_id)
    queries.must_be_undecided(invitation)
    with pghistory.context(reason="invitation withdrawn"):
        _withdraw(invitation)


@transaction.atomic
def accept(
    *,
    token: str,
    login: Any,
    account: Account | None,
    terms_version: str,
    is_no_affiliate: bool,
    address: str,
    now: datetime,
) -> Membership:
    """A login takes up an invitation and becomes the broker's first owner.

    `account` is what the exchange has just answered about the broker's account, `terms_version` the terms
    that were on the page, `address` from where they were accepted. Refuses as `queries.invited` does, and
    `NotDeclared`, `TermsChanged`, `NoSuchAccount`, `NotABusinessAccount`, `IsAnAffiliate`, `OutOfProgram`,
    `HasOwner`, `AlreadyMember`, `YourOwnAddress`.

    "Enrollment in one program will preclude enrollment in the other."
    """
    shown = links.invitation_of(token)
    broker = shown.broker
    _one_at_a_time(broker.code)
    invitation = _locked(shown.pk)
    queries.must_be_open(invitation, now=now)
    queries.must_own_the_address(login, invitation.email)
    if login.pk == invitation.invited_by_id:
        raise YourOwnAddress("You sent this invitation: staff do not make themselves owners of a broker.")
    if not is_no_affiliate:
        raise NotDeclared("Declare that the business is not enrolled in the Affiliate Program.")
    if terms_version != queries.terms_in_force(now).name:
        raise TermsChanged(
            "The program's terms changed while this page was open: read them and accept again."
        )
    must_be_eligible(account)
    if account is None or account.account_id != broker.account_id:
        raise AnotherAccount("The exchange was asked about another account: open the invitation again.")
    _must_have_no_owner(broker)
    with pghistory.context(reason="invitation accepted"):
        membership = add_member(login=login, broker_code=broker.code, role=invitation.role, now=now)
        invitation.state = Invitation.State.ACCEPTED
        invitation.accepted_by, invitation.accepted_at = login, now
        invitation.terms_version, invitation.terms_address = terms_version, address
        invitation.save(
            update_fields=["state", "accepted_by", "accepted_at", "terms_version", "terms_address"]
        )
    return membership


def _must_be_allowed(by: Any, broker_code: int) -> None:
    must_be_allowed(by, Act.INVITE)
    if queries.is_member(by, broker_code):
        raise OwnBroker("You are a member of this broker's team: another member of staff has to do this.")


def _must_have_no_owner(broker: Broker) -> None:
    if StandingChange.objects.filter(broker=broker, kind=StandingChange.Kind.TERMINATED).exists():
        raise OutOfProgram(f"{broker} was terminated: write to vip@backpack.exchange.")
    if queries.has_owner(broker.code):
        raise HasOwner(f"{broker} has an owner already: nobody else can become its first one.")


def _one_at_a_time(broker_code: int) -> None:
    """Who would be first owner of the same broker waits here until the transaction before has ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_TEAM_LOCK, broker_code])


def _locked(invitation_id: int) -> Invitation:
    found = (
        Invitation.objects.select_for_update(of=("self",))
        .select_related("broker")
        .filter(pk=invitation_id)
        .first()
    )
    if found is None:
        raise NoSuchInvitation("There is no such invitation: open the broker's page again.")
    return found


def _withdraw(invitation: Invitation) -> None:
    invitation.state = Invitation.State.WITHDRAWN
    invitation.save(update_fields=["state"])


def _key(invitation: Invitation, number: int | str) -> str:
    return f"invitation:{invitation.pk}:{number}"


def _write_letter(invitation: Invitation, *, number: int, now: datetime) -> None:
    letters.write(
        key=_key(invitation, number),
        kind="invitation",
        to=invitation.email,
        facts={
            "broker": invitation.broker.name,
            "role": invitation.role,
            "invited_by": "Backpack",
            "expires_at": invitation.expires_at.isoformat(),
        },
        link={"kind": "invite", "invitation": invitation.pk},
        now=now,
    )
