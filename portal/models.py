"""Every model of the portal, gathered where Django looks for them."""

from portal.accounts.models import Device, Factor, RoleGiven, User
from portal.api.models import ServiceToken
from portal.application.models import Application, Document, DocumentContent, ReviewNote, TimelineEntry
from portal.health.models import Canary
from portal.letters.models import Letter
from portal.preferences.models import LetterPreference
from portal.statements.models import Export, ExportPart
from portal.team.models import Activity, Invitation, Membership, ViewAs, ViewedPage

__all__ = [
    "Activity",
    "Application",
    "Canary",
    "Device",
    "Document",
    "DocumentContent",
    "Export",
    "ExportPart",
    "Factor",
    "Invitation",
    "Letter",
    "LetterPreference",
    "Membership",
    "ReviewNote",
    "RoleGiven",
    "ServiceToken",
    "TimelineEntry",
    "User",
    "ViewAs",
    "ViewedPage",
]
