"""The door of the stream: who may see the standing may wait for it to change."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal.access import Seat, broker_page
from portal.accounts.sessions import is_from_before_the_factor
from portal.live.queries import Watched
from portal.live.watch import Stream, open_streams, watch
from portal.standing.queries import mark
from portal.team.roles import May

#: Streams of one login, and of all of them, in one process.
MOST_OF_A_LOGIN, MOST = 20, 1_000
#: Seconds between signs of life, and after which a stream ends for its browser to open the next.
HEARTBEAT, LIFETIME = 15.0, 600.0
#: Seconds that a browser waits before it opens the next.
_COME_BACK = 3
_KIND = "text/event-stream"


@broker_page(May.SEE_STANDING)
@require_safe
def broker_live(request: HttpRequest, seat: Seat) -> HttpResponseBase:
    """Server-sent events: `standing` with its mark, `ended` when the login may not look any more."""
    if not isinstance(request, ASGIRequest):
        return HttpResponse(status=204)  # this server cannot stream; a browser does not ask again
    login: Any = request.user
    there = open_streams()
    if there[login.pk] >= MOST_OF_A_LOGIN or there.total() >= MOST:
        return HttpResponse(
            _("Too many pages of this login are open at once: close some of them."),
            status=429,
            content_type="text/plain; charset=utf-8",
            headers={"Retry-After": "60"},
        )
    if request.method == "HEAD":  # asks whether and when to come back
        return _with_headers(HttpResponse(content_type=_KIND))
    assert seat.standing is not None, "a page's seat has its standing"  # noqa: S101
    watched = Watched(
        login=login.pk,
        broker=seat.code,
        session=request.session.session_key or "",
        password=request.session.get("_auth_user_hash", ""),
        is_from_before_the_factor=is_from_before_the_factor(request),
        look=None if seat.look is None else seat.look.pk,
    )
    return _with_headers(StreamingHttpResponse(_events(watched, mark(seat.standing)), content_type=_KIND))


def _with_headers(response: HttpResponseBase) -> HttpResponseBase:
    response.headers["Cache-Control"] = "no-store, private"
    response.headers["X-Accel-Buffering"] = "no"
    return response


async def _events(watched: Watched, seen: str) -> AsyncIterator[bytes]:
    # The request's own thread holds a connection until its answer ends, which may take minutes: give it back.
    await sync_to_async(connections.close_all)()
    stream, watching = Stream(watched, seen), watch()
    if open_streams()[watched.login] >= MOST_OF_A_LOGIN:
        return  # they all came at the same moment
    watching.join(stream)
    ends_at = asyncio.get_running_loop().time() + LIFETIME
    try:
        yield f"retry: {_COME_BACK * 1_000}\n".encode() + _event("standing", mark=stream.mark)
        while (left := ends_at - asyncio.get_running_loop().time()) > 0 and not stream.has_ended:
            if not await stream.news(within=min(HEARTBEAT, left)):
                yield b": still here\n\n"
            elif not stream.has_ended:
                yield _event("standing", mark=stream.mark)
        if stream.is_unseated:
            yield _event("ended")
    finally:
        watching.leave(stream)


def _event(name: str, **data: str) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
