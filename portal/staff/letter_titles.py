"""What staff call each kind of letter."""

from typing import Any

from django.utils.translation import gettext_lazy as _

TITLES: dict[str, Any] = {
    "confirm_email": _("Confirm the address"),
    "confirm_email_change": _("Confirm the new address"),
    "account_exists": _("Somebody signed up with a known address"),
    "reset_password": _("Choose a new password"),
    "password_changed": _("Password changed"),
    "email_changed": _("Address changed"),
    "mfa_added": _("Second factor added"),
    "mfa_removed": _("Second factor removed"),
    "recovery_codes_made": _("Recovery codes made"),
    "new_device": _("Login from a new device"),
    "application_submitted": _("Application received"),
    "information_requested": _("Information asked for"),
    "application_approved": _("Application approved"),
    "application_rejected": _("Application rejected"),
    "application_withdrawn": _("Application withdrawn"),
    "invitation": _("Invitation into a team"),
    "member_joined": _("Somebody joined the team"),
    "role_changed": _("Role in a team changed"),
    "member_removed": _("Removed from a team"),
    "standing_suspended": _("Suspended"),
    "standing_planned": _("Suspension or termination planned"),
    "standing_lifted": _("Suspension lifted"),
    "standing_cancelled": _("Planned suspension cancelled"),
    "standing_terminated": _("Terminated"),
    "appeal_answered": _("Appeal answered"),
    "appeal_decided": _("Appeal decided"),
    "account_change_asked": _("Change of account asked for"),
    "account_change_confirmed": _("Change of account confirmed"),
    "account_change_applied": _("Change of account in effect"),
    "account_change_cancelled": _("Change of account cancelled"),
    "account_change_refused": _("Change of account refused"),
    "statement_ready": _("Statement ready"),
    "credit_sent": _("Credit sent"),
    "file_ready": _("File ready"),
    "digest": _("Letter of the day"),
    "staff_digest": _("What waits for staff"),
}


def title_of(kind: str) -> str:
    """A kind without a title is told by its own name, in words."""
    return str(TITLES.get(kind) or kind.replace("_", " ").capitalize())
