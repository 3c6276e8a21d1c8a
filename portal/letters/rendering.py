"""Makes a letter's subject, text and HTML out of its facts. Nothing of it is kept."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import format_datetime
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context, Engine
from django.utils import translation
from django.utils.formats import date_format
from django.utils.html import format_html

from portal.letters import addresses, design
from portal.letters.kinds import KINDS, Fact, WrongLetter, fact_of

#: Where a person may ask.
WRITE_TO = "vip@backpack.exchange"
_LONGEST_SUBJECT = 150
#: Nobody's name is longer; what is, is cut, so that the rest of the letter can be found.
_LONGEST_LINE = 300
#: Stands within an instant until its line is set, so that it stays on one.
_GLUE = "\u00a0"
_TIMES = (Fact.INSTANT, Fact.DATE)
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A letter as it is read."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that goes with a letter."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Item:
    """A letter within the letter of a day: its subject, and the page that it leads to."""

    subject: str
    address: str


def message(
    *,
    kind: str,
    facts: Mapping[str, Any],
    link: str | None,
    to: str,
    message_id: str,
    now: datetime,
    attached: Attached | None = None,
    unsubscribe: str | None = None,
    items: Sequence[Item] = (),
) -> EmailMultiAlternatives:
    """The letter as a mail server takes it; `message_id` is the same for every attempt.

    `unsubscribe` is the absolute address that stops letters on the topic in one click (RFC 8058). Raises
    `WrongLetter` for one that is not the portal's own, or on a letter that nobody may stop.
    """
    file = None if attached is None else _safe(attached)
    made = render(
        kind=kind,
        facts=facts,
        link=link,
        attached=None if file is None else file.name,
        unsubscribe=unsubscribe,
        items=items,
    )
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
        }
        | _stop_headers(unsubscribe),
    )
    letter.attach_alternative(made.html, "text/html")
    if file is not None:
        letter.attach(file.name, file.content, file.media_type)
    return letter


def render(
    *,
    kind: str,
    facts: Mapping[str, Any],
    link: str | None = None,
    attached: str | None = None,
    unsubscribe: str | None = None,
    items: Sequence[Item] = (),
) -> Rendered:
    """The words of a letter, with the name of the file that goes with it.

    The text and the HTML are made of one template, so that both say the same. Facts are escaped in the HTML
    and never begin a line in a header.
    """
    if unsubscribe is not None:
        _must_be_stoppable(kind, unsubscribe)
    with translation.override(settings.LANGUAGE_CODE):
        values: dict[str, Any] = addresses.pages(kind, facts)
        values |= {name: _said(fact_of(kind, name), value) for name, value in facts.items()}
        values |= {
            "link": link,
            "attached": attached,
            "unsubscribe": unsubscribe,
            "topic": KINDS[kind].topic,
            "items": [Item(_cut(one_line(each.subject), _LONGEST_SUBJECT), each.address) for each in items],
            "write_to": WRITE_TO,
        }
        subject = _cut(one_line(_face(kind, "subject.txt", values)), _LONGEST_SUBJECT)
        text = re.sub(r"\n{3,}", "\n\n", _face(kind, "txt", values)).strip() + "\n"
        times = {name: _unbroken(values[name]) for name in facts if fact_of(kind, name) in _TIMES}
        shown = {**values, **times, "subject": subject, "preview": design.preview(text)}
        html = _face(kind, "html", shown)
    return Rendered(subject=subject, text=text, html=html)


def item(*, kind: str, facts: Mapping[str, Any]) -> Item:
    """How the letter of a day tells of a letter that was gathered into it."""
    page = addresses.pages(kind, facts)[KINDS[kind].page]
    return Item(render(kind=kind, facts=facts).subject, page)


def one_line(text: str) -> str:
    """Text as one line: no line ends, no control signs, nothing that turns the direction of reading."""
    return " ".join(_without_controls(text).split())


def _face(kind: str, face: str, values: Mapping[str, Any]) -> str:
    # Escaping is chosen here for the whole letter, so that no template can forget it or turn it off.
    is_html = face == "html"
    if is_html:
        anchor = '<a href="mailto:{0}" class="link" style="color: {1}">{0}</a>'
        values = {**values, "write_to": format_html(anchor, WRITE_TO, design.LIGHT["accent"])}
    given = {**design.STYLE, **values, "face": face, "frame": f"letters/parts/base.{face}"}
    made = Engine.get_default().get_template(f"letters/{kind}.txt")
    return str(made.render(Context(given, autoescape=is_html, use_l10n=False))).replace(_GLUE, " ")


def _said(fact: Fact, value: Any) -> str | int:
    match fact:
        case Fact.INSTANT:
            said = f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
            return said.replace(" ", _GLUE)
        case Fact.DATE:
            return date.fromisoformat(value).isoformat()
        case Fact.MONTH:
            return date_format(date.fromisoformat(f"{value}-01"), "F Y")
        case Fact.NUMBER:
            return int(value)
        case Fact.LINES:
            lines = re.split(r"\r\n|\r|\n", value.strip())
            return "\n".join(_without_controls(line) for line in lines)
        case _:
            return _cut(one_line("" if value is None else str(value)), _LONGEST_LINE)


def _unbroken(time: str) -> str:
    """A narrow screen would break it at its hyphens."""
    return format_html('<span style="white-space: nowrap">{}</span>', time)


def _cut(line: str, longest: int) -> str:
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _must_be_stoppable(kind: str, address: str) -> None:
    if KINDS[kind].topic is None:
        raise WrongLetter(f"letter '{kind}' is mandatory: it bears no address that stops it")
    # What ends the header's <…>, or the header itself, is no part of an address.
    if re.fullmatch(re.escape(settings.PORTAL_URL) + r"/[!-;=?-~]+", address) is None:
        raise WrongLetter(f"letter '{kind}': the address that stops it is not the portal's own")


def _stop_headers(address: str | None) -> dict[str, str]:
    if address is None:
        return {}
    return {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def _safe(file: Attached) -> Attached:
    """With a name that is a file's name wherever it is saved, and a media type that is one."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", file.name).lstrip(".-")[:100] or "file"
    is_type = _MEDIA_TYPE.fullmatch(file.media_type) is not None
    return Attached(name, file.media_type if is_type else "application/octet-stream", file.content)


def _without_controls(text: str) -> str:
    """Without Unicode's controls, format signs and line separators; they stand as a space."""
    return "".join(
        " " if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") else sign for sign in text
    )
