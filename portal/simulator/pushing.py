"""Pushes batches of lines to the portal's own API, each until it is acknowledged, as a good exchange does."""

import gzip
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from payouts.feed.intake import Tally
from payouts.refusal import Refusal

FILLS, WATERMARK = "/feed/v1/fills", "/feed/v1/fills/watermark"
#: Lines of one push; the feed takes 50,000.
MOST_LINES = 5_000
#: A body longer than this is sent as gzip.
_WORTH_GZIP = 4_096
#: Seconds that one answer may take, that lie between two tries at first and at most, and between two words.
_PATIENCE, _FIRST_WAIT, _LONGEST_WAIT, _BETWEEN_WORDS = 30.0, 0.2, 5.0, 30.0
#: What says that the same bytes under the same key may go better another time.
_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


class Refused(Refusal):
    """The feed will not take what we send, however often we send it."""


class Stopped(Exception):
    """We were told to stop before the answer came; whether it was booked is not known here."""


@dataclass(slots=True)
class Door:
    """The feed's address and a token for it. The token is never shown."""

    address: str
    token: str = field(repr=False)
    stopped: threading.Event
    say: Callable[[str], None]
    _away_since: float | None = None
    _spoke_at: float = 0.0

    def push(self, chunks: Iterable[bytes], *, tally: Tally) -> None:
        """Push lines in batches, one after the other, and add what became of them. Refuses `Refused`."""
        for body in bodies(chunks):
            # The same bytes have the same key, also after a restart: then the answer is the kept one.
            answer = self._until_heard("POST", FILLS, body, key=sha256(body).hexdigest())
            tally.received += answer["received"]
            tally.accepted += answer["accepted"]
            tally.duplicate += answer["duplicate"]
            tally.excluded += Counter(answer["excluded"])
            tally.quarantined += Counter(answer["quarantined"])

    def booked_until(self, now: datetime) -> datetime | None:
        """When the latest fill that the portal has accepted was executed; None before the first."""
        latest = self._until_heard("GET", WATERMARK)["latest_executed_at"]
        return min(datetime.fromisoformat(latest).astimezone(UTC), now) if latest else None

    def _until_heard(self, method: str, path: str, body: bytes = b"", *, key: str = "") -> dict[str, Any]:
        wait = _FIRST_WAIT
        while not self.stopped.is_set():
            try:
                status, said, retry_after = self._once(method, path, body, key)
            except (OSError, HTTPException) as problem:
                status, said, retry_after = 0, str(problem) or type(problem).__name__, None
            if status == 200:
                self._is_back()
                answer: dict[str, Any] = json.loads(said)
                return answer
            if status and status not in _AGAIN:
                raise Refused(f"The feed answers {status}: {_sentence(said)}")
            self._is_away(_sentence(said))
            # Not all at the same moment, when many have waited for the same thing.
            self.stopped.wait(max(retry_after or 0.0, wait * random.uniform(0.5, 1)))  # noqa: S311
            wait = min(2 * wait, _LONGEST_WAIT)
        raise Stopped

    def _once(self, method: str, path: str, body: bytes, key: str) -> tuple[int, str, float | None]:
        parts = urlsplit(self.address)
        make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = make(parts.netloc, timeout=_PATIENCE)
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        if body:
            headers |= {"Content-Type": "application/x-ndjson", "Idempotency-Key": key}
            if len(body) > _WORTH_GZIP:
                body = gzip.compress(body, compresslevel=1, mtime=0)
                headers["Content-Encoding"] = "gzip"
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace"), _retry_after(answer)
        finally:
            connection.close()

    def _is_away(self, reason: str) -> None:
        now = time.monotonic()
        if self._away_since is None:
            self._away_since = self._spoke_at = now
        elif now - self._spoke_at > _BETWEEN_WORDS:
            self._spoke_at = now
            self.say(f"The feed does not answer, trying again: {reason}")

    def _is_back(self) -> None:
        if self._away_since is not None and self._spoke_at != self._away_since:
            away = time.monotonic() - self._away_since
            self.say(f"The feed is back after {away:.0f} s; every fill since then is pushed.")
        self._away_since = None


def bodies(chunks: Iterable[bytes], *, most: int = MOST_LINES) -> Iterator[bytes]:
    """The lines of the chunks in bodies of at most so many lines. A line never crosses two chunks."""
    for chunk in chunks:
        lines = [line for line in chunk.split(b"\n") if line]
        for first in range(0, len(lines), most):
            yield b"".join(line + b"\n" for line in lines[first : first + most])


def _retry_after(answer: HTTPResponse) -> float | None:
    said = answer.headers.get("Retry-After", "")
    return min(float(said), 60.0) if said.isascii() and said.isdigit() else None


def _sentence(said: str) -> str:
    """What the feed says in its one shape, or the beginning of what else came."""
    try:
        return str(json.loads(said)["message"])
    except (ValueError, KeyError, TypeError):
        return " ".join(said.split())[:200] or "no reason given"
