"""Brings people into a broker's team."""

from datetime import datetime

from django.db import IntegrityError, transaction

from payouts.program import queries as program
from payouts.refusal import Refusal
from portal.accounts.models import User
from portal.team.models import Membership, Role


class NoSuchBroker(Refusal):
    """No broker has the code."""


class NoSuchRole(Refusal):
    """The program has no such role."""


class AlreadyMember(Refusal):
    """The login sits in this broker's team already."""


@transaction.atomic
def add_member(*, login: User, broker_code: int, role: str, now: datetime) -> Membership:
    """Give a login a role in a broker's team. Refuses `NoSuchBroker`, `NoSuchRole`, `AlreadyMember`."""
    broker = program.broker_with(broker_code)
    if broker is None:
        raise NoSuchBroker(f"no broker has the code {broker_code}: check the code")
    if role not in Role.values:
        raise NoSuchRole(f"'{role[:50]}' is not a role: choose one of {', '.join(Role.values)}")
    try:
        with transaction.atomic():
            return Membership.objects.create(login=login, broker=broker, role=role, joined_at=now)
    except IntegrityError:
        raise AlreadyMember(f"{login} is a member of {broker} already: change the role instead") from None
