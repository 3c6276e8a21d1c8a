"""Puts letters into the outbox, and dead ones back into it."""

import logging
from datetime import datetime
from email.utils import make_msgid, parseaddr
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from payouts.refusal import Refusal
from portal.letters import kinds
from portal.letters.models import Letter

log = logging.getLogger(__name__)


class NoSuchLetter(Refusal):
    """There is no letter of that number."""


class NotWaiting(Refusal):
    """The letter was sent, or waits for its first attempt."""


def write(
    *,
    key: str,
    kind: str,
    to: str,
    facts: dict[str, Any],
    now: datetime,
    link: dict[str, Any] | None = None,
) -> bool:
    """Put a letter into the outbox, in the caller's transaction; whether it was not there before.

    `key` makes it the same letter: written twice, it exists once. `facts` are what its text says and
    hold no secret; which ones a kind needs says `portal/letters/kinds.py`. `link` says what a secret link
    is made from when the letter is sent: `{"kind": "confirm" | "reset" | "invite", …}`, see
    `settings.LETTER_LINKS`. Raises `kinds.WrongLetter` for a mistake of the caller's.
    """
    kinds.check(kind=kind, facts=facts, link=link)
    try:
        validate_email(to)
    except ValidationError:
        raise kinds.WrongLetter(f"letter '{kind}' is to go to an e-mail address") from None
    message_id = make_msgid(domain=parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2])
    # Whoever writes the same key at the same moment waits here for our transaction, or we for theirs.
    Letter.objects.bulk_create(
        [
            Letter(
                key=key,
                kind=kind,
                to=to,
                facts=facts,
                link=link,
                message_id=message_id,
                written_at=now,
                due_at=now,
            )
        ],
        ignore_conflicts=True,
    )
    return Letter.objects.filter(message_id=message_id).exists()


@transaction.atomic
def send_again(*, letter_id: int, by: Any, now: datetime) -> None:
    """Let a letter that failed or was given up be tried again at once. `by` is the login that asks.

    Attempts go on counting, so one that fails for good again is given up again at once. Refuses
    `NoSuchLetter` and `NotWaiting`.
    """
    letter = Letter.objects.select_for_update().filter(pk=letter_id).first()
    if letter is None:
        raise NoSuchLetter("There is no such letter: look at the list of letters again.")
    if letter.state not in (Letter.State.DEAD, Letter.State.FAILED):
        raise NotWaiting(f"This letter {_how(letter)}; nothing was done.")
    letter.state, letter.due_at = Letter.State.FAILED, now
    letter.save(update_fields=["state", "due_at"])
    log.info("letter %s is to be sent again, asked by login %s", letter_id, by.pk)


def _how(letter: Letter) -> str:
    if letter.sent_at is not None:
        return f"was taken by the mail server at {letter.sent_at:%Y-%m-%d %H:%M:%S} UTC"
    return "waits for its first attempt, which comes by itself"
