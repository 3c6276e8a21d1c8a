"""What the tests of histories share: which tables are recorded, a row in each, and the histories' rows."""

import json
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection

from payouts.models import AccountChange, Attempt, Case, Proposal
from portal.models import Application, Document, DocumentContent, Invitation, ServiceToken
from tests import make

#: What must be recorded: table → its history, and which changes.
RECORDED = {
    "application": ("portal_applicationhistory", {"INSERT", "UPDATE"}),
    "application_document": ("portal_documenthistory", {"INSERT", "UPDATE"}),
    "broker": ("payouts_brokerhistory", {"INSERT", "UPDATE"}),
    "account_change": ("payouts_accountchangehistory", {"INSERT", "UPDATE"}),
    "credit_attempt": ("payouts_attempthistory", {"INSERT", "UPDATE"}),
    "desk_case": ("payouts_casehistory", {"INSERT", "UPDATE"}),
    "money_proposal": ("payouts_proposalhistory", {"INSERT", "UPDATE"}),
    "payout": ("payouts_payouthistory", {"INSERT", "UPDATE"}),
    "service_token": ("portal_servicetokenhistory", {"INSERT", "UPDATE"}),
    "mfa_authenticator": ("portal_factorhistory", {"INSERT", "DELETE"}),
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
    make.membership(olga, broker, role="finance")
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
    Case.objects.create(broker=broker, kind="other", title="A case", opened_at=make.NOW)
    AccountChange.objects.create(
        broker=broker, old_account_id="BP-1", new_account_id="BP-2", asked_by=olga, asked_at=make.NOW
    )
    payout = make.approved(make.payout(broker), by=(rita, olga))
    Attempt.objects.create(
        payout=payout, number=1, account_id=payout.account_id, amount=payout.due, created_at=make.NOW
    )
    Proposal.objects.create(
        kind="adjust",
        broker=broker,
        amount="1.00",
        text="A test",
        note="for staff",
        digest="0" * 64,
        prepared_by=rita,
        prepared_at=make.NOW,
    )
    ServiceToken.objects.create(
        name="gateway",
        scope="codes:read",
        prefix="bpk_1",
        token_hash="0" * 64,
        created_at=make.NOW,
        expires_at=make.NOW + timedelta(days=1),
    )


def rows(history: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(h) FROM {history} h ORDER BY pgh_id")
        return [json.loads(row) if isinstance(row, str) else row for (row,) in cursor]
