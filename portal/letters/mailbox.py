"""Where letters go on a developer's machine and in the demo: a folder with one file a letter."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path
from secrets import token_hex

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

#: 20261122T190512345678-0f1e2d3c: in the order of arrival, and nothing that a path is made of.
_NAME = re.compile(r"[0-9]{8}T[0-9]{12}-[0-9a-f]{8}")


class MailboxBackend(BaseEmailBackend):
    """Writes each letter into a file of its own in `settings.EMAIL_FILE_PATH`, readable by us alone."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = Path(settings.EMAIL_FILE_PATH)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for message in email_messages:
            name = f"{timezone.now():%Y%m%dT%H%M%S%f}-{token_hex(4)}"
            unfinished = folder / f".{name}"
            handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(message.message().as_bytes())
            unfinished.rename(folder / f"{name}.eml")
        return len(email_messages)


@dataclass(frozen=True, slots=True)
class Received:
    """A letter that lies in the mailbox."""

    name: str
    to: str
    sender: str
    subject: str
    at: datetime | None
    text: str


def received(name: str) -> Received | None:
    """The letter of that name; None when there is none, or the name is none of ours."""
    if not _NAME.fullmatch(name):
        return None
    try:
        raw = (Path(settings.EMAIL_FILE_PATH) / f"{name}.eml").read_bytes()
    except FileNotFoundError:
        return None
    letter = message_from_bytes(raw, policy=policy.default)
    body = letter.get_body(("plain",))
    return Received(
        name=name,
        to=str(letter["To"]),
        sender=str(letter["From"]),
        subject=str(letter["Subject"]),
        at=letter["Date"].datetime if letter["Date"] else None,
        text=body.get_content() if body is not None else "",
    )


def newest(most: int) -> Iterator[Received]:
    """The letters in the mailbox, the last one first."""
    folder = Path(settings.EMAIL_FILE_PATH)
    names = sorted((file.stem for file in folder.glob("*.eml")), reverse=True)
    for name in names[:most]:
        letter = received(name)
        if letter is not None:
            yield letter
