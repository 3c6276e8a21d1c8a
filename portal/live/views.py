"""The doors of the live figures and standing: a stream, and the same as JSON for who cannot have one."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal import machines
from portal.access import Seat, broker_page
from portal.accounts.sessions import is_from_before_the_factor
from portal.live import limits, reading
from portal.live.queries import Watched
from portal.live.stream import Stream, event
from portal.live.watch import open_streams, watch
from portal.standing.queries import mark
from portal.team.roles import May

#: Streams of one login, and of all of them, in one process.
MOST_OF_A_LOGIN, MOST = 20, 1_000
#: Seconds between signs of life, and after which a stream ends for its browser to open the next.
HEARTBEAT, LIFETIME = 15.0, 300.0
#: Seconds that a browser waits before it opens the next, and by how much less streams live, each its own:
#: pages that were opened together do not all come back together.
_COME_BACK, _SPREAD = 1, 30.0
_KIND = "text/event-stream"


@broker_page(May.SEE_STANDING)
@require_safe
def broker_live(request: HttpRequest, seat: Seat) -> HttpResponseBase:
    """Server-sent events: `standing` with its mark; `ended` when the login may not look any more.

    With `?figures=` and the version of those that the page has: `figures` whenever one of them has changed,
    `beat` with as of when they are, `trouble` while they cannot be read.
    """
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
    has_figures = "figures" in request.GET and May.SEE_DASHBOARD in seat.may
    needs = {May.SEE_STANDING, May.SEE_DASHBOARD} if has_figures else {May.SEE_STANDING}
    watched = Watched(
        login=login.pk,
        broker=seat.code,
        session=request.session.session_key or "",
        password=request.session.get("_auth_user_hash", ""),
        is_from_before_the_factor=is_from_before_the_factor(request),
        look=None if seat.look is None else seat.look.pk,
        needs=frozenset(needs),
    )
    stream = Stream(
        watched,
        mark(seat.standing),
        words=(seat.code, get_language() or "en") if has_figures else None,
        # A browser that comes back by itself says which it had last; its address says which it began with.
        version=request.headers.get("Last-Event-ID") or request.GET.get("figures", ""),
    )
    return _with_headers(StreamingHttpResponse(_events(stream), content_type=_KIND))


@broker_page(May.SEE_DASHBOARD)
@require_safe
def broker_live_figures(request: HttpRequest, seat: Seat) -> HttpResponseBase:
    """What a stream would tell now, for a page whose streams do not come through: 304 if it has that.

    As of when figures are goes along in a header, which a 304 has too.
    """
    if not limits.may_ask(request):
        return machines.error(
            429, _("This is asked too often: every five seconds will do."), headers={"Retry-After": "5"}
        )
    told, beat = reading.once(seat.code, language=get_language() or "en", now=timezone.now())
    etag = quote_etag(told.version)
    answer = get_conditional_response(
        request,
        etag=etag,
        response=HttpResponse(told.data, content_type="application/json", headers={"ETag": etag}),
    )
    assert answer is not None, "a response was given"  # noqa: S101
    answer.headers["Figures-Beat"] = beat
    return answer


def _with_headers(response: HttpResponseBase) -> HttpResponseBase:
    response.headers["Cache-Control"] = "no-store, private"
    response.headers["X-Accel-Buffering"] = "no"
    return response


async def _events(stream: Stream) -> AsyncIterator[bytes]:
    # The request's own thread holds a connection until its answer ends, which may take minutes: give it back.
    await sync_to_async(connections.close_all)()
    watching = watch()
    if open_streams()[stream.watched.login] >= MOST_OF_A_LOGIN:
        return  # they all came at the same moment
    watching.join(stream)
    lifetime = LIFETIME - random.uniform(0, min(_SPREAD, LIFETIME / 10))  # noqa: S311 - no secret
    ends_at = asyncio.get_running_loop().time() + lifetime
    try:
        standing = event("standing", json.dumps({"mark": stream.mark}))
        yield f"retry: {_COME_BACK * 1_000}\n".encode() + standing
        while (left := ends_at - asyncio.get_running_loop().time()) > 0 and not stream.has_ended:
            told = await stream.news(within=min(HEARTBEAT, left))
            if told:
                yield told
            elif not stream.has_ended:
                yield b": still here\n\n"
        if stream.is_unseated:
            yield event("ended", "{}")
    finally:
        watching.leave(stream)
