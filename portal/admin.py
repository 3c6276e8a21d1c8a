"""Opens the windows of the staff site: Django looks for them here."""

from portal.staff import (
    account_changes,
    applications,
    brokers,
    cases,
    credits,
    ledger,
    letters,
    logins,
    months,
    payouts,
    proposals,
    quarantine,
    tokens,
    view_as,
)

__all__ = [
    "account_changes",
    "applications",
    "brokers",
    "cases",
    "credits",
    "ledger",
    "letters",
    "logins",
    "months",
    "payouts",
    "proposals",
    "quarantine",
    "tokens",
    "view_as",
]
