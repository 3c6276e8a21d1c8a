"""What the poller asks the database, in a thread: figures each second, who may still look every few."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connections
from django.utils import timezone

from payouts.month import Month
from payouts.volume import live
from portal.live import queries, telling
from portal.live.queries import State, Watched
from portal.live.telling import Told

log = logging.getLogger(__name__)

#: A broker's figures in one language: what many pages are told in the same words.
Words = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Read:
    """What one look found."""

    #: None where nobody asked for it.
    state: State | None
    figures: Mapping[Words, Told]
    #: Language → as of when, as all pages of that language are told.
    beats: Mapping[str, str]


def look(watched: Collection[Watched], words: Collection[Words], known: Mapping[Words, Told]) -> Read:
    """Ask for everything that is due: one query for all figures, and those of `state` if any are watched.

    What is the same as in `known` is not written again. The connection goes back at once.
    """
    try:
        now = timezone.now()
        state = queries.state(watched, now=now) if watched else None
        if not words:
            return Read(state, {}, {})
        found = live.figures(broker_codes={code for code, _language in words}, month=Month.of(now))
    finally:
        connections.close_all()
    figures = {}
    for code, language in words:
        told, is_of = known.get((code, language)), found.of[code]
        try:
            if told is None or told.version != is_of.version:
                told = telling.figures(is_of, language=language)
        except Exception:  # one broker's trouble is not everybody's
            log.exception("the figures of broker %s cannot be told", code)
        else:
            figures[code, language] = told
    beats = {
        language: telling.beat(found.heard, as_of=now, language=language)
        for language in {language for _code, language in words}
    }
    return Read(state, figures, beats)


def once(code: int, *, language: str, now: datetime) -> tuple[Told, str]:
    """The same for a page that asks by itself: its figures and its beat."""
    found = live.figures(broker_codes=[code], month=Month.of(now))
    return (
        telling.figures(found.of[code], language=language),
        telling.beat(found.heard, as_of=now, language=language),
    )
