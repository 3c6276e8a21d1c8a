"""Reads about teams and invitations: who belongs to a broker, and what an invitation's link opens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.db.models import QuerySet

from payouts.month import Month
from payouts.program.terms import Terms, terms_for
from payouts.refusal import Refusal
from portal.team import links
from portal.team.models import Activity, Invitation, Membership, Role
from portal.team.roles import ROLES, May


class NoLongerOpen(Refusal):
    """The invitation was withdrawn, or its time is up."""


class UsedAlready(Refusal):
    """The invitation was accepted before."""


class AnotherAddress(Refusal):
    """The invitation is for an address that the login does not own, or has not confirmed."""


@dataclass(frozen=True, slots=True)
class Invited:
    """An open invitation as the login that it is meant for sees it."""

    broker_code: int
    broker_name: str
    account_id: str
    role: Role
    expires_at: datetime
    #: Who asks: "Backpack" for the first owner, else a member's address.
    invited_by: str
    is_first_owner: bool
    #: What a first owner accepts.
    terms: Terms
    #: What the role may see and do.
    may: list[May]


def masked(email: str) -> str:
    """An address that its owner recognises and nobody else can write to: o•••@example.com."""
    name, _, domain = email.rpartition("@")
    return f"{name[:1]}•••@{domain}"


def address_asked(token: str, *, now: datetime) -> str:
    """Whose invitation a link is, masked: all that a visitor learns who is not logged in.

    Refuses `BrokenLink`, `NoLongerOpen`, `UsedAlready`.
    """
    invitation = links.invitation_of(token)
    must_hold(invitation, now=now)
    return masked(invitation.email)


def invited(token: str, *, login: Any, now: datetime) -> Invited:
    """What a login is invited to by a link.

    Refuses `BrokenLink`, `NoLongerOpen`, `UsedAlready`, `AnotherAddress`.
    """
    invitation = links.invitation_of(token)
    must_hold(invitation, now=now)
    must_own_the_address(login, invitation.email)
    is_first_owner = is_by_exchange(invitation)
    return Invited(
        broker_code=invitation.broker_id,
        broker_name=invitation.broker.name,
        account_id=invitation.broker.account_id,
        role=Role(invitation.role),
        expires_at=invitation.expires_at,
        invited_by="Backpack" if is_first_owner else invitation.invited_by.email,
        is_first_owner=is_first_owner,
        terms=terms_in_force(now),
        may=[each for each in May if each in ROLES[invitation.role]],
    )


def joined_by(token: str, *, login: Any) -> int | None:
    """The code of the broker that a login joined by this very link; None if it did not."""
    try:
        invitation = links.invitation_of(token)
    except links.BrokenLink:
        return None
    return invitation.broker_id if invitation.accepted_by_id == login.pk else None


def is_by_exchange(invitation: Invitation) -> bool:
    """Whether the exchange asks in a first owner; else a member asks a colleague.

    The broker's log says so, whose rows nobody edits; what is older than the log is the exchange's. What the
    inviter is by now says nothing: members leave, and may be made staff.
    """
    return not Activity.objects.filter(
        broker_id=invitation.broker_id,
        by_id=invitation.invited_by_id,
        at=invitation.invited_at,
        kind=Activity.Kind.INVITED,
        is_by_exchange=False,
    ).exists()


def holds(invitation: Invitation, *, now: datetime) -> bool:
    """Whether its link still opens something."""
    try:
        must_hold(invitation, now=now)
    except (NoLongerOpen, UsedAlready):
        return False
    return True


def must_hold(invitation: Invitation, *, now: datetime) -> None:
    """It is open, and who sent it may still invite. Refuses `UsedAlready`, `NoLongerOpen`."""
    must_be_open(invitation, now=now)
    if not is_by_exchange(invitation) and May.MANAGE_TEAM not in mays_of(
        invitation.invited_by_id, invitation.broker_id
    ):
        raise NoLongerOpen(
            "Whoever sent this invitation may not invite any more: ask an owner of the broker for a new one."
        )


def must_be_open(invitation: Invitation, *, now: datetime) -> None:
    """Refuses `UsedAlready`, `NoLongerOpen`."""
    must_be_undecided(invitation)
    if now >= invitation.expires_at:
        whom = "vip@backpack.exchange" if is_by_exchange(invitation) else "whoever invited you"
        raise NoLongerOpen(
            f"This invitation was open until {invitation.expires_at:%Y-%m-%d %H:%M} UTC:"
            f" ask {whom} for a new one."
        )


def must_be_undecided(invitation: Invitation) -> None:
    """Its time may be up. Refuses `UsedAlready`, `NoLongerOpen`."""
    if invitation.state == Invitation.State.ACCEPTED:
        raise UsedAlready("This invitation was used already: log in to see the brokers of your login.")
    if invitation.state == Invitation.State.WITHDRAWN:
        raise NoLongerOpen(
            "This invitation was withdrawn: ask whoever invited you, or vip@backpack.exchange, for a new one."
        )


def must_own_the_address(login: Any, email: str) -> None:
    """Only whoever reads the mailbox may take up an invitation. Refuses `AnotherAddress`."""
    if not owns(login, email):
        raise AnotherAddress(
            f"This invitation is for {masked(email)}: log in with that address, confirmed, to accept it."
        )


def owns(login: Any, email: str) -> bool:
    """Whether a login has proved that it reads the mailbox of an address."""
    return bool(EmailAddress.objects.filter(user=login, email=email, verified=True).exists())


def terms_in_force(now: datetime) -> Terms:
    """The program's terms as they hold now."""
    return terms_for(Month.of(now))


def has_owner(broker_code: int) -> bool:
    """Whether somebody can act as one: a login that is switched off cannot."""
    return active_owners(broker_code).exists()


def active_owners(broker_code: int) -> QuerySet[Membership]:
    """The owners who can act: a login that is switched off cannot."""
    return Membership.objects.filter(
        broker_id=broker_code, role=Role.OWNER, login__is_active=True
    ).select_related("login")


def is_member(login: Any, broker_code: int) -> bool:
    return Membership.objects.filter(broker_id=broker_code, login=login).exists()


def mays_of(login_id: int, broker_code: int) -> frozenset[May]:
    """What a login may in a broker's team by its role at this moment; nothing if it is switched off."""
    role = (
        Membership.objects.filter(broker_id=broker_code, login_id=login_id, login__is_active=True)
        .values_list("role", flat=True)
        .first()
    )
    return ROLES[role] if role is not None else frozenset()


def team(broker_code: int) -> QuerySet[Membership]:
    """The members of a broker, by when they joined."""
    return Membership.objects.filter(broker_id=broker_code).select_related("login").order_by("joined_at")


def invitations(broker_code: int) -> QuerySet[Invitation]:
    """Every invitation to a broker's team, the latest first."""
    return (
        Invitation.objects.filter(broker_id=broker_code)
        .select_related("invited_by", "accepted_by")
        .order_by("-invited_at", "-pk")
    )
