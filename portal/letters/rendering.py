"""Makes a letter's subject, text and HTML out of its facts. Nothing of it is kept."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import format_datetime
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context, Engine
from django.urls import reverse
from django.utils import translation

from portal.letters.kinds import Fact, fact_of

#: Where a person may ask.
WRITE_TO = "vip@backpack.exchange"
_LONGEST_SUBJECT = 150


@dataclass(frozen=True, slots=True)
class Rendered:
    """A letter as it is read."""

    subject: str
    text: str
    html: str


def message(
    *, kind: str, facts: Mapping[str, Any], link: str | None, to: str, message_id: str, now: datetime
) -> EmailMultiAlternatives:
    """The letter as a mail server takes it; `message_id` is the same for every attempt."""
    made = render(kind=kind, facts=facts, link=link)
    letter = EmailMultiAlternatives(
        subject=made.subject,
        body=made.text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[to],
        headers={
            "Message-ID": message_id,
            "Date": format_datetime(now.astimezone(UTC)),
            # RFC 3834: no answering machine replies to it.
            "Auto-Submitted": "auto-generated",
        },
    )
    letter.attach_alternative(made.html, "text/html")
    return letter


def render(*, kind: str, facts: Mapping[str, Any], link: str | None = None) -> Rendered:
    """The words of a letter. Facts are escaped in the HTML and never begin a line in a header."""
    with translation.override(settings.LANGUAGE_CODE):
        pages = _pages(facts)
        plain = {name: _said(fact_of(kind, name), value) for name, value in facts.items()}
        quoted = {
            name: _quoted(text) if fact_of(kind, name) is Fact.LINES else text for name, text in plain.items()
        }
        common = pages | {"link": link, "write_to": WRITE_TO}
        subject = _filled(f"letters/{kind}.subject.txt", common | plain, escape=False)
        subject = one_line(subject)[:_LONGEST_SUBJECT]
        text = _filled(f"letters/{kind}.txt", common | quoted, escape=False)
        html = _filled(f"letters/{kind}.html", common | plain | {"subject": subject}, escape=True)
    return Rendered(subject=subject, text=re.sub(r"\n{3,}", "\n\n", text).strip() + "\n", html=html)


def one_line(text: str) -> str:
    """Text as one line: no line ends, no control signs, nothing that turns the direction of reading."""
    return " ".join(_without_controls(text).split())


def _pages(facts: Mapping[str, Any]) -> dict[str, str]:
    """Addresses that are no secret. They begin with the portal's own, whatever a request claimed."""
    pages = {
        "portal_url": settings.PORTAL_URL,
        "login_url": _address("account_login"),
        "reset_url": _address("account_reset_password"),
        "sessions_url": _address("usersessions_list"),
    }
    if facts.get("reference"):
        pages["application_url"] = _address("application", facts["reference"])
        pages["apply_url"] = _address("apply")
    if facts.get("code") is not None:
        pages["dashboard_url"] = _address("dashboard", facts["code"])
        pages["standing_url"] = _address("standing", facts["code"])
        pages["account_url"] = _address("exchange_account", facts["code"])
        pages["team_url"] = _address("team", facts["code"])
    return pages


def _address(name: str, *parts: object) -> str:
    return settings.PORTAL_URL + reverse(name, args=parts)


def _filled(template: str, values: Mapping[str, Any], *, escape: bool) -> str:
    # Escaping is chosen here for the whole file, so that no text template can forget to turn it off.
    made = Engine.get_default().get_template(template)
    return str(made.render(Context(dict(values), autoescape=escape)))


def _said(fact: Fact, value: Any) -> str:
    match fact:
        case Fact.INSTANT:
            return f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        case Fact.DATE:
            return date.fromisoformat(value).isoformat()
        case Fact.LINES:
            lines = re.split(r"\r\n|\r|\n", value.strip())
            return "\n".join(_without_controls(line) for line in lines)
        case _:
            return one_line("" if value is None else str(value))


def _quoted(text: str) -> str:
    """Marked line by line, so that somebody's words cannot pass for the letter's own."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _without_controls(text: str) -> str:
    """Without Unicode's controls, format signs and line separators; they stand as a space."""
    return "".join(
        " " if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") else sign for sign in text
    )
