"""Reads for the page of a team: its members, the open invitations, the table of what each role may."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.team import queries
from portal.team.models import Activity, Invitation, Role
from portal.team.roles import ROLES, May

_ORDER = list(Role)


@dataclass(frozen=True, slots=True)
class Member:
    number: int
    email: str
    name: str
    role: Role
    joined_at: datetime
    is_you: bool
    #: The login is switched off by the exchange.
    is_off: bool

    @property
    def is_owner(self) -> bool:
        return self.role == Role.OWNER


@dataclass(frozen=True, slots=True)
class Waiting:
    """An invitation that may still be accepted."""

    number: int
    email: str
    role: Role
    invited_by: str
    is_by_exchange: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that roles may or may not, in the order of `Role`."""

    what: str
    by_role: list[tuple[Role, bool]]


@dataclass(frozen=True, slots=True)
class Team:
    members: list[Member]
    waiting: list[Waiting]
    roles: list[Role]
    table: list[Row]


def team(*, broker_code: int, login: Any, now: datetime) -> Team:
    """The team as a login sees it, owners first."""
    members = [
        Member(
            number=each.pk,
            email=each.login.email,
            name=each.login.name,
            role=Role(each.role),
            joined_at=each.joined_at,
            is_you=each.login_id == login.pk,
            is_off=not each.login.is_active,
        )
        for each in queries.team(broker_code)
    ]
    members.sort(key=lambda each: _ORDER.index(each.role))
    return Team(members=members, waiting=_waiting(broker_code, now), roles=_ORDER, table=table())


def table() -> list[Row]:
    """What each role may: the very table that pages and acts ask."""
    return [Row(str(may), [(role, may in ROLES[role]) for role in _ORDER]) for may in May]


def member(*, broker_code: int, number: int) -> Member | None:
    """A member by the number in an address; None if it is no member of just this broker."""
    found = queries.team(broker_code).filter(pk=number).first()
    if found is None:
        return None
    return Member(
        number=found.pk,
        email=found.login.email,
        name=found.login.name,
        role=Role(found.role),
        joined_at=found.joined_at,
        is_you=False,
        is_off=not found.login.is_active,
    )


def waiting(*, broker_code: int, number: int, now: datetime) -> Waiting | None:
    """An open invitation to just this broker by the number in an address."""
    return next((each for each in _waiting(broker_code, now) if each.number == number), None)


def _waiting(broker_code: int, now: datetime) -> list[Waiting]:
    found = list(queries.invitations(broker_code).filter(state=Invitation.State.OPEN, expires_at__gt=now))
    by_members = set(
        Activity.objects.filter(
            broker_id=broker_code,
            kind=Activity.Kind.INVITED,
            is_by_exchange=False,
            at__in=[each.invited_at for each in found],
        ).values_list("by_id", "at")
    )
    return [
        Waiting(
            number=each.pk,
            email=each.email,
            role=Role(each.role),
            invited_by=each.invited_by.email if is_by_member else "Backpack",
            is_by_exchange=not is_by_member,
            expires_at=each.expires_at,
        )
        for each in found
        for is_by_member in [(each.invited_by_id, each.invited_at) in by_members]
    ]
