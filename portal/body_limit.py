"""Stops a request whose body is larger than the portal asks for, or never ends, before it fills a disk."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from portal import machines

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
#: Django types the parts of its own a little differently.
Application = Callable[[Any, Any, Any], Awaitable[None]]

_TOO_LARGE = "This is larger than the portal takes in one request. Send it in smaller parts."
_TOO_SLOW = "The request did not come to its end in time. Send it again, or in smaller parts."
#: Longer numbers of bytes are too large, whatever they are.
_MOST_DIGITS = 15


class TooLarge(Exception):
    """More came than was announced or is allowed."""


class TooSlow(Exception):
    """It has not come to its end in time."""


class LimitBody:
    """An ASGI application in front of another.

    Django writes a whole body to disk before it looks at it, so the limit has to stand before Django. A body
    that announces its size is refused at once; one that does not is cut off when it passes the limit, and any
    that has not come whole when the time is up.
    """

    def __init__(
        self,
        application: Application,
        *,
        most: int,
        elsewhere: Mapping[str, int] | None = None,
        patience: float = 120,
    ) -> None:
        """`most` is in bytes; `elsewhere` says what else holds at some addresses; `patience` in seconds."""
        self._application = application
        self._most = most
        self._elsewhere = elsewhere or {}
        self._patience = patience

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        most = self._elsewhere.get(str(scope.get("path", "")), self._most)
        if self._announced(scope) > most:
            await _refuse(scope, send, 413, _TOO_LARGE)
            return
        came = 0
        is_whole = has_answered = False
        ends_at = asyncio.get_running_loop().time() + self._patience

        async def counted() -> Message:
            nonlocal came, is_whole
            if is_whole:  # what comes now is that nobody listens any more
                return await receive()
            try:
                async with asyncio.timeout_at(ends_at):
                    message = await receive()
            except TimeoutError:
                raise TooSlow from None
            came += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if came > most:
                raise TooLarge
            return message

        async def watched(message: Message) -> None:
            nonlocal has_answered
            has_answered = True
            await send(message)

        try:
            await self._application(scope, counted, watched)
        except (TooLarge, TooSlow) as problem:
            if not has_answered:
                refusal = (413, _TOO_LARGE) if isinstance(problem, TooLarge) else (408, _TOO_SLOW)
                await _refuse(scope, send, *refusal)

    @staticmethod
    def _announced(scope: MutableMapping[str, Any]) -> int:
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit():
                return int(value[:_MOST_DIGITS])
        return 0


async def _refuse(scope: MutableMapping[str, Any], send: Send, status: int, sentence: str) -> None:
    is_machine = machines.is_machine_path(str(scope.get("path", "")))
    body = machines.error_body(machines.code_of(status), sentence) if is_machine else f"{sentence}\n".encode()
    media_type = b"application/json" if is_machine else b"text/plain; charset=utf-8"
    headers = [
        (b"content-type", media_type),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
