"""Every model of the portal, gathered where Django looks for them."""

from portal.accounts.models import User
from portal.team.models import Membership

__all__ = ["Membership", "User"]
