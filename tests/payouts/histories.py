"""What the tests of histories share: which tables are recorded, a row in each, and the histories' rows."""

import json
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection

from portal.models import Application, Document, DocumentContent, Invitation
from tests import make

#: What must be recorded: table → its history, and which changes.
RECORDED = {
    "application": ("portal_applicationhistory", {"INSERT", "UPDATE"}),
    "application_document": ("portal_documenthistory", {"INSERT", "UPDATE"}),
    "broker": ("payouts_brokerhistory", {"INSERT", "UPDATE"}),
    "portal_invitation": ("portal_invitationhistory", {"INSERT", "UPDATE"}),
    "portal_membership": ("portal_membershiphistory", {"INSERT", "UPDATE", "DELETE"}),
    "portal_user": ("portal_userhistory", {"INSERT", "UPDATE"}),
    "portal_user_groups": ("portal_staffrolehistory", {"INSERT", "DELETE"}),
}
HISTORIES = sorted(history for history, _ in RECORDED.values())
SECRET_TEXT = "nobody may read this in a history"


def make_one_of_each() -> None:
    """A row of every history, and secrets beside them: password, authenticator app, bytes of a document."""
    broker, rita = make.broker(), make.login(email="rita@exchange.example", is_staff=True)
    olga = make.login(password=SECRET_TEXT)
    rita.groups.add(Group.objects.get(name="reviewer"))
    make.membership(olga, broker)
    Invitation.objects.create(
        broker=broker,
        email="new@example.com",
        role="viewer",
        invited_by=rita,
        invited_at=make.NOW,
        expires_at=make.NOW,
    )
    application = Application.objects.create(applicant=olga, started_at=make.NOW, saved_at=make.NOW)
    document = Document.objects.create(
        application=application,
        kind="other",
        name="a.pdf",
        media_type="application/pdf",
        size=len(SECRET_TEXT),
        sha256="0" * 64,
        uploaded_at=make.NOW,
        uploaded_by=olga,
    )
    DocumentContent.objects.create(document=document, content=SECRET_TEXT.encode())


def rows(history: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(h) FROM {history} h ORDER BY pgh_id")
        return [json.loads(row) if isinstance(row, str) else row for (row,) in cursor]
