"""What invitations of first owners and of colleagues share: how one is made, sent, ended and taken up."""

from datetime import datetime, timedelta
from typing import Any

import pghistory
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from payouts.program.models import Broker
from payouts.refusal import Refusal
from portal.accounts.actions import NotAnAddress
from portal.letters import actions as letters
from portal.letters.models import Letter
from portal.team import log
from portal.team.actions import add_member
from portal.team.models import Activity, Invitation, Membership

#: A letter is not sent again sooner: mailboxes and mail servers take their time.
BETWEEN_LETTERS = timedelta(minutes=5)
#: How members, and letters, call who acts for the exchange.
EXCHANGE = "Backpack"


class InvitedAlready(Refusal):
    """An invitation is open."""


class NoSuchInvitation(Refusal):
    """No invitation has the number."""


class SentJustNow(Refusal):
    """A letter went out a moment ago."""


def an_address(email: str) -> str:
    """An e-mail address as invitations keep it. Refuses `NotAnAddress`."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise NotAnAddress(
            f"'{email[:100]}' is not an e-mail address: write it as name@example.com"
        ) from None
    if len(email) > 254:
        raise NotAnAddress("The e-mail address is longer than the 254 characters that one may have.")
    return email


def make(
    *,
    broker: Broker,
    email: str,
    role: str,
    open_for: timedelta,
    by: Any,
    is_by_exchange: bool,
    now: datetime,
) -> Invitation:
    """An open invitation, its line in the broker's log and its letter."""
    with pghistory.context(reason="first owner invited" if is_by_exchange else "colleague invited"):
        invitation = Invitation.objects.create(
            broker=broker,
            email=email,
            role=role,
            invited_by=by,
            invited_at=now,
            expires_at=now + open_for,
        )
    log.write(
        broker_code=broker.code,
        kind=Activity.Kind.INVITED,
        about=f"{email} as {role}",
        by=by,
        now=now,
        is_by_exchange=is_by_exchange,
    )
    write_letter(invitation, number=1, invited_by=EXCHANGE if is_by_exchange else by.email, now=now)
    return invitation


def write_letter(invitation: Invitation, *, number: int, invited_by: str, now: datetime) -> None:
    """The letter with the link, for the `number`-th time."""
    letters.write(
        key=key(invitation.pk, number),
        kind="invitation",
        to=invitation.email,
        facts={
            "broker": invitation.broker.name,
            "role": invitation.role,
            "invited_by": invited_by,
            "expires_at": invitation.expires_at.isoformat(),
        },
        link={"kind": "invite", "invitation": invitation.pk},
        now=now,
    )


def key(invitation_id: int, number: int | str) -> str:
    return f"invitation:{invitation_id}:{number}"


def letters_of(invitation: Invitation) -> list[datetime]:
    """When each of its letters was written."""
    return list(
        Letter.objects.filter(key__startswith=key(invitation.pk, "")).values_list("written_at", flat=True)
    )


def must_have_waited(written: list[datetime], *, now: datetime) -> None:
    """Refuses `SentJustNow`."""
    if written and now < max(written) + BETWEEN_LETTERS:
        raise SentJustNow(
            f"A letter was written at {max(written):%H:%M:%S} UTC: wait"
            f" {int(BETWEEN_LETTERS.total_seconds()) // 60} minutes before the next."
        )


def locked(invitation_id: int) -> Invitation:
    """Refuses `NoSuchInvitation`."""
    found = (
        Invitation.objects.select_for_update(of=("self",))
        .select_related("broker")
        .filter(pk=invitation_id)
        .first()
    )
    if found is None:
        raise NoSuchInvitation("There is no such invitation: open the page again.")
    return found


def take_back(
    invitation: Invitation, *, by: Any, is_by_exchange: bool, now: datetime, why: str = "invitation withdrawn"
) -> None:
    """Its link opens nothing any more."""
    with pghistory.context(reason=why):
        invitation.state = Invitation.State.WITHDRAWN
        invitation.save(update_fields=["state"])
    log.write(
        broker_code=invitation.broker_id,
        kind=Activity.Kind.INVITATION_WITHDRAWN,
        about=f"{invitation.email} as {invitation.role}",
        by=by,
        now=now,
        is_by_exchange=is_by_exchange,
    )


def take_up(invitation: Invitation, *, login: Any, now: datetime, **terms: Any) -> Membership:
    """The login becomes a member in the role that it was invited to. Refuses `AlreadyMember`."""
    with pghistory.context(reason="invitation accepted"):
        membership = add_member(login=login, broker_code=invitation.broker_id, role=invitation.role, now=now)
        invitation.state = Invitation.State.ACCEPTED
        invitation.accepted_by, invitation.accepted_at = login, now
        for name, value in terms.items():
            setattr(invitation, name, value)
        invitation.save(update_fields=["state", "accepted_by", "accepted_at", *terms])
    log.write(
        broker_code=invitation.broker_id,
        kind=Activity.Kind.JOINED,
        about=invitation.role,
        by=login,
        now=now,
    )
    return membership
