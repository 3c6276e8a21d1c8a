"""A broker's owners ask colleagues into its team: invite, send again, withdraw, accept."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from payouts.program import queries as program
from payouts.refusal import Refusal
from portal.letters import actions as letters
from portal.letters.models import Letter
from portal.team import guards, invitations, links, queries
from portal.team.actions import AlreadyMember, NoSuchBroker, NoSuchRole
from portal.team.models import Activity, Invitation, Membership, Role

OPEN_FOR = timedelta(days=7)
MOST_OPEN = 20
MOST_MEMBERS = 50
#: In 24 hours: a team that is taken over must not become a machine that writes to strangers.
MOST_INVITED_A_DAY = 40
#: To one address in 24 hours, whether by one invitation or by several.
MOST_LETTERS_A_DAY = 5
_DAY = timedelta(hours=24)


class TooManyInvitations(Refusal):
    """So many are open, or were sent today, that no other goes out."""


class TeamIsFull(Refusal):
    """The team has as many members as one may have."""


@transaction.atomic
def invite(*, broker_code: int, email: str, role: str, by: Any, now: datetime) -> Invitation:
    """Ask an address into the team in a role; open for `OPEN_FOR`.

    Whether the address has a login makes no difference to what happens here, so that nobody can find out.
    Refuses `NotYourTeam`, `NoSuchBroker`, `Suspended`, `OutOfProgram`, `NotAnAddress`, `NoSuchRole`,
    `AlreadyMember`, `InvitedAlready`, `TooManyInvitations`, `TeamIsFull`, `SentJustNow`.
    """
    guards.one_at_a_time(broker_code)
    guards.must_manage(by, broker_code)
    broker = program.broker_with(broker_code)
    if broker is None:
        raise NoSuchBroker(f"No broker has the code {broker_code}: check the code.")
    guards.must_stand(broker_code, now=now)
    email = invitations.an_address(email)
    if role not in Role.values:
        raise NoSuchRole(f"'{role[:50]}' is not a role: choose one of {', '.join(Role.values)}.")
    # The one address of each member that the page of the team shows, and no other: those are not told.
    if queries.team(broker_code).filter(login__email=email).exists():
        raise AlreadyMember(f"{email} is a member already: change the role instead.")
    _must_have_room(broker_code)
    waiting = Invitation.objects.filter(broker=broker, state=Invitation.State.OPEN)
    for earlier in waiting.select_for_update(of=("self",)).filter(email=email):
        if queries.holds(earlier, now=now):
            raise invitations.InvitedAlready(
                f"{email} is invited until {earlier.expires_at:%Y-%m-%d %H:%M} UTC:"
                " send that letter again, or withdraw the invitation first."
            )
        invitations.take_back(
            earlier, by=by, is_by_exchange=False, now=now, why="holds no longer, another is made"
        )
    if waiting.filter(expires_at__gt=now).count() >= MOST_OPEN:
        raise TooManyInvitations(
            f"{MOST_OPEN} invitations are open: wait until some are accepted, or withdraw some."
        )
    today = Activity.objects.filter(
        broker=broker, kind=Activity.Kind.INVITED, is_by_exchange=False, at__gt=now - _DAY
    )
    if today.count() >= MOST_INVITED_A_DAY:
        raise TooManyInvitations(f"{MOST_INVITED_A_DAY} people were invited in 24 hours: go on tomorrow.")
    _must_be_paced(broker_code, email, now=now)
    return invitations.make(
        broker=broker, email=email, role=role, open_for=OPEN_FOR, by=by, is_by_exchange=False, now=now
    )


@transaction.atomic
def send_again(*, broker_code: int, invitation_id: int, by: Any, now: datetime) -> None:
    """Send the letter of an open invitation once more; its time does not begin anew.

    Refuses `NotYourTeam`, `NoSuchInvitation`, `Suspended`, `OutOfProgram`, `UsedAlready`, `NoLongerOpen`,
    `SentJustNow`, `TooManyInvitations`.
    """
    invitation = _of_the_broker(broker_code, invitation_id, by)
    guards.must_stand(broker_code, now=now)
    if queries.is_by_exchange(invitation):
        raise invitations.NoSuchInvitation("The exchange sent this invitation: ask vip@backpack.exchange.")
    queries.must_hold(invitation, now=now)
    _must_be_paced(broker_code, invitation.email, now=now)
    number = len(invitations.letters_of(invitation)) + 1
    sender = invitation.invited_by.email
    invitations.write_letter(invitation, number=number, invited_by=sender, now=now)


@transaction.atomic
def withdraw(*, broker_code: int, invitation_id: int, by: Any, now: datetime) -> None:
    """Take an invitation back: its link opens nothing any more. Goes on while the broker is suspended.

    Refuses `NotYourTeam`, `NoSuchInvitation`, `UsedAlready`, `NoLongerOpen`.
    """
    invitation = _of_the_broker(broker_code, invitation_id, by)
    queries.must_be_undecided(invitation)
    invitations.take_back(invitation, by=by, is_by_exchange=False, now=now)


@transaction.atomic
def accept(*, token: str, login: Any, now: datetime) -> Membership:
    """A login takes up a member's invitation. The owners get a letter.

    Refuses as `queries.invited` does, and `ExchangeStaff`, `Suspended`, `OutOfProgram`, `TeamIsFull`,
    `AlreadyMember`.
    """
    shown = links.invitation_of(token)
    guards.one_at_a_time(shown.broker_id)
    invitation = invitations.locked(shown.pk)
    queries.must_hold(invitation, now=now)
    queries.must_own_the_address(login, invitation.email)
    guards.must_not_be_staff(login)
    if queries.is_by_exchange(invitation):
        raise queries.NoLongerOpen("The exchange sent this invitation: open its link again.")
    guards.must_stand(invitation.broker_id, now=now)
    if queries.is_member(login, invitation.broker_id):
        raise AlreadyMember("Your login is in this team already: there is nothing to accept.")
    _must_have_room(invitation.broker_id)
    membership = invitations.take_up(invitation, login=login, now=now)
    for owner in queries.active_owners(invitation.broker_id):
        if owner.login_id != login.pk:
            letters.write(
                key=f"member_joined:{membership.pk}:{owner.login_id}",
                kind="member_joined",
                to=owner.login.email,
                facts={
                    "member": login.email,
                    "role": membership.role,
                    "broker": invitation.broker.name,
                    "code": invitation.broker_id,
                    "at": now.isoformat(),
                },
                unsubscribe={"login": owner.login_id, "broker": invitation.broker_id, "topic": "team"},
                now=now,
            )
    return membership


def _of_the_broker(broker_code: int, invitation_id: int, by: Any) -> Invitation:
    guards.one_at_a_time(broker_code)
    guards.must_manage(by, broker_code)
    invitation = invitations.locked(invitation_id)
    if invitation.broker_id != broker_code:
        raise invitations.NoSuchInvitation("There is no such invitation: open the page again.")
    return invitation


def _must_have_room(broker_code: int) -> None:
    if queries.team(broker_code).count() >= MOST_MEMBERS:
        raise TeamIsFull(f"The team has {MOST_MEMBERS} members, which is the most: remove somebody first.")


def _must_be_paced(broker_code: int, email: str, *, now: datetime) -> None:
    """Letters of this broker's to one address, whichever invitation they are of."""
    lately = Invitation.objects.filter(
        broker_id=broker_code, email=email, invited_at__gt=now - OPEN_FOR - _DAY
    ).values_list("pk", flat=True)
    keys = [
        invitations.key(each, number)
        for each in lately
        for number in range(1, MOST_LETTERS_A_DAY * OPEN_FOR.days + 2)
    ]
    written = list(
        Letter.objects.filter(key__in=keys, written_at__gt=now - _DAY).values_list("written_at", flat=True)
    )
    invitations.must_have_waited(written, now=now)
    if len(written) >= MOST_LETTERS_A_DAY:
        raise TooManyInvitations(
            f"{email} got {MOST_LETTERS_A_DAY} letters in 24 hours: wait until tomorrow, or ask another way."
        )
