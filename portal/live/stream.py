"""One open page: what it was last told, and what it is to be told next."""

import asyncio
import json
from contextlib import suppress

from portal.live.queries import Watched
from portal.live.reading import Words
from portal.live.telling import Told

#: Seconds after which a page that shows figures is told as of when they are, though none has changed.
BEAT = 5.0


class Stream:
    """What waits to be sent is kept by kind, the newest of each: whoever reads slowly gets what is new."""

    def __init__(self, watched: Watched, mark: str, *, words: Words | None = None, version: str = "") -> None:
        self.watched = watched
        self.mark = mark
        #: Whose figures it shows, in which language; None if it shows none.
        self.words = words
        #: Of the figures that it has.
        self.version = version
        #: Of the event loop's clock: when it came, and when its login last was known to be allowed to look.
        self.joined_at = self.is_known_since = 0.0
        self.has_ended = False
        #: The login may not look any more; otherwise the end is ours, and the browser comes back.
        self.is_unseated = False
        self._is_in_trouble = False
        self._beat_at = 0.0
        self._waiting: dict[str, bytes] = {}
        self._news = asyncio.Event()

    async def news(self, *, within: float) -> bytes:
        """What there is to send; nothing if nothing came within so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._news.wait()
        self._news.clear()
        told = b"".join(self._waiting.values())
        self._waiting.clear()
        return told

    def tell_standing(self, mark: str) -> None:
        if mark != self.mark:
            self.mark = mark
            self._tell("standing", event("standing", json.dumps({"mark": mark})))

    def tell_figures(self, told: Told, *, beat: str) -> None:
        """The figures if they are others than it has; as of when they are, with them or once in a while."""
        now = asyncio.get_running_loop().time()
        is_new = told.version != self.version
        if is_new:
            self.version = told.version
            self._tell("figures", event("figures", told.data, version=told.version))
        if is_new or self._is_in_trouble or now - self._beat_at >= BEAT:
            self._beat_at, self._is_in_trouble = now, False
            self._tell("beat", event("beat", beat))

    def tell_of_trouble(self) -> None:
        """Nothing can be read just now: said once, until the next beat."""
        if not self._is_in_trouble and self.words is not None:
            self._is_in_trouble = True
            self._tell("beat", event("trouble", "{}"))

    def end(self, *, is_unseated: bool = False) -> None:
        self.has_ended, self.is_unseated = True, is_unseated
        self._news.set()

    def _tell(self, kind: str, message: bytes) -> None:
        self._waiting[kind] = message
        self._news.set()


def event(name: str, data: str, *, version: str = "") -> bytes:
    """One server-sent event; the version is what its browser says it has when it comes back."""
    number = f"id: {version}\n" if version else ""
    return f"event: {name}\n{number}data: {data}\n\n".encode()
