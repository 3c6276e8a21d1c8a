"""What superusers do with logins: rights, switched on or off, second factors reset. Always with a reason."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

import pghistory
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group
from django.db import transaction

from payouts.refusal import Refusal
from portal.accounts import factors
from portal.accounts.models import User
from portal.accounts.staff_roles import Act, StaffRole, must_be_allowed
from portal.letters import actions as letters

LONGEST_REASON = 500


class NoSuchLogin(Refusal):
    """No login has the number."""


class OwnRights(Refusal):
    """Nobody changes their own rights."""


class ReasonNeeded(Refusal):
    """Changes of rights say why."""


class NothingToChange(Refusal):
    """It is so already."""


class NotStaff(Refusal):
    """Roles on the staff site are for staff."""


class NotConfirmed(Refusal):
    """Nobody has shown to read the login's mailbox."""


class NoSuchStaffRole(Refusal):
    """The staff site has no such role."""


def make_staff(*, login_id: int, by: Any, reason: str) -> None:
    """Make a login staff; what it may do is said by the roles it is given.

    Refuses `NotYourRole`, `OwnRights`, `ReasonNeeded`, `NoSuchLogin`, `NothingToChange`, `NotConfirmed`.
    """
    with _changing(login_id, by=by, reason=reason) as login:
        if login.is_staff:
            raise NothingToChange(f"{login} is staff already.")
        if not EmailAddress.objects.filter(user=login, email=login.email, verified=True).exists():
            raise NotConfirmed(f"{login} has not confirmed the address yet: wait until it is confirmed.")
        login.is_staff = True
        login.save(update_fields=["is_staff"])


def take_staff(*, login_id: int, by: Any, reason: str) -> None:
    """Take a login off the staff, with every role and superuser's right it has; it stays a login.

    Refuses `NotYourRole`, `OwnRights`, `ReasonNeeded`, `NoSuchLogin`, `NothingToChange`.
    """
    with _changing(login_id, by=by, reason=reason) as login:
        if not (login.is_staff or login.is_superuser):
            raise NothingToChange(f"{login} is not staff.")
        login.is_staff = login.is_superuser = False
        login.save(update_fields=["is_staff", "is_superuser"])
        login.groups.clear()


def give_role(*, login_id: int, role: str, by: Any, reason: str) -> None:
    """Give staff a role.

    Refuses `NotYourRole`, `OwnRights`, `ReasonNeeded`, `NoSuchLogin`, `NoSuchStaffRole`, `NotStaff`,
    `NothingToChange`.
    """
    group = _group(role)
    with _changing(login_id, by=by, reason=reason) as login:
        if not login.is_staff:
            raise NotStaff(f"{login} is not staff: make the login staff first.")
        if login.groups.filter(pk=group.pk).exists():
            raise NothingToChange(f"{login} is {role} already.")
        login.groups.add(group)


def take_role(*, login_id: int, role: str, by: Any, reason: str) -> None:
    """Take a role from a login. Refuses as `give_role`, `NotStaff` aside."""
    group = _group(role)
    with _changing(login_id, by=by, reason=reason) as login:
        if not login.groups.filter(pk=group.pk).exists():
            raise NothingToChange(f"{login} is not {role}.")
        login.groups.remove(group)


def switch_off(*, login_id: int, by: Any, reason: str) -> None:
    """End every session of a login and let it in no more.

    Refuses `NotYourRole`, `OwnRights`, `ReasonNeeded`, `NoSuchLogin`, `NothingToChange`.
    """
    with _changing(login_id, by=by, reason=reason) as login:
        if not login.is_active:
            raise NothingToChange(f"{login} is switched off already.")
        login.is_active = False
        login.save(update_fields=["is_active"])
        _end_sessions(login)


def switch_on(*, login_id: int, by: Any, reason: str) -> None:
    """Let a login in again, with the rights it had. Refuses as `switch_off`."""
    with _changing(login_id, by=by, reason=reason) as login:
        if login.is_active:
            raise NothingToChange(f"{login} is not switched off.")
        login.is_active = True
        login.save(update_fields=["is_active"])


def remove_second_factors(*, login_id: int, by: Any, reason: str, now: datetime) -> None:
    """Remove every second factor of a login and its recovery codes, for who lost them all; end its sessions.

    A letter tells the login's address. Refuses as `switch_off`.
    """
    with _changing(login_id, by=by, reason=reason) as login:
        removed = factors.words_of(login)
        if not removed:
            raise NothingToChange(f"{login} has no second factor.")
        Authenticator.objects.filter(user=login).delete()
        what = ", ".join(removed)
        _end_sessions(login)
        letters.write(
            key=f"mfa_removed:{uuid4()}",
            kind="mfa_removed",
            to=login.email,
            facts={
                "at": now.isoformat(),
                "address": "Backpack",
                "browser": "the staff site",
                "what": f"{what} (by Backpack)",
            },
            now=now,
        )


def _end_sessions(login: User) -> None:
    for session in UserSession.objects.filter(user=login):
        session.end()


@contextmanager
def _changing(login_id: int, *, by: Any, reason: str) -> Iterator[User]:
    """The login, locked, in a transaction whose changes are recorded with the reason."""
    must_be_allowed(by, Act.GIVE_ROLES)
    if login_id == by.pk:
        raise OwnRights("You cannot change your own rights: ask another superuser.")
    reason = " ".join(reason.split())
    if not reason or len(reason) > LONGEST_REASON:
        raise ReasonNeeded(f"Say why, in 1 to {LONGEST_REASON} characters: it is recorded with the change.")
    with transaction.atomic(), pghistory.context(reason=reason):
        # Both, in one order: of two who take each other's rights at once, the second has none any more.
        locked = User.objects.select_for_update().filter(pk__in=(login_id, by.pk)).order_by("pk").in_bulk()
        if login_id not in locked:
            raise NoSuchLogin("There is no such login: open the list of logins again.")
        must_be_allowed(locked[by.pk], Act.GIVE_ROLES)
        yield locked[login_id]


def _group(role: str) -> Group:
    if role not in {each.value for each in StaffRole}:
        raise NoSuchStaffRole(f"'{role[:50]}' is not a role: choose one of {', '.join(StaffRole)}.")
    return Group.objects.get(name=role)
