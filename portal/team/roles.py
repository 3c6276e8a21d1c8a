"""What each role in a broker's team may see and do: one table, shown on the page of the team. Pure."""

from collections.abc import Mapping
from enum import StrEnum


class May(StrEnum):
    """One thing to see or to do, in the words of the page."""

    SEE_DASHBOARD = "see volume, tier and payout so far"
    SEE_STATEMENTS = "see and download statements"
    SEE_STANDING = "see the standing, its reasons and the appeal"
    SEE_TEAM = "see the team"
    SEE_ACCOUNT = "see the exchange account and its changes"
    SEE_ACTIVITY = "see who did what"
    MANAGE_TEAM = "invite members, change their roles and remove them"
    APPEAL = "appeal, and answer in an appeal"
    CHANGE_ACCOUNT = "change the exchange account, and cancel a change"


_SEES = frozenset({May.SEE_DASHBOARD, May.SEE_STANDING, May.SEE_TEAM})
#: Role → what it may, by the names that memberships bear.
ROLES: Mapping[str, frozenset[May]] = {
    "owner": frozenset(May),
    "finance": _SEES | {May.SEE_STATEMENTS, May.SEE_ACCOUNT, May.SEE_ACTIVITY},
    "developer": _SEES,
    "viewer": _SEES | {May.SEE_STATEMENTS},
}
#: What staff see who look at a broker's pages: everything, and no button.
LOOK = frozenset(each for each in May if each.name.startswith("SEE_"))
