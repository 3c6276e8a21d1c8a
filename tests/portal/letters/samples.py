"""Every kind of letter as somebody could get it: its facts, and what is made when it is sent."""

from typing import Any

from portal.letters.rendering import Attached, Item

REFERENCE = "0b0d6f6e-3c36-4a5e-9a0e-6d3f5a1c2b3d"
LINK = "http://localhost:8000/accounts/confirm-email/MTI:1vMabc:s3cr3t-t0ken_0123456789/"
STOP = "http://localhost:8000/letters/eyJsb2dpbiI6MTIsInRvcGljIjoic3RhdGVtZW50cyJ9:s1gned/"
STATEMENT = Attached(
    "backpack-broker-1400-2026-10-statement-7.pdf", "application/pdf", b"%PDF-1.7\n%\xe2\xe3"
)
NEWS = (
    Item(
        "Nordlicht Trading ApS: the statement of October 2026 is ready",
        "http://localhost:8000/brokers/1400/statements/2026-10/",
    ),
    Item("mia@nordlicht.example joined the team of Nordlicht", "http://localhost:8000/brokers/1400/team/"),
)

_WHERE = {
    "at": "2026-11-22T12:00:00+00:00",
    "address": "203.0.113.7",
    "browser": "Firefox 133 on Linux",
}
_APPLICATION = {"legal_name": "Nordlicht Trading ApS", "reference": REFERENCE}
_BROKER = {"broker": "Nordlicht Trading ApS", "code": 1400}
_MEMBER = _BROKER | {"at": "2026-11-22T12:00:00+00:00"}
_STANDING = _BROKER | {"since": "2026-11-20T09:30:00+00:00"}
_REASON = {
    "reason": "wash trading",
    "message": "Two of your traders traded with each other on 12 November.\n\nPlease tell us who they are.",
}
_ACCOUNT = _BROKER | {
    "old": "•••1400",
    "new": "•••9932",
    "asked_by": "olga@nordlicht.example",
    "at": "2026-11-22T12:00:00+00:00",
}
_MONTH = _BROKER | {"month": "2026-10"}

#: Facts that a letter need not have are here too.
FACTS: dict[str, dict[str, Any]] = {
    "confirm_email": _WHERE,
    "confirm_email_change": _WHERE,
    "account_exists": _WHERE,
    "reset_password": _WHERE,
    "password_changed": _WHERE,
    "email_changed": _WHERE | {"old": "olga@nordlicht.example", "new": "olga@trading.example"},
    "mfa_added": _WHERE | {"what": "passkey"},
    "mfa_removed": _WHERE | {"what": "authenticator app"},
    "recovery_codes_made": _WHERE,
    "new_device": _WHERE,
    "application_submitted": _APPLICATION,
    "information_requested": _APPLICATION | {"text": "Which exchanges do you aggregate?\nSince when?"},
    "application_approved": _APPLICATION | _BROKER,
    "application_rejected": _APPLICATION
    | {
        "reason": "not a business",
        "message": "The documents name a natural person. The program is for companies.",
        "reapply_from": "2027-02-20",
    },
    "application_withdrawn": _APPLICATION,
    "invitation": {
        "broker": "Nordlicht Trading ApS",
        "role": "finance",
        "invited_by": "olga@nordlicht.example",
        "expires_at": "2026-11-29T12:00:00+00:00",
    },
    "member_joined": _MEMBER | {"member": "mia@nordlicht.example", "role": "finance"},
    "role_changed": _MEMBER | {"before": "finance", "role": "owner", "by": "olga@nordlicht.example"},
    "member_removed": {
        "broker": "Nordlicht Trading ApS",
        "at": "2026-11-22T12:00:00+00:00",
        "by": "olga@nordlicht.example",
    },
    "standing_suspended": _STANDING | _REASON,
    "standing_planned": _STANDING | _REASON | {"what": "suspended"},
    "standing_lifted": _STANDING | {"message": "Thank you for the explanation."},
    "standing_cancelled": _STANDING | {"message": "Thank you for the explanation."},
    "standing_terminated": _STANDING | _REASON,
    "appeal_answered": _MEMBER
    | {"text": "We have read your letter.\nPlease send the trades of 13 November."},
    "appeal_decided": _MEMBER
    | {"outcome": "accepted", "decision": "The two traders are not related. The suspension is lifted."},
    "account_change_asked": _ACCOUNT | {"was_owner": "yes"},
    "account_change_confirmed": _ACCOUNT | {"takes_effect": "2026-11-25T12:00:00+00:00", "was_owner": "yes"},
    "account_change_applied": _ACCOUNT | {"was_owner": "yes"},
    "account_change_cancelled": _ACCOUNT
    | {"ended_by": "ben@nordlicht.example", "why": "Nobody of us asked for this.", "was_owner": "yes"},
    "account_change_refused": _ACCOUNT
    | {"why": "The account belongs to another company.", "was_owner": "yes"},
    "statement_ready": _MONTH
    | {
        "number": 7,
        "due": "12,345.67",
        "tier": "Tier 3",
        "volume": "48,200,000.00",
        "status": "Credited to •••1400 within a day",
        "corrects": "August 2026",
    },
    "credit_sent": _MONTH
    | {
        "amount": "12,345.67",
        "account": "•••1400",
        "credit_id": "cr_01JD2Q7V3C5M",
        "at": "2026-11-03T10:15:00+00:00",
    },
    "file_ready": _BROKER
    | {
        "name": "backpack-broker-1400-2026-statements.zip",
        "expires_at": "2026-11-29T12:00:00+00:00",
        "file": "7c1e9a52-6b3f-4f0e-8f0a-2b9d5e1c4a77",
    },
    "digest": {"day": "2026-11-22"},
    "staff_digest": {
        "day": "2026-11-22",
        "applications": 3,
        "applications_oldest": "2026-11-19T08:00:00+00:00",
        "months": 412,
        "months_waiting": "September 2026: 1\nOctober 2026: 411",
        "quarantine": 14,
        "quarantine_reasons": "malformed: 2\nunknown_broker: 12",
        "quarantine_came": 7,
        "quarantine_came_reasons": "malformed: 2\nunknown_broker: 5",
        "books": 1,
        "books_breaches": "every payout has a statement: not so for 2 rows",
    },
}
