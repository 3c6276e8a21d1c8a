"""The real web process, asked by hand: whatever comes over the wire is answered in the one shape."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from tests import make
from tests.portal.api.asking import token
from tests.portal.api.serving import Served, heard, served


@pytest.fixture
def feed(committed_db: str, tmp_path: Path) -> Iterator[Served]:
    make.broker()
    with served(committed_db, tmp_path / "log") as found:
        yield found


def parts(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, body


def request(line: str, *headers: str) -> bytes:
    lines = (line, "Host: localhost", "Connection: close", *headers, "", "")
    return "\r\n".join(lines).encode("latin-1")


def test_every_odd_request_is_answered_in_the_shape(feed: Served) -> None:
    bearer = f"Authorization: Bearer {token().secret.reveal()}"
    expected = {
        request("GET /feed/v1/codes HTTP/1.1"): 401,
        request("TRACE /feed/v1/codes HTTP/1.1", bearer): 405,
        request("OPTIONS /feed/v1/codes HTTP/1.1", bearer): 405,
        request("GET /feed/v1/codes HTTP/1.1", bearer, "Accept: ;;q=\xff,*"): 406,
        request("GET /feed/%ff%c0%ae/%zz HTTP/1.1", bearer): 404,
        request("GET /feed/v1/codes?%ff=%zz&&&= HTTP/1.1", bearer): 200,
        request("GET /feed/v1/codes HTTP/1.1", bearer, "X-Long: " + "x" * 60_000): 200,
        request("GET /feed/v1/codes HTTP/1.1", "Authorization: Bearer " + "x" * 60_000): 401,
        request("GET /feed/v1/codes HTTP/1.1", bearer, bearer): 401,
        request("GET /feed/v1/codes HTTP/1.1", bearer, "Cookie: sessionid=\xff; \x80=;;"): 200,
        request("POST /feed/v1/codes HTTP/1.1", bearer, "Content-Length: 99999999"): 413,
        request("GET /feed/v1/codes HTTP/1.1", bearer, "Content-Length: 99999999"): 413,
        request("GET /feed/v1/codes HTTP/1.1", bearer, "X-Forwarded-Host: evil.example"): 200,
    }
    for sent, status in expected.items():
        found, headers, body = parts(heard(feed.port, sent))
        assert (found, headers["content-type"]) == (status, "application/json"), sent[:80]
        names = ["codes", "version"] if status == 200 else ["code", "message"]
        assert sorted(json.loads(body)) == names, sent[:80]

    wrong_host = b"GET /feed/v1/codes HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    status, _headers, body = parts(heard(feed.port, wrong_host))
    assert (status, json.loads(body)["code"]) == (400, "INVALID_CLIENT_REQUEST")


def test_head_and_304_have_no_body_on_the_wire(feed: Served) -> None:
    bearer = f"Authorization: Bearer {token().secret.reveal()}"
    _status, headers, body = parts(heard(feed.port, request("GET /feed/v1/codes HTTP/1.1", bearer)))
    known = f"If-None-Match: {headers['etag']}"

    head = parts(heard(feed.port, request("HEAD /feed/v1/codes HTTP/1.1", bearer)))
    again = parts(heard(feed.port, request("GET /feed/v1/codes HTTP/1.1", bearer, known)))

    assert (head[0], head[2], head[1]["content-length"]) == (200, b"", str(len(body)))
    assert (again[0], again[2], again[1]["etag"]) == (304, b"", headers["etag"])
    assert again[1]["cache-control"] == "private, no-cache"


def test_a_suspension_is_in_the_answer_to_the_very_next_request(feed: Served) -> None:
    from payouts.program.models import Broker

    bearer = f"Authorization: Bearer {token().secret.reveal()}"
    ask = request("GET /feed/v1/codes HTTP/1.1", bearer)
    before = json.loads(parts(heard(feed.port, ask))[2])
    make.suspended(Broker.objects.get(), timezone.now())
    after = json.loads(parts(heard(feed.port, ask))[2])

    assert (before["version"], before["codes"][0]["state"]) == (1, "live")
    assert (after["version"], after["codes"][0]["state"]) == (2, "suspended")
