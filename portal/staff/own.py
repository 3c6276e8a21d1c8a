"""Staff do not act on a broker whose team they belong to, whatever their role."""

from typing import Any

from portal.accounts.staff_roles import OwnBroker
from portal.team import queries
from portal.team.models import Membership


def must_not_be_own(login: Any, broker_code: int) -> None:
    """Refuses `OwnBroker`."""
    if queries.is_member(login, broker_code):
        raise OwnBroker("You are a member of this broker's team: another member of staff has to do this.")


def own_codes(login: Any) -> list[int]:
    """The codes of the brokers whose team a login belongs to."""
    return list(Membership.objects.filter(login_id=login.pk).values_list("broker_id", flat=True))
