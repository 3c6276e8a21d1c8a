"""One look at the database every few seconds for all streams of a process, however many pages are open."""

import asyncio
import logging
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.db import connections
from django.utils import timezone

from portal.live import queries
from portal.live.queries import State, Watched

log = logging.getLogger(__name__)

#: Seconds between two looks, and how long one may take.
EVERY, PATIENCE = 4.0, 6.0


class Stream:
    """One open page: what it was last told, and what it is to be told next."""

    def __init__(self, watched: Watched, mark: str) -> None:
        self.watched = watched
        self.mark = mark
        self.has_ended = False
        #: The login may not look any more; otherwise the end is ours, and the browser comes back.
        self.is_unseated = False
        self._news = asyncio.Event()

    async def news(self, *, within: float) -> bool:
        """Wait until there is something to tell; whether there was within so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._news.wait()
        came = self._news.is_set()
        self._news.clear()
        return came

    def tell(self, mark: str) -> None:
        if mark != self.mark:
            self.mark = mark
            self._news.set()

    def end(self, *, is_unseated: bool = False) -> None:
        self.has_ended, self.is_unseated = True, is_unseated
        self._news.set()


class Watch:
    """The streams of one event loop, and the task that looks for all of them while there are any."""

    def __init__(self) -> None:
        self.streams: set[Stream] = set()
        self._task: asyncio.Task[None] | None = None

    def join(self, stream: Stream) -> None:
        self.streams.add(stream)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._look())

    def leave(self, stream: Stream) -> None:
        self.streams.discard(stream)

    def end_all(self) -> None:
        for stream in self.streams:
            stream.end()

    async def _look(self) -> None:
        while self.streams:
            try:
                async with asyncio.timeout(PATIENCE):
                    found = await sync_to_async(_read, thread_sensitive=False)(
                        frozenset(stream.watched for stream in self.streams)
                    )
            except Exception as problem:
                # Who can still look is not known, so nobody does; browsers come back by themselves.
                log.warning("live streams are ended, the database cannot be asked: %r", problem)
                self.end_all()
            else:
                self._tell(found)
            await asyncio.sleep(EVERY)

    def _tell(self, found: State) -> None:
        for stream in self.streams:
            if stream.watched in found.seated:
                stream.tell(found.marks[stream.watched.broker])
            elif stream.watched in found.asked:  # others came while we looked
                stream.end(is_unseated=True)


def _read(watched: frozenset[Watched]) -> State:
    """In a thread of its own; its connection goes back at once, so that none is held between two looks."""
    try:
        return queries.state(watched, now=timezone.now())
    finally:
        connections.close_all()


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, Watch] = WeakKeyDictionary()


def watch() -> Watch:
    """The watch of the running event loop: a web process has one."""
    loop = asyncio.get_running_loop()
    if loop not in _watches:
        _watches[loop] = Watch()
        _end_with_the_process(loop, _watches[loop])
    return _watches[loop]


def open_streams() -> Counter[int]:
    """How many streams each login has open in this process."""
    return Counter(stream.watched.login for each in list(_watches.values()) for stream in list(each.streams))


def _end_with_the_process(loop: asyncio.AbstractEventLoop, watch: Watch) -> None:
    """A web server that is asked to stop waits for its answers to end; ours would take minutes."""

    def passed_on(before: Callable[[int, FrameType | None], Any]) -> Callable[[int, FrameType | None], Any]:
        def stop(number: int, frame: FrameType | None) -> Any:
            if not loop.is_closed():
                loop.call_soon_threadsafe(watch.end_all)
            return before(number, frame)

        return stop

    for number in (signal.SIGINT, signal.SIGTERM):
        before = signal.getsignal(number)
        if callable(before):
            with suppress(ValueError):  # not the main thread, so not a web server's own loop
                signal.signal(number, passed_on(before))
