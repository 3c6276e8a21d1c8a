"""Fills over a real wire: what HTTP allows is taken, what it does not is refused in the one shape."""

import gzip
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from payouts.models import Batch, Fill
from tests import make
from tests.portal.api.asking import token
from tests.portal.api.serving import Served, heard, served
from tests.portal.api.test_over_the_wire import parts

FILLS = "/feed/v1/fills"
TYPE = "Content-Type: application/x-ndjson"
MB = 1024 * 1024


@pytest.fixture
def feed(committed_db: str, tmp_path: Path) -> Iterator[Served]:
    make.broker()
    with served(committed_db, tmp_path / "log", more=("--no-access-log",)) as found:
        yield found


def post(*headers: str, body: bytes = b"", method: str = "POST", path: str = FILLS) -> bytes:
    head = (f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", "")
    return "\r\n".join(head).encode("latin-1") + body


def sized(body: bytes) -> str:
    return f"Content-Length: {len(body)}"


def chunked(body: bytes, size: int = 1_000) -> bytes:
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def lines(number: int = 3) -> bytes:
    return make.ndjson(make.record() for _ in range(number))


def asked(feed: Served, request: bytes) -> tuple[int, Any]:
    status, headers, body = parts(heard(feed.port, request).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n"))
    assert headers["content-type"] == "application/json", (request[:200], body)
    return status, json.loads(body)


def test_fifty_thousand_zipped_records_are_stored_when_they_are_answered(feed: Served) -> None:
    body = make.ndjson(
        make.record(userId=each % 300, timestamp=f"2026-10-{1 + each % 28:02}T12:00:00Z")
        for each in range(50_000)
    )
    headers = {
        "Authorization": f"Bearer {token(scope='fills:write').secret.reveal()}",
        "Content-Type": "application/x-ndjson",
        "Content-Encoding": "gzip",
        "Idempotency-Key": "all-of-it",
    }
    with closing(HTTPConnection("127.0.0.1", feed.port, timeout=120)) as wire:
        wire.request("POST", FILLS, gzip.compress(body), headers)
        answer = wire.getresponse()
        said = answer.read()
        assert (answer.status, json.loads(said)["accepted"]) == (200, 50_000)
        assert Batch.objects.get(pk=json.loads(said)["batch"]).accepted == 50_000 == Fill.objects.count()

        wire.request("POST", FILLS, body, headers | {"Content-Encoding": "identity"})
        again = wire.getresponse()

        assert (again.status, again.read()) == (200, said)


def test_a_body_is_taken_in_every_form_that_http_allows(feed: Served) -> None:
    bearer = f"Authorization: Bearer {token(scope='fills:write').secret.reveal()}"
    body, zipped = lines(), gzip.compress(lines())
    mark = b"\xef\xbb\xbf" + lines()
    taken = [
        (post(bearer, TYPE, "Transfer-Encoding: chunked", body=chunked(lines(), size=7)), 3),
        (post(bearer, TYPE, "Transfer-Encoding: chunked", "Content-Encoding: gzip", body=chunked(zipped)), 3),
        (
            post(
                bearer, TYPE, "Content-Encoding: x-gzip", sized(gzip.compress(body)), body=gzip.compress(body)
            ),
            3,
        ),
        (post(bearer, TYPE, "Expect: 100-continue", sized(mark), body=mark), 3),
        (post(bearer, TYPE, "Content-Length: 0"), 0),
        (post(bearer, TYPE), 0),
        (post(bearer, TYPE, "Content-Length: 1", body=b"\n" + b"what is behind it is nobody's"), 0),
    ]
    for request, accepted in taken:
        status, told = asked(feed, request)
        assert (status, told["accepted"], told["received"]) == (200, accepted, accepted), request[:300]
        assert Batch.objects.get(pk=told["batch"]).accepted == accepted


def test_whatever_is_wrong_is_refused_in_the_one_shape_and_nothing_is_stored_or_logged(feed: Served) -> None:
    secret = token(scope="fills:write").secret.reveal()
    bearer = f"Authorization: Bearer {secret}"
    body = lines()
    good = (bearer, TYPE, sized(body))
    refused = {
        post(TYPE, sized(body), body=body): (401, "UNAUTHORIZED"),
        post(bearer, *good, body=body): (401, "UNAUTHORIZED"),
        post(*good, TYPE, body=body): (415, "UNSUPPORTED_MEDIA_TYPE"),
        post(bearer, sized(body), body=body): (415, "UNSUPPORTED_MEDIA_TYPE"),
        post(*good, "Content-Encoding: deflate", body=body): (415, "UNSUPPORTED_MEDIA_TYPE"),
        post(*good, "Content-Encoding: gzip", "Content-Encoding: gzip", body=body): (
            *(415, "UNSUPPORTED_MEDIA_TYPE"),
        ),
        post(*good, "Content-Encoding: gzip", body=body): (400, "INVALID_CLIENT_REQUEST"),
        post(*good, "Idempotency-Key:", body=body): (400, "INVALID_CLIENT_REQUEST"),
        post(*good, "Idempotency-Key: \xff", body=body): (400, "INVALID_CLIENT_REQUEST"),
        post(*good, "Idempotency-Key: a", "Idempotency-Key: a", body=body): (400, "INVALID_CLIENT_REQUEST"),
        post(*good, f"Idempotency-Key: {'k' * 201}", body=body): (400, "INVALID_CLIENT_REQUEST"),
        post(*good, "Accept: text/html", body=body): (406, "NOT_ACCEPTABLE"),
        post(*good, body=body, path=f"{FILLS}?token={secret}"): (400, "INVALID_CLIENT_REQUEST"),
        post(*good, body=body, path=f"{FILLS}/"): (404, "RESOURCE_NOT_FOUND"),
        post(*good, body=body, method="PUT"): (405, "METHOD_NOT_ALLOWED"),
        post(*good, body=body, method="OPTIONS"): (405, "METHOD_NOT_ALLOWED"),
        post(bearer, TYPE, f"Content-Length: {34 * MB}"): (413, "CONTENT_TOO_LARGE"),
        post(bearer, TYPE, f"Content-Length: {34 * MB}", "Expect: 100-continue"): (413, "CONTENT_TOO_LARGE"),
        post(bearer, TYPE, "Transfer-Encoding: chunked", body=chunked(b"x" * 40 * MB, size=MB)): (
            *(413, "CONTENT_TOO_LARGE"),
        ),
    }
    for request, expected in refused.items():
        status, told = asked(feed, request)
        assert (status, told["code"], sorted(told)) == (*expected, ["code", "message"]), request[:300]

    assert Batch.objects.count() == 0
    log = feed.log.read_text(encoding="utf-8")
    assert secret[20:] not in log
    assert "Traceback" not in log
    assert "ERROR" not in log


def test_what_is_no_http_at_all_or_breaks_off_stores_nothing_and_harms_nobody(feed: Served) -> None:
    bearer = f"Authorization: Bearer {token(scope='fills:write').secret.reveal()}"
    body = lines()
    both = post(bearer, TYPE, sized(body), "Transfer-Encoding: chunked", body=chunked(body))
    twice = post(bearer, TYPE, sized(body), "Content-Length: 1", body=body)
    longest = post(bearer, TYPE, f"Content-Length: {'9' * 5_000}", body=body)
    for request in (both, twice, longest):
        assert heard(feed.port, request).startswith(b"HTTP/1.1 400 ")
    for headers, sent in (
        ((f"Content-Length: {len(body) + 1}",), body),
        (("Transfer-Encoding: chunked",), chunked(body)[:-5]),
        (("Transfer-Encoding: chunked",), b"zz\r\n" + body),
    ):
        with socket.create_connection(("127.0.0.1", feed.port), timeout=5) as wire:
            wire.sendall(post(bearer, TYPE, *headers, body=sent))

    assert asked(feed, post(bearer, TYPE, "Content-Length: 1", body=b"\n"))[0] == 200
    assert (Batch.objects.count(), Fill.objects.count()) == (1, 0)
    assert "Traceback" not in feed.log.read_text(encoding="utf-8")


def test_who_goes_before_the_answer_takes_nothing_along(feed: Served) -> None:
    """Connections, turns and transactions are given back; the pushes sent again are answered."""
    secret = token(scope="fills:write").secret.reveal()
    bearer = f"Authorization: Bearer {secret}"
    bodies = [lines(200) for _ in range(24)]
    for number, body in enumerate(bodies):
        with socket.create_connection(("127.0.0.1", feed.port), timeout=5) as wire:
            wire.sendall(post(bearer, TYPE, sized(body), f"Idempotency-Key: k{number}", body=body))

    for number, body in enumerate(bodies):
        status, told = 409, {}
        until = time.monotonic() + 20
        while status == 409 and time.monotonic() < until:
            status, told = asked(
                feed, post(bearer, TYPE, sized(body), f"Idempotency-Key: k{number}", body=body)
            )
        assert (status, told["accepted"]) == (200, 200)
    assert Fill.objects.count() == 200 * len(bodies)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND state LIKE 'idle in transaction%'"
        )
        assert cursor.fetchone() == (0,)
    assert "Traceback" not in feed.log.read_text(encoding="utf-8")
