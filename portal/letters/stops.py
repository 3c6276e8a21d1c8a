"""Letters that nobody has to get: whether one is still wanted when it is sent, and how it is stopped."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Stop:
    """A letter is still wanted, and this is how it is stopped."""

    #: Absolute; one click on it stops letters on the topic.
    address: str
    #: It is wanted in the letter of the day.
    is_daily: bool = False


def stop_of(unsubscribe: Mapping[str, Any]) -> Stop | None:
    """How letters on this topic to this login are stopped; None when they are not wanted any more.

    `unsubscribe` is what the letter was written with: `{"login": …, "broker": code or None, "topic": …}`.
    Whoever left a team, lost the role or stopped the topic while the letter waited gets it no more.
    """
    found: Stop | None = import_string(settings.LETTER_UNSUBSCRIBE)(unsubscribe)
    return found
