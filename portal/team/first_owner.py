"""The exchange asks in the first owner of a broker that has none: invite, send again, withdraw, accept."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from payouts.exchange.eligibility import must_be_eligible
from payouts.exchange.port import Account
from payouts.program import queries as program
from payouts.program.models import Broker, StandingChange
from payouts.refusal import Refusal
from portal.team import guards, invitations, links, queries
from portal.team.actions import NoSuchBroker
from portal.team.models import Invitation, Membership, Role

OPEN_FOR = timedelta(days=14)


class HasOwner(Refusal):
    """The broker has an owner already."""


class YourOwnAddress(Refusal):
    """Staff do not make themselves members of a broker."""


class ByAMember(Refusal):
    """The exchange does not send the invitations of a broker's members."""


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
    guards.must_be_allowed_on(by, broker_code)
    email = invitations.an_address(email)
    if email == by.email or queries.owns(by, email):
        raise YourOwnAddress("This is your own address: staff do not make themselves owners of a broker.")
    broker = program.broker_with(broker_code)
    if broker is None:
        raise NoSuchBroker(f"No broker has the code {broker_code}: check the code.")
    guards.one_at_a_time(broker_code)
    _must_have_no_owner(broker)
    for earlier in Invitation.objects.select_for_update(of=("self",)).filter(
        broker=broker, state=Invitation.State.OPEN
    ):
        # What a member sent holds no longer: nobody is left who may invite.
        if now < earlier.expires_at and queries.is_by_exchange(earlier):
            raise invitations.InvitedAlready(
                f"{earlier.email} is invited until {earlier.expires_at:%Y-%m-%d %H:%M} UTC:"
                " send that letter again, or withdraw the invitation first."
            )
        invitations.take_back(
            earlier, by=by, is_by_exchange=True, now=now, why="holds no longer, another is made"
        )
    return invitations.make(
        broker=broker,
        email=email,
        role=Role.OWNER,
        open_for=OPEN_FOR,
        by=by,
        is_by_exchange=True,
        now=now,
    )


@transaction.atomic
def send_invitation_again(*, invitation_id: int, by: Any, now: datetime) -> None:
    """Send the letter of an open invitation once more; its time does not begin anew.

    Refuses `NoSuchInvitation`, `NotYourRole`, `OwnBroker`, `ByAMember`, `UsedAlready`, `NoLongerOpen`,
    `SentJustNow`.
    """
    invitation = invitations.locked(invitation_id)
    guards.must_be_allowed_on(by, invitation.broker_id)
    if not queries.is_by_exchange(invitation):
        raise ByAMember("A member of the broker sent this invitation: only its owners send it again.")
    queries.must_be_open(invitation, now=now)
    written = invitations.letters_of(invitation)
    invitations.must_have_waited(written, now=now)
    invitations.write_letter(invitation, number=len(written) + 1, invited_by=invitations.EXCHANGE, now=now)


@transaction.atomic
def withdraw_invitation(*, invitation_id: int, by: Any, now: datetime) -> None:
    """Take an invitation back, a member's too: its link opens nothing any more.

    Refuses `NoSuchInvitation`, `NotYourRole`, `OwnBroker`, `UsedAlready`, `NoLongerOpen`.
    """
    invitation = invitations.locked(invitation_id)
    guards.must_be_allowed_on(by, invitation.broker_id)
    queries.must_be_undecided(invitation)
    invitations.take_back(invitation, by=by, is_by_exchange=True, now=now)


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
    """A login takes up an invitation of the exchange and becomes the broker's first owner.

    `account` is what the exchange has just answered about the broker's account, `terms_version` the terms
    that were on the page, `address` from where they were accepted. It may be done while the broker is
    suspended, because only an owner can appeal. Refuses as `queries.invited` does, and `NotDeclared`,
    `TermsChanged`, `NoSuchAccount`, `NotABusinessAccount`, `IsAnAffiliate`, `OutOfProgram`, `HasOwner`,
    `AlreadyMember`, `YourOwnAddress`, `ExchangeStaff`.

    "Enrollment in one program will preclude enrollment in the other."
    """
    shown = links.invitation_of(token)
    broker = shown.broker
    guards.one_at_a_time(broker.code)
    invitation = invitations.locked(shown.pk)
    queries.must_hold(invitation, now=now)
    queries.must_own_the_address(login, invitation.email)
    if login.pk == invitation.invited_by_id:
        raise YourOwnAddress("You sent this invitation: staff do not make themselves owners of a broker.")
    guards.must_not_be_staff(login)
    if not queries.is_by_exchange(invitation):
        raise queries.NoLongerOpen("A member of the broker sent this invitation: open its link again.")
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
    return invitations.take_up(
        invitation, login=login, now=now, terms_version=terms_version, terms_address=address
    )


def _must_have_no_owner(broker: Broker) -> None:
    if StandingChange.objects.filter(broker=broker, kind=StandingChange.Kind.TERMINATED).exists():
        raise guards.OutOfProgram(f"{broker} was terminated: write to vip@backpack.exchange.")
    if queries.has_owner(broker.code):
        raise HasOwner(f"{broker} has an owner already: nobody else can become its first one.")
