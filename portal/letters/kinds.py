"""Every kind of letter: which facts its text needs, and which secret link, if any, is made for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import UUID


class Fact(Enum):
    """How a fact is given by who writes the letter. JSON holds all of them."""

    #: One line of text; may be empty or None where it is not known.
    LINE = "a text"
    #: A text of several lines, in the words of a person.
    LINES = "a text of several lines"
    #: "2026-11-22T19:05:00+00:00", an instant with its offset.
    INSTANT = "an instant as ISO text with its offset"
    #: "2026-12-01"
    DATE = "a date as ISO text"
    #: "2026-10", said as "October 2026"
    MONTH = "a month as text, YYYY-MM"
    #: The reference of an application, or of a file.
    REFERENCE = "a UUID as text"
    #: A whole number, such as a broker's code.
    NUMBER = "a whole number"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of letter; its words lie in `templates/letters/<name>.txt`, for every face of it."""

    facts: Mapping[str, Fact] = field(default_factory=dict)
    #: Facts that its text also says when they are given.
    also: Mapping[str, Fact] = field(default_factory=dict)
    #: The kind of secret link that is made for it when it is sent, see `settings.LETTER_LINKS`.
    link: str | None = None
    #: What whoever gets it may stop letters on; None where it is mandatory and no letter offers to stop it.
    topic: str | None = None
    #: Which of its pages the letter of a day leads to, by its name in `portal/letters/addresses.py`.
    page: str = "portal_url"


#: When it happened, from which address, in which browser.
_WHERE = {"at": Fact.INSTANT, "address": Fact.LINE, "browser": Fact.LINE}
_WHAT = {"what": Fact.LINE}  # "authenticator app", "passkey", …
_MEMBER = {"broker": Fact.LINE, "at": Fact.INSTANT}
#: A broker, whose pages the letter leads to.
_BROKER = {"broker": Fact.LINE, "code": Fact.NUMBER}
_STANDING = _BROKER | {"since": Fact.INSTANT}
_STOP = _STANDING | {"reason": Fact.LINE, "message": Fact.LINES}
#: Accounts are masked; the page shows them in full to who may see it.
#: "yes" for who was an owner until lately, and may neither see the page of the account nor stop anything.
_FORMER = {"was_owner": Fact.LINE}
_ACCOUNT = _BROKER | {"old": Fact.LINE, "new": Fact.LINE, "asked_by": Fact.LINE, "at": Fact.INSTANT}
#: Amounts come as they are read: "1,234.56"; they are US dollars.
_MONTH = _BROKER | {"month": Fact.MONTH}
_APPLICATION = {"legal_name": Fact.LINE, "reference": Fact.REFERENCE}

KINDS: Mapping[str, Kind] = {
    # Logins
    "confirm_email": Kind(also=_WHERE, link="confirm"),
    "confirm_email_change": Kind(also=_WHERE, link="confirm"),
    "account_exists": Kind(also=_WHERE),
    "reset_password": Kind(also=_WHERE, link="reset"),
    # Security
    "password_changed": Kind(_WHERE),
    "email_changed": Kind({"old": Fact.LINE, "new": Fact.LINE}, also=_WHERE),
    "mfa_added": Kind(_WHERE | _WHAT),
    "mfa_removed": Kind(_WHERE | _WHAT),
    "recovery_codes_made": Kind(_WHERE),
    "new_device": Kind(_WHERE),
    # Applications
    "application_submitted": Kind(_APPLICATION),
    "information_requested": Kind(_APPLICATION | {"text": Fact.LINES}),
    "application_approved": Kind(_APPLICATION | {"code": Fact.NUMBER, "broker": Fact.LINE}),
    "application_rejected": Kind(
        _APPLICATION | {"reason": Fact.LINE, "message": Fact.LINES, "reapply_from": Fact.DATE}
    ),
    "application_withdrawn": Kind(_APPLICATION),
    # Teams
    "invitation": Kind(
        {"broker": Fact.LINE, "role": Fact.LINE, "invited_by": Fact.LINE, "expires_at": Fact.INSTANT},
        link="invite",
    ),
    "member_joined": Kind(
        _MEMBER | {"code": Fact.NUMBER, "member": Fact.LINE, "role": Fact.LINE}, topic="team", page="team_url"
    ),
    "role_changed": Kind(
        _MEMBER | {"code": Fact.NUMBER, "before": Fact.LINE, "role": Fact.LINE, "by": Fact.LINE}
    ),
    "member_removed": Kind(_MEMBER | {"by": Fact.LINE}),
    # Standing
    "standing_suspended": Kind(_STOP),
    "standing_planned": Kind(_STOP | {"what": Fact.LINE}),
    "standing_lifted": Kind(_STANDING, also={"message": Fact.LINES}),
    "standing_cancelled": Kind(_STANDING, also={"message": Fact.LINES}),
    "standing_terminated": Kind(_STOP),
    "appeal_answered": Kind(_BROKER | {"text": Fact.LINES, "at": Fact.INSTANT}),
    "appeal_decided": Kind(_BROKER | {"outcome": Fact.LINE, "decision": Fact.LINES, "at": Fact.INSTANT}),
    # Exchange accounts
    "account_change_asked": Kind(_ACCOUNT, also=_FORMER),
    "account_change_confirmed": Kind(_ACCOUNT | {"takes_effect": Fact.INSTANT}, also=_FORMER),
    "account_change_applied": Kind(_ACCOUNT, also=_FORMER),
    "account_change_cancelled": Kind(_ACCOUNT | {"ended_by": Fact.LINE}, also=_FORMER | {"why": Fact.LINES}),
    "account_change_refused": Kind(_ACCOUNT, also=_FORMER | {"why": Fact.LINES}),
    # Statements and money
    # `status` says in words what happens with the money next; `corrects` names earlier months, "August 2026".
    "statement_ready": Kind(
        _MONTH
        | {
            "number": Fact.NUMBER,
            "due": Fact.LINE,
            "tier": Fact.LINE,
            "volume": Fact.LINE,
            "status": Fact.LINE,
        },
        also={"corrects": Fact.LINE},
        topic="statements",
        page="statement_url",
    ),
    "credit_sent": Kind(
        _MONTH | {"amount": Fact.LINE, "account": Fact.LINE, "credit_id": Fact.LINE, "at": Fact.INSTANT},
        topic="credits",
        page="statement_url",
    ),
    "file_ready": Kind(
        _BROKER | {"name": Fact.LINE, "expires_at": Fact.INSTANT, "file": Fact.REFERENCE}, page="file_url"
    ),
    # Gathered
    #: What happened comes as `items`, see `rendering.Item`.
    "digest": Kind({"day": Fact.DATE}, topic="digest"),
    #: What waits for staff. What is zero, or not given, is left out; lists are one thing a line.
    "staff_digest": Kind(
        {"day": Fact.DATE},
        also={
            "applications": Fact.NUMBER,
            "applications_oldest": Fact.INSTANT,
            "months": Fact.NUMBER,
            "months_waiting": Fact.LINES,
            "quarantine": Fact.NUMBER,
            "quarantine_reasons": Fact.LINES,
            "quarantine_came": Fact.NUMBER,
            "quarantine_came_reasons": Fact.LINES,
            "books": Fact.NUMBER,
            "books_breaches": Fact.LINES,
        },
        topic="staff",
        page="staff_url",
    ),
}


class WrongLetter(ValueError):
    """What was handed over makes no letter of that kind: a mistake in the code that writes it."""


def check(*, kind: str, facts: Mapping[str, Any], link: Mapping[str, Any] | None) -> None:
    """Raise `WrongLetter` unless the facts and the link are those of the kind, no more and no less.

    Surplus facts are a mistake too: what no text says might be a secret, and would be kept.
    """
    if kind not in KINDS:
        raise WrongLetter(f"there is no letter '{kind}': add it to KINDS in portal/letters/kinds.py")
    wanted = KINDS[kind]
    missing = wanted.facts.keys() - facts.keys()
    surplus = facts.keys() - wanted.facts.keys() - wanted.also.keys()
    if missing:
        raise WrongLetter(f"letter '{kind}' needs the facts {', '.join(sorted(missing))}")
    if surplus:
        raise WrongLetter(f"letter '{kind}' has no use for the facts {', '.join(sorted(surplus))}")
    for name, value in facts.items():
        fact = fact_of(kind, name)
        if not _fits(fact, value):
            raise WrongLetter(f"letter '{kind}': the fact {name} is to be {fact.value}")
    given = None if link is None else link.get("kind")
    if given != wanted.link:
        raise WrongLetter(f"letter '{kind}' is to have the link {wanted.link!r}, not {given!r}")


def fact_of(kind: str, name: str) -> Fact:
    """How the named fact of a kind is given."""
    wanted = KINDS[kind]
    return wanted.facts[name] if name in wanted.facts else wanted.also[name]


def _fits(fact: Fact, value: Any) -> bool:
    match fact:
        case Fact.LINE:
            return value is None or isinstance(value, str)
        case Fact.LINES:
            return isinstance(value, str)
        case Fact.NUMBER:
            return isinstance(value, int) and not isinstance(value, bool)
        case Fact.REFERENCE:
            return _reference(value)
        case Fact.INSTANT:
            return _instant(value)
        case Fact.DATE:
            return _date(value)
        case Fact.MONTH:
            return isinstance(value, str) and len(value) == 7 and _date(f"{value}-01")


def _reference(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False


def _instant(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _date(value: Any) -> bool:
    try:
        return bool(date.fromisoformat(value).isoformat() == value)
    except (TypeError, ValueError):
        return False
