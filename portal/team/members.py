"""Changes the members of a broker's team: their role, that one is removed, that one leaves."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pghistory
from django.db import IntegrityError, transaction

from payouts.desk import account_change
from payouts.refusal import Refusal
from portal.letters import actions as letters
from portal.team import guards, invitations, log, queries
from portal.team.actions import NoSuchRole
from portal.team.models import Activity, Invitation, Membership, Role
from portal.team.roles import ROLES, May

#: What the trigger says that keeps a team its owner.
_LAST_OWNER = "the last owner of a broker stays its owner"


class NoSuchMember(Refusal):
    """The team has no such member."""


class SameRole(Refusal):
    """The member has the role already."""


class Yourself(Refusal):
    """Nobody removes oneself: one leaves."""


class LastOwner(Refusal):
    """Without this owner nobody could act for the broker."""


class ChangeUnderWay(Refusal):
    """A change of the exchange account is open, which this owner may still stop."""


@transaction.atomic
def change_role(*, broker_code: int, member_id: int, role: str, by: Any, now: datetime) -> None:
    """Give a member another role; it gets a letter.

    Refuses `NotYourTeam`, `NoSuchMember`, `Suspended`, `OutOfProgram`, `NoSuchRole`, `SameRole`, `LastOwner`,
    `ChangeUnderWay`.
    """
    guards.one_at_a_time(broker_code)
    guards.must_manage(by, broker_code)
    member = _member(broker_code, member_id)
    guards.must_stand(broker_code, now=now)
    if role not in Role.values:
        raise NoSuchRole(f"'{role[:50]}' is not a role: choose one of {', '.join(Role.values)}.")
    before = member.role
    if role == before:
        raise SameRole(f"{member.login.email} is {role} already: choose another role.")
    if before == Role.OWNER:
        _must_not_be_the_last_owner(member)
        _must_not_be_kept_from_stopping(member)
    with _an_owner_stays(member), pghistory.context(reason="role changed"):
        member.role = role
        member.save(update_fields=["role"])
    if May.MANAGE_TEAM not in ROLES[role]:
        _take_back_what_was_asked(member, by=by, now=now)
    act = log.write(
        broker_code=broker_code,
        kind=Activity.Kind.ROLE_CHANGED,
        about=f"{member.login.email}: {before} → {role}",
        by=by,
        now=now,
    )
    letters.write(
        key=f"role_changed:{act.pk}",
        kind="role_changed",
        to=member.login.email,
        facts={
            "broker": member.broker.name,
            "code": broker_code,
            "before": before,
            "role": role,
            "by": by.email,
            "at": now.isoformat(),
        },
        now=now,
    )


@transaction.atomic
def remove(*, broker_code: int, member_id: int, by: Any, now: datetime) -> None:
    """Take a member out of the team: its next request finds nothing. It gets a letter.

    Goes on while the broker is suspended or terminated. Refuses `NotYourTeam`, `NoSuchMember`, `Yourself`,
    `LastOwner`, `ChangeUnderWay`.
    """
    guards.one_at_a_time(broker_code)
    guards.must_manage(by, broker_code)
    member = _member(broker_code, member_id)
    if member.login_id == by.pk:
        raise Yourself("This is you: leave the team instead.")
    if member.role == Role.OWNER:
        _must_not_be_kept_from_stopping(member)
    login, name = member.login, member.broker.name
    act = _take_out(member, Activity.Kind.REMOVED, f"{login.email} ({member.role})", by=by, now=now)
    letters.write(
        key=f"member_removed:{act.pk}",
        kind="member_removed",
        to=login.email,
        facts={"broker": name, "by": by.email, "at": now.isoformat()},
        now=now,
    )


@transaction.atomic
def leave(*, broker_code: int, by: Any, now: datetime) -> None:
    """A login leaves the team. Refuses `NoSuchMember`, `LastOwner`."""
    guards.one_at_a_time(broker_code)
    member = _team(broker_code).filter(login_id=by.pk).first()
    if member is None:
        raise NoSuchMember("Your login is not in this team.")
    _take_out(member, Activity.Kind.LEFT, member.role, by=by, now=now)


def _take_out(member: Membership, kind: Activity.Kind, about: str, *, by: Any, now: datetime) -> Activity:
    if member.role == Role.OWNER:
        _must_not_be_the_last_owner(member)
    _take_back_what_was_asked(member, by=by, now=now)
    with _an_owner_stays(member), pghistory.context(reason=str(kind)):
        member.delete()
    return log.write(broker_code=member.broker_id, kind=kind, about=about, by=by, now=now)


def _take_back_what_was_asked(member: Membership, *, by: Any, now: datetime) -> None:
    """What only an owner may ask for holds no longer: open invitations, and a change of the account."""
    account_change.cancel_asked_by(broker_code=member.broker_id, asked_by=member.login_id, by=by.pk, now=now)
    sent = Invitation.objects.select_for_update(of=("self",)).filter(
        broker_id=member.broker_id, invited_by_id=member.login_id, state=Invitation.State.OPEN
    )
    for invitation in sent:
        invitations.take_back(
            invitation, by=by, is_by_exchange=False, now=now, why="who sent it may not invite any more"
        )


def _must_not_be_kept_from_stopping(member: Membership) -> None:
    """Whoever took over an owner's login could else send away those who would stop its change of account."""
    asker = account_change.asker_of_open(member.broker_id)
    if asker is not None and asker != member.login_id:
        raise ChangeUnderWay(
            "A change of the exchange account is under way, and every owner may stop it: cancel it first, or"
            " wait for its end."
        )


def _team(broker_code: int) -> Any:
    return (
        Membership.objects.select_for_update(of=("self",))
        .select_related("login", "broker")
        .filter(broker_id=broker_code)
    )


def _member(broker_code: int, member_id: int) -> Membership:
    found: Membership | None = _team(broker_code).filter(pk=member_id).first()
    if found is None:
        raise NoSuchMember("There is no such member: open the page of the team again.")
    return found


def _last_owner(member: Membership) -> LastOwner:
    return LastOwner(
        f"{member.login.email} is the last owner of {member.broker}: make somebody else an owner first."
    )


def _must_not_be_the_last_owner(member: Membership) -> None:
    if not queries.active_owners(member.broker_id).exclude(pk=member.pk).exists():
        raise _last_owner(member)


@contextmanager
def _an_owner_stays(member: Membership) -> Iterator[None]:
    """The database has the last word, also about whoever got in between."""
    refusal = _last_owner(member)
    try:
        with transaction.atomic():
            yield
    except IntegrityError as refused:
        if _LAST_OWNER in str(refused):
            raise refusal from None
        raise
