"""Makes a letter for one attempt: its secret link, its file, its way to stop it. Nothing of it is kept."""

import logging
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import Error as DatabaseError
from django.utils.module_loading import import_string

from portal.letters import rendering
from portal.letters.models import Letter
from portal.letters.stops import stop_of

log = logging.getLogger(__name__)

#: The largest file that goes with a letter, in bytes; mail servers take twice as much. A larger one is left
#: out, and the letter says where it is.
MOST_BYTES = 5_000_000
#: A file that cannot be made holds its letter up so often; then the letter goes without it.
PATIENCE = 3
#: What mail servers say to a letter that is too long for them (RFC 3463: 5.2.3, 5.3.4).
_TOO_LONG = ("552", "554 5.2.3", "554 5.3.4")


class Instead(Enum):
    """Why an attempt sends nothing, and nothing is wrong."""

    NOT_NEEDED = "no longer needed"
    FOR_THE_DAY = "wanted in the letter of the day"


@dataclass(frozen=True, slots=True)
class Made:
    """A letter as the mail server takes it."""

    message: EmailMultiAlternatives
    #: An address in it that is nobody's but the addressee's.
    secret: str | None


def made(letter: Letter, *, now: datetime) -> Made | Instead:
    """The letter for this attempt, or why there is none. Runs outside of any transaction of its own.

    What goes with it may take seconds to make, and asks the database.
    """
    link = stop = None
    if letter.link is not None:
        link = _secret_link(letter.link)
        if link is None:
            return Instead.NOT_NEEDED
    if letter.unsubscribe is not None:
        stop = stop_of(letter.unsubscribe)
        if stop is None:
            return Instead.NOT_NEEDED
        if stop.is_daily:
            return Instead.FOR_THE_DAY
    items = _items(letter) if letter.kind == "digest" else []
    if letter.kind == "digest" and not items:
        return Instead.NOT_NEEDED
    message = rendering.message(
        kind=letter.kind,
        facts=letter.facts,
        link=link,
        to=letter.to,
        message_id=letter.message_id,
        now=now,
        attached=_attached(letter, now=now),
        unsubscribe=None if stop is None else stop.address,
        items=items,
    )
    return Made(message, link or (None if stop is None else stop.address))


def is_too_long(letter: Letter, said: str) -> bool:
    """Whether the server refused no more than the file, by what it said: without it the letter goes."""
    return _has_file(letter) and said.startswith(_TOO_LONG)


def _has_file(letter: Letter) -> bool:
    """Whether this attempt carries one: a letter that was just refused for its length goes without."""
    return letter.attachment is not None and not letter.last_error.startswith(_TOO_LONG)


def _secret_link(link: dict[str, Any]) -> str | None:
    """The absolute address made for this attempt; None when it would lead nowhere any more."""
    make = import_string(settings.LETTER_LINKS[link["kind"]])
    address: str | None = make(link)
    return address


def _items(letter: Letter) -> list[rendering.Item]:
    """What a letter of the day tells of: what was gathered into it and is still wanted, oldest first."""
    return [
        rendering.item(kind=each.kind, facts=each.facts)
        for each in letter.gathered.order_by("written_at", "pk")
        if each.unsubscribe is not None and stop_of(each.unsubscribe) is not None
    ]


def _attached(letter: Letter, *, now: datetime) -> rendering.Attached | None:
    """The file that goes with it; None if there is none, or none that a mail server takes."""
    if letter.attachment is None or not _has_file(letter):
        return None
    make = import_string(settings.LETTER_ATTACHMENTS[letter.attachment["kind"]])
    try:
        found: rendering.Attached | None = make(letter.attachment, now=now)
    except DatabaseError:
        raise
    except Exception:
        if letter.attempts < PATIENCE:
            raise
        log.exception("letter %s (%s) goes without its file", letter.pk, letter.kind)
        return None
    return found if found is not None and len(found.content) <= MOST_BYTES else None
