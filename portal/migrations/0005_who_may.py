"""Who may do what with the new tables; staff roles; addresses of logins that the exchange gave by hand."""

from django.db import migrations

from payouts.migrations import _sql

STAFF_ROLES = ("reviewer", "operations", "finance preparer", "finance approver", "auditor")
RECORDED = ("portal_user", "portal_user_groups", "portal_membership", "portal_invitation", "application",
            "application_document")  # fmt: skip
HISTORIES = (
    "portal_userhistory",
    "portal_staffrolehistory",
    "portal_membershiphistory",
    "portal_invitationhistory",
    "portal_applicationhistory",
    "portal_documenthistory",
)
#: Rows from before the recording begin their history as they stood.
BEGIN_HISTORY = (
    ("portal_user", "portal_userhistory"),
    ("portal_membership", "portal_membershiphistory"),
)
#: Roles are given and taken, never rewritten; what a role may do stands in code; a login is never removed.
RIGHTS = """
    REVOKE UPDATE, TRUNCATE ON portal_user_groups FROM portal_app;
    REVOKE INSERT, UPDATE, DELETE, TRUNCATE
        ON auth_group, auth_permission, auth_group_permissions, portal_user_user_permissions FROM portal_app;
    REVOKE UPDATE, DELETE, TRUNCATE ON portal_user FROM portal_app;
    GRANT UPDATE (password, last_login, is_superuser, email, name, is_staff, is_active, joined_at)
        ON portal_user TO portal_app;
"""
#: Sessions from before second factors never showed one: they end, and everybody logs in anew.
END_OLD_SESSIONS = """
    DO $$ BEGIN
        IF to_regclass('public.django_session') IS NOT NULL THEN DELETE FROM django_session; END IF;
    END $$;
"""
LETTER = "state, attempts, due_at, leased_until, sent_at, last_error"
APPLICATION = (
    "state, version, legal_name, country, registration_number, website, platform_type, platform_other,"
    " contact_name, contact_position, contact_email, contact_phone, account_id, exchange_answer,"
    " exchange_answered_at, exchange_due_at, trades_spot, trades_futures, expected_volume, user_base,"
    " order_submission, integration_notes, is_no_affiliate, terms_version, terms_accepted_at, terms_address,"
    " saved_at, submitted_at, assignee_id, decided_at, decided_by_id, rejection_reason, decision_message,"
    " reapply_from, broker_id"
)
INVITATION = "state, accepted_by_id, accepted_at, terms_version, terms_address"


def install_staff_roles(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    for name in STAFF_ROLES:
        Group.objects.get_or_create(name=name)


def verify_given_addresses(apps, schema_editor):
    """Logins so far were given by the exchange to addresses that it knew: these count as confirmed."""
    User = apps.get_model("portal", "User")
    EmailAddress = apps.get_model("account", "EmailAddress")
    known = set(EmailAddress.objects.values_list("user_id", flat=True))
    EmailAddress.objects.bulk_create(
        EmailAddress(user_id=login.pk, email=login.email, verified=True, primary=True)
        for login in User.objects.exclude(pk__in=known)
    )


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0004_let_in"),
        ("payouts", "0004_broker_history"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [
        *[migrations.RunSQL(_sql.recorded(table), migrations.RunSQL.noop) for table in RECORDED],
        *[migrations.RunSQL(_sql.history(table), migrations.RunSQL.noop) for table in HISTORIES],
        migrations.RunSQL(_sql.kept("letter", editable=LETTER), migrations.RunSQL.noop),
        migrations.RunSQL(_sql.kept("application", editable=APPLICATION), migrations.RunSQL.noop),
        migrations.RunSQL(_sql.append_only("application_timeline"), migrations.RunSQL.noop),
        migrations.RunSQL(_sql.append_only("application_note"), migrations.RunSQL.noop),
        migrations.RunSQL(
            _sql.kept("application_document", editable="removed_at, erased_at"), migrations.RunSQL.noop
        ),
        migrations.RunSQL(_sql.kept("portal_invitation", editable=INVITATION), migrations.RunSQL.noop),
        # Bytes of a document come and go; they are never exchanged for others.
        migrations.RunSQL(
            "REVOKE UPDATE, TRUNCATE ON application_document_content FROM portal_app", migrations.RunSQL.noop
        ),
        migrations.RunSQL(RIGHTS, migrations.RunSQL.noop),
        migrations.RunSQL(END_OLD_SESSIONS, migrations.RunSQL.noop),
        *[
            migrations.RunSQL(_sql.begin_history(table, kept_in), migrations.RunSQL.noop)
            for table, kept_in in BEGIN_HISTORY
        ],
        migrations.RunPython(install_staff_roles, migrations.RunPython.noop),
        migrations.RunPython(verify_given_addresses, migrations.RunPython.noop),
    ]
