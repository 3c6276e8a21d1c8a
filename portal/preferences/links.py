"""Addresses that stop letters in one click: whose letters, and on what, signed by us. They never run out.

They open nothing: whoever finds one can stop these letters, and start them again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from portal.letters.stops import Stop
from portal.preferences import queries
from portal.preferences.queries import Place
from portal.preferences.topics import DAILY, GATHERING, NEVER, topic

_STOP = Signer(salt="portal.preferences.stop")
_BACK = Signer(salt="portal.preferences.back")


class BrokenLink(ValueError):
    """The token is not one of ours."""


@dataclass(frozen=True, slots=True)
class OneClick:
    """What a link stops."""

    login: int
    #: None of staff's letters, and of a letter of the day.
    broker: int | None
    topic: str

    @property
    def gathers(self) -> bool:
        return self.topic in GATHERING

    @property
    def about(self) -> str:
        """Within a sentence: letters about …"""
        found = topic(broker=self.broker, name=self.topic)
        return "" if found is None else found.about

    @property
    def usual(self) -> str:
        """How letters on it come to who never said anything."""
        found = topic(broker=self.broker, name=self.topic)
        return NEVER if found is None else found.usual


def unsubscribe(wish: Mapping[str, Any]) -> Stop | None:
    """For `settings.LETTER_UNSUBSCRIBE`: how a letter is stopped; None if it is not wanted any more."""
    of = OneClick(wish["login"], wish["broker"], wish["topic"])
    delivery = queries.wanted(login=of.login, broker=of.broker, topic=of.topic)
    if delivery == NEVER:
        return None
    return Stop(
        address=settings.PORTAL_URL + reverse("unsubscribe", args=[token_of(of)]), is_daily=delivery == DAILY
    )


def token_of(of: OneClick) -> str:
    """The same for the same topic, always: a letter that is sent again bears the same address."""
    return _STOP.sign_object([of.login, of.broker, of.topic])


def read(token: str) -> OneClick:
    """What a token stops. Raises `BrokenLink`."""
    try:
        login, broker, name = _STOP.unsign_object(token)
    except (BadSignature, ValueError) as problem:
        raise BrokenLink from problem
    found = OneClick(login, broker, name)
    if not found.gathers and not found.about:
        raise BrokenLink  # signed when there was such a topic
    return found


def way_back(of: OneClick, before: list[tuple[Place, str]]) -> str:
    """What the button gives back that starts again what a click has stopped."""
    return _BACK.sign_object([of.login, before])


def read_way_back(of: OneClick, token: str) -> list[tuple[Place, str]]:
    """Topics as they were before. Raises `BrokenLink` for one that is not ours, or another login's."""
    try:
        login, before = _BACK.unsign_object(token)
    except (BadSignature, ValueError) as problem:
        raise BrokenLink from problem
    if login != of.login:
        raise BrokenLink
    return [((code, name), delivery) for (code, name), delivery in before]
