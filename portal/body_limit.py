"""Stops a request whose body is larger than anything the portal asks for, before it fills a disk."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from portal import machines

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
#: Django types the parts of its own a little differently.
Application = Callable[[Any, Any, Any], Awaitable[None]]

_ANSWER = b"This is larger than the portal takes in one request. Send it in smaller parts.\n"


class TooLarge(Exception):
    """More came than was announced or is allowed."""


class LimitBody:
    """An ASGI application in front of another.

    Django writes a whole body to disk before it looks at it, so the limit has to stand before Django. A body
    that announces its size is refused at once; one that does not is cut off when it passes the limit.
    """

    def __init__(self, application: Application, *, most: int) -> None:
        """`most` is in bytes."""
        self._application = application
        self._most = most

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        if self._announced(scope) > self._most:
            await _refuse(scope, send)
            return
        came = 0
        has_answered = False

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > self._most:
                raise TooLarge
            return message

        async def watched(message: Message) -> None:
            nonlocal has_answered
            has_answered = True
            await send(message)

        try:
            await self._application(scope, counted, watched)
        except TooLarge:
            if not has_answered:
                await _refuse(scope, send)

    @staticmethod
    def _announced(scope: MutableMapping[str, Any]) -> int:
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit():
                return int(value)
        return 0


async def _refuse(scope: MutableMapping[str, Any], send: Send) -> None:
    is_machine = machines.is_machine_path(str(scope.get("path", "")))
    sentence = _ANSWER.decode().strip()
    body = machines.error_body(machines.code_of(413), sentence) if is_machine else _ANSWER
    media_type = b"application/json" if is_machine else b"text/plain; charset=utf-8"
    headers = [
        (b"content-type", media_type),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
