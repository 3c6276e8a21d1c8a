"""What each role on the staff site may do: one table, tested act by act."""

from enum import StrEnum
from typing import Any

from payouts.refusal import Refusal


class StaffRole(StrEnum):
    """The names of the groups that a migration installs."""

    REVIEWER = "reviewer"
    OPERATIONS = "operations"
    FINANCE_PREPARER = "finance preparer"
    FINANCE_APPROVER = "finance approver"
    AUDITOR = "auditor"


class Act(StrEnum):
    SEE_APPLICATIONS = "see applications"
    SEE_DOCUMENTS = "see an applicant's documents"
    REVIEW = "review applications"
    SEE_BROKERS = "see brokers and their teams"
    INVITE = "invite the first owner of a broker"
    SEE_LETTERS = "see letters"
    RESEND_LETTERS = "send dead letters again"
    SEE_LOGINS = "see logins"
    SEE_HISTORY = "see who changed what"
    GIVE_ROLES = "give and take staff roles"
    SEE_CASES = "see cases, evidence and appeals"
    WORK_CASES = "work on cases and answer appeals"
    SUSPEND = "suspend brokers and lift suspensions"
    PREPARE_TERMINATION = "prepare a termination"
    CONFIRM_TERMINATION = "confirm a termination that another prepared"
    CHECK_ACCOUNT = "check a change of account"
    CONFIRM_ACCOUNT = "confirm a change of account that another checked"
    VIEW_AS = "look at a broker's pages as the broker sees them"
    SEE_TOKENS = "see service tokens"
    MANAGE_TOKENS = "make and revoke service tokens"
    SEE_PAYOUTS = "see payouts, credits and the ledger"
    TAKE_PACK = "take the pack of a month"
    RECALCULATE = "calculate months again"
    ACKNOWLEDGE_BOUNDS = "acknowledge what is unusual about a payout"
    PREPARE_PAYOUTS = "prepare payouts"
    APPROVE_PAYOUTS = "approve payouts that another prepared"
    PREPARE_MONEY = "prepare releases, forfeits, voids, adjustments and resolutions"
    CONFIRM_MONEY = "confirm such an act that another prepared"
    RETRY_CREDITS = "send a rejected credit again"
    SEE_QUARANTINE = "see records in quarantine"
    MIND_QUARANTINE = "replay, discard and reopen records in quarantine, and ask the exchange about them"


_SEE_ALL = {
    Act.SEE_APPLICATIONS,
    Act.SEE_DOCUMENTS,
    Act.SEE_BROKERS,
    Act.SEE_LETTERS,
    Act.SEE_LOGINS,
    Act.SEE_HISTORY,
    Act.SEE_CASES,
    Act.VIEW_AS,
    Act.SEE_TOKENS,
    Act.SEE_PAYOUTS,
    Act.TAKE_PACK,
    Act.SEE_QUARANTINE,
}
GRANTS: dict[StaffRole, set[Act]] = {
    StaffRole.REVIEWER: {
        Act.SEE_APPLICATIONS,
        Act.SEE_DOCUMENTS,
        Act.REVIEW,
        Act.SEE_BROKERS,
        Act.INVITE,
        Act.SEE_CASES,
        Act.VIEW_AS,
    },
    StaffRole.OPERATIONS: {
        Act.SEE_APPLICATIONS,
        Act.SEE_BROKERS,
        Act.INVITE,
        Act.SEE_LETTERS,
        Act.RESEND_LETTERS,
        Act.SEE_LOGINS,
        Act.SEE_CASES,
        Act.WORK_CASES,
        Act.SUSPEND,
        Act.PREPARE_TERMINATION,
        Act.CONFIRM_TERMINATION,
        Act.CHECK_ACCOUNT,
        Act.CONFIRM_ACCOUNT,
        Act.VIEW_AS,
        Act.SEE_TOKENS,
        Act.SEE_PAYOUTS,
        Act.SEE_QUARANTINE,
        Act.MIND_QUARANTINE,
    },
    StaffRole.FINANCE_PREPARER: {
        Act.SEE_BROKERS,
        Act.SEE_CASES,
        Act.CHECK_ACCOUNT,
        Act.SEE_PAYOUTS,
        Act.TAKE_PACK,
        Act.RECALCULATE,
        Act.ACKNOWLEDGE_BOUNDS,
        Act.PREPARE_PAYOUTS,
        Act.PREPARE_MONEY,
        Act.RETRY_CREDITS,
        Act.SEE_QUARANTINE,
    },
    StaffRole.FINANCE_APPROVER: {
        Act.SEE_BROKERS,
        Act.SEE_CASES,
        Act.CONFIRM_ACCOUNT,
        Act.SEE_PAYOUTS,
        Act.TAKE_PACK,
        Act.ACKNOWLEDGE_BOUNDS,
        Act.APPROVE_PAYOUTS,
        Act.CONFIRM_MONEY,
        Act.SEE_QUARANTINE,
    },
    StaffRole.AUDITOR: _SEE_ALL,
}


class NotYourRole(Refusal):
    """The login's roles do not include the act."""


class OwnBroker(Refusal):
    """Staff do not act on a business they belong to."""


def acts_of(login: Any) -> set[Act]:
    """Every act that a login may do on the staff site; none for who is not staff or switched off."""
    if not (login.is_authenticated and login.is_active and login.is_staff):
        return set()
    if login.is_superuser:
        return set(Act)
    names = set(login.groups.values_list("name", flat=True))
    return {act for role, acts in GRANTS.items() if role.value in names for act in acts}


def may(login: Any, act: Act) -> bool:
    return act in acts_of(login)


def must_be_allowed(login: Any, act: Act) -> None:
    """Refuses `NotYourRole`. Asked in the action itself, so that no door can forget it."""
    if not may(login, act):
        raise NotYourRole(f"Your role does not let you {act.value}: ask a superuser of the staff site.")
