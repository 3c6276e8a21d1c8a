"""The door for fills: `POST /feed/v1/fills`, and how far they have come."""

import json
import re
from datetime import datetime
from typing import cast

from django.http import HttpResponse, HttpResponseBase
from django.utils import timezone
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.request import Request

from payouts.feed import push
from payouts.feed.watermark import watermark
from portal import machines
from portal.api import bodies, fills_schema, push_log, turns
from portal.api.queries import Opens
from portal.api.scopes import Scope
from portal.api.views import Feed

_KINDS = frozenset({"application/x-ndjson", "application/ndjson"})
_ENCODINGS = {"identity": False, "gzip": True, "x-gzip": True}
_KEY = re.compile(rf"[!-+\--~]{{1,{push.LONGEST_KEY}}}")
#: Seconds after which a push that is under way has nearly always ended.
_COME_BACK = "1"


class Fills(Feed):
    """Takes a body of records in, all or nothing; what is answered is stored."""

    http_method_names = ["post"]
    scope = Scope.FILLS

    @fills_schema.fills
    def post(self, request: Request) -> HttpResponseBase:
        is_gzip = _is_gzip(request)
        opens = cast("Opens", request.auth)
        sender = push.Sender(number=opens.id, name=opens.name, key=_key(request))
        try:
            with turns.to_read():
                body = bodies.read(request._request, is_gzip=is_gzip, most=push.MOST_BYTES)
                with turns.to_book(len(body)):
                    answer = push.push(body, sender=sender, now=timezone.now())
        except bodies.NotGzip as refusal:
            return machines.error(400, str(refusal))
        except (bodies.TooLarge, push.TooManyRecords) as refusal:
            return machines.error(413, str(refusal))
        except push.StillRunning as refusal:
            return machines.error(409, str(refusal), headers={"Retry-After": _COME_BACK})
        except push.OtherBody as refusal:
            return machines.error(422, str(refusal), code=machines.Code.IDEMPOTENCY_KEY_REUSED)
        except (push.Crowded, turns.NoTurn) as refusal:
            return machines.error(503, str(refusal), headers={"Retry-After": _COME_BACK})
        push_log.note(answer, sender=opens.name)
        return _json(answer)


class FillsWatermark(Feed):
    """How far the fills have come, so that the exchange can check itself."""

    scope = Scope.FILLS

    @fills_schema.watermark
    def get(self, request: Request) -> HttpResponseBase:
        found = watermark()
        return HttpResponse(
            json.dumps(
                {
                    "latest_executed_at": _instant(found.latest_executed_at),
                    "last_received_at": _instant(found.last_received_at),
                    "received": found.counted.received,
                    "accepted": found.counted.accepted,
                    "duplicate": found.counted.duplicate,
                    "excluded": found.counted.excluded,
                    "quarantined": found.counted.quarantined,
                }
            ),
            content_type="application/json",
            headers={"Cache-Control": "no-store"},
        )


def _json(body: str) -> HttpResponse:
    return HttpResponse(body, content_type="application/json", headers={"Cache-Control": "no-store"})


def _is_gzip(request: Request) -> bool:
    kind = (request.content_type or "").partition(";")[0].strip().lower()
    if kind not in _KINDS:
        raise UnsupportedMediaType(kind, "Send lines of JSON, with Content-Type: application/x-ndjson.")
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    if encoding not in _ENCODINGS:
        raise UnsupportedMediaType(encoding, "Send the body plain, or with Content-Encoding: gzip.")
    return _ENCODINGS[encoding]


def _key(request: Request) -> str | None:
    key: str | None = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return None
    # A header that came twice is one with a comma.
    if _KEY.fullmatch(key) is None:
        raise ParseError(
            f"Send one Idempotency-Key of 1 to {push.LONGEST_KEY} signs of ASCII, without spaces and commas."
        )
    return key


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
