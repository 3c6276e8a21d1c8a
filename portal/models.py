"""Every model of the portal, gathered where Django looks for them."""

from portal.accounts.models import Device, Factor, RoleGiven, User
from portal.api.models import ServiceToken
from portal.application.models import Application, Document, DocumentContent, ReviewNote, TimelineEntry
from portal.health.models import Canary
from portal.letters.models import Letter
from portal.team.models import Activity, Invitation, Membership, ViewAs, ViewedPage

__all__ = [
    "Activity",
    "Application",
    "Canary",
    "Device",
    "Document",
    "DocumentContent",
    "Factor",
    "Invitation",
    "Letter",
    "Membership",
    "ReviewNote",
    "RoleGiven",
    "ServiceToken",
    "TimelineEntry",
    "User",
    "ViewAs",
    "ViewedPage",
]
