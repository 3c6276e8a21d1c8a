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


#: These gather others, and are gathered into none.
OF_THE_DAY = ("digest", "staff_digest")


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
    attachment: dict[str, Any] | None = None,
    unsubscribe: dict[str, Any] | None = None,
    daily: bool = False,
) -> bool:
    """Put a letter into the outbox, in the caller's transaction; whether it was not there before.

    `key` makes it the same letter: written twice, it exists once. `facts` are what its text says and
    hold no secret; which ones a kind needs says `portal/letters/kinds.py`. `link` says what a secret link
    is made from when the letter is sent: `{"kind": "confirm" | "reset" | "invite", …}`, see
    `settings.LETTER_LINKS`. `attachment` says of which file goes with it, made when it is sent:
    `{"kind": "statement", …}`, see `settings.LETTER_ATTACHMENTS`. A letter on a topic says in `unsubscribe`
    whose wish it follows: `{"login": …, "broker": code or None, "topic": …}`; with `daily` it is not sent but
    told of in the letter of the day. Raises `kinds.WrongLetter` for a mistake of the caller's.
    """
    kinds.check(kind=kind, facts=facts, link=link)
    _check_extras(kind, attachment, unsubscribe, daily=daily)
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
                attachment=attachment,
                unsubscribe=unsubscribe,
                state=Letter.State.GATHERED if daily else Letter.State.WRITTEN,
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


def _check_extras(
    kind: str, attachment: dict[str, Any] | None, unsubscribe: dict[str, Any] | None, *, daily: bool
) -> None:
    if attachment is not None and attachment.get("kind") not in settings.LETTER_ATTACHMENTS:
        raise kinds.WrongLetter(f"letter '{kind}': there is no attachment {attachment.get('kind')!r}")
    topic = kinds.KINDS[kind].topic
    if (None if unsubscribe is None else unsubscribe.get("topic")) != topic:
        raise kinds.WrongLetter(f"letter '{kind}' is to say whose wish it follows, on the topic {topic!r}")
    if unsubscribe is not None and not (
        unsubscribe.keys() == {"login", "broker", "topic"} and isinstance(unsubscribe["login"], int)
    ):
        raise kinds.WrongLetter(f"letter '{kind}' is to name the login, the broker and the topic of the wish")
    if daily and (unsubscribe is None or kind in OF_THE_DAY):
        raise kinds.WrongLetter(f"letter '{kind}' cannot wait for the letter of the day")


def _how(letter: Letter) -> str:
    if letter.sent_at is not None:
        return f"was taken by the mail server at {letter.sent_at:%Y-%m-%d %H:%M:%S} UTC"
    if letter.state == Letter.State.GATHERED:
        return "waits for the letter of the day, which comes by itself"
    if letter.state == Letter.State.TOLD:
        return "was told of in the letter of a day"
    return "waits for its first attempt, which comes by itself"
