"""One look at the database a second for all streams of a process, however many pages are open."""

import asyncio
import logging
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async

from portal.live.queries import State
from portal.live.reading import Read, Words, look
from portal.live.stream import Stream
from portal.live.telling import Told

log = logging.getLogger(__name__)

#: Seconds between two looks at figures, and between two at who may still look.
EVERY, ACCESS_EVERY = 1.0, 8.0
#: Seconds that a look may take; for how long a stream goes on while nobody can say whether it may.
PATIENCE, BENEFIT_OF_DOUBT = 2.0, 12.0


class Watch:
    """The streams of one event loop, and the task that looks for all of them while there are any."""

    def __init__(self) -> None:
        self.streams: set[Stream] = set()
        self._task: asyncio.Task[None] | None = None
        #: A look that is still under way: there is never a second one beside it.
        self._looking: asyncio.Future[Read] | None = None
        #: When that look began, and when the task did: of the event loop's clock.
        self._began = self._started = 0.0
        self._knows_access_since = 0.0
        #: What the last look found, so that only what changed is written anew.
        self._known: Mapping[Words, Told] = {}
        self._is_missing = False

    def join(self, stream: Stream) -> None:
        loop = asyncio.get_running_loop()
        stream.joined_at = stream.is_known_since = loop.time()
        self.streams.add(stream)
        if self._task is None or self._task.done():
            self._started = loop.time()
            self._task = loop.create_task(self._look())

    def leave(self, stream: Stream) -> None:
        self.streams.discard(stream)

    def end_all(self) -> None:
        for stream in self.streams:
            stream.end()

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while self.streams:
            due = loop.time() + EVERY
            try:
                found = await self._found()
            except Exception as problem:
                self._miss(problem)
            else:
                self._tell(found)
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _found(self) -> Read:
        if self._looking is None:
            self._looking = asyncio.ensure_future(self._ask())
        await asyncio.wait({self._looking}, timeout=PATIENCE)
        if not self._looking.done():
            raise TimeoutError("the database does not answer")
        looked, self._looking = self._looking, None
        found = looked.result()
        return found if self._began >= self._started else await self._found()

    async def _ask(self) -> Read:
        self._began = asyncio.get_running_loop().time()
        is_due = self._began - self._knows_access_since >= ACCESS_EVERY
        watched = {stream.watched for stream in self.streams} if is_due or self._is_missing else set()
        words = {stream.words for stream in self.streams if stream.words is not None}
        if not watched and not words:
            return Read(None, {}, {})
        return await sync_to_async(look, thread_sensitive=False)(watched, words, self._known)

    def _tell(self, found: Read) -> None:
        if self._is_missing:
            log.info("live streams go on: the database answers again")
        self._is_missing = False
        self._known = found.figures
        if found.state is not None:
            self._knows_access_since = self._began
            self._tell_state(found.state)
        for stream in self.streams:
            words = stream.words
            # A page that came while we looked may have been made of something newer.
            if words is not None and words in found.figures and stream.joined_at <= self._began:
                stream.tell_figures(found.figures[words], beat=found.beats[words[1]])

    def _tell_state(self, state: State) -> None:
        for stream in self.streams:
            if stream.watched in state.seated:
                stream.is_known_since = self._began
                stream.tell_standing(state.marks[stream.watched.broker])
            elif stream.watched in state.asked:  # others came while we looked
                stream.end(is_unseated=True)

    def _miss(self, problem: Exception) -> None:
        """Streams are held for a while; then nobody knows who may still look, so nobody does."""
        if not self._is_missing:
            log.warning("live streams wait, the database cannot be asked: %r", problem)
        self._is_missing = True
        since = asyncio.get_running_loop().time() - BENEFIT_OF_DOUBT
        for stream in self.streams:
            if stream.is_known_since < since:
                stream.end()
            else:
                stream.tell_of_trouble()


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
