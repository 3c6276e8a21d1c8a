"""Every model of the portal, gathered where Django looks for them."""

from portal.accounts.models import Device, RoleGiven, User
from portal.application.models import Application, Document, DocumentContent, ReviewNote, TimelineEntry
from portal.letters.models import Letter
from portal.team.models import Invitation, Membership

__all__ = [
    "Application",
    "Device",
    "Document",
    "DocumentContent",
    "Invitation",
    "Letter",
    "Membership",
    "ReviewNote",
    "RoleGiven",
    "TimelineEntry",
    "User",
]
