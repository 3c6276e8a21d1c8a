"""What acts on a broker's team ask first, in the transaction that then does them."""

from datetime import datetime
from typing import Any

from django.db import connection

from payouts.program.queries import standing_of
from payouts.refusal import Refusal
from portal.accounts.staff_roles import Act as StaffAct
from portal.accounts.staff_roles import OwnBroker, must_be_allowed
from portal.team import queries
from portal.team.roles import May

#: The first of the two numbers of the advisory lock; the second is the broker's code.
_TEAM_LOCK = 7_230_021


class NotYourTeam(Refusal):
    """The login's role in the team, as it stands now, does not include the act."""


class OutOfProgram(Refusal):
    """The broker's participation was terminated."""


class Suspended(Refusal):
    """The broker is suspended."""


class ExchangeStaff(Refusal):
    """A login of the exchange's staff would join a broker's team."""


def one_at_a_time(broker_code: int) -> None:
    """Whoever changes the same team waits here until the transaction before has ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_TEAM_LOCK, broker_code])


def must_be_allowed_on(by: Any, broker_code: int) -> None:
    """Staff may act on the broker's team. Refuses `NotYourRole`, `OwnBroker`."""
    must_be_allowed(by, StaffAct.INVITE)
    if queries.is_member(by, broker_code):
        raise OwnBroker("You are a member of this broker's team: another member of staff has to do this.")


def must_manage(by: Any, broker_code: int) -> None:
    """A member may manage the team, as its role stands now. Refuses `NotYourTeam`."""
    if May.MANAGE_TEAM not in queries.mays_of(by.pk, broker_code):
        raise NotYourTeam("Your role does not include this now: ask an owner of the broker.")


def must_stand(broker_code: int, *, now: datetime) -> None:
    """The broker is neither suspended nor terminated: only then a team grows or changes its roles.

    Refuses `Suspended`, `OutOfProgram`.

    "Backpack reserves the right, at its sole discretion, to suspend or terminate any participant's access to
    the program."
    """
    state = standing_of(broker_code, now=now).state
    if state == "suspended":
        raise Suspended(
            "The broker is suspended: until that is lifted nobody is invited, joins or changes roles."
        )
    if state == "terminated":
        raise OutOfProgram("The broker was terminated: nobody is invited, joins or changes roles any more.")


def must_not_be_staff(login: Any) -> None:
    """Who decides about brokers does not sit with one. Refuses `ExchangeStaff`."""
    if login.is_staff or login.is_superuser:
        raise ExchangeStaff(
            "A login of the exchange's staff does not join a broker's team: use a login of your own business."
        )
