"""`POST /feed/v1/fills` and its watermark: what is answered 200 is stored, anything else stored nothing."""

import gzip
import json
import zlib
from datetime import timedelta
from threading import BoundedSemaphore
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from payouts.feed import booking, push
from payouts.models import Batch, Broker, Fill
from portal.api import actions, turns
from tests import make
from tests.portal.api.asking import bearer, token
from tests.portal.staff.browsing import at

FILLS, WATERMARK = "/feed/v1/fills", "/feed/v1/fills/watermark"
NDJSON = "application/x-ndjson"
pytestmark = pytest.mark.django_db


@pytest.fixture
def exchange() -> Any:
    make.broker()
    return token(name="fills", scope="fills:write")


def lines(number: int = 2, **changes: Any) -> bytes:
    return make.ndjson(make.record(**changes) for _ in range(number))


def send(made: Any, body: bytes, *, kind: str = NDJSON, **headers: str) -> Any:
    # As a header too, because the client leaves it out where the body is empty.
    given = {"content-type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
    return Client().post(FILLS, body, content_type=kind, headers=given | (bearer(made) if made else {}))


def refused(answer: Any) -> tuple[int, str, str]:
    assert sorted(answer.json()) == ["code", "message"]
    assert (Batch.objects.count(), Fill.objects.count()) == (0, 0)
    return answer.status_code, answer.json()["code"], answer.json()["message"]


def test_a_body_is_booked_and_each_place_is_counted(exchange: Any) -> None:
    answer = send(exchange, lines() + lines(1, brokerId=9))

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    told = answer.json()
    assert (told["received"], told["accepted"], told["quarantined"]) == (3, 2, {"unknown_broker": 1})
    assert told["not_accepted"]["records"] == [
        {"line": 3, "outcome": "quarantined", "reason": "unknown_broker", "detail": None}
    ]
    assert (told["batch"], Fill.objects.count()) == (Batch.objects.get().pk, 2)


@pytest.mark.parametrize(
    "kind", ["application/x-ndjson", "application/ndjson", "Application/X-NDJSON; charset=utf-8"]
)
def test_both_names_of_the_media_type_are_taken(exchange: Any, kind: str) -> None:
    assert send(exchange, lines(), kind=kind).json()["accepted"] == 2


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_a_body_may_be_zipped_in_one_piece_or_several(exchange: Any, encoding: str) -> None:
    one, two = lines(), lines(700)

    answer = send(exchange, gzip.compress(one) + gzip.compress(two), Content_Encoding=encoding)

    assert answer.json()["accepted"] == 702


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no gzip",
        gzip.compress(b"{}")[:-5],
        gzip.compress(b"{}") + b"more",
        zlib.compress(b"{}"),
        gzip.compress(b"") * 1_001,
    ],
    ids=["nothing", "text", "cut off", "more behind", "deflate", "pieces"],
)
def test_what_is_not_gzip_is_refused_in_a_sentence(exchange: Any, body: bytes) -> None:
    status, code, message = refused(send(exchange, body, Content_Encoding="gzip"))

    assert (status, code) == (400, "INVALID_CLIENT_REQUEST")
    assert message.startswith("The ")


def test_a_bomb_is_stopped_at_the_limit(exchange: Any) -> None:
    bomb = gzip.compress(b"\n" * (push.MOST_BYTES * 20))
    assert len(bomb) < 1_000_000

    assert refused(send(exchange, bomb, Content_Encoding="gzip")) == (
        413,
        "CONTENT_TOO_LARGE",
        "A push brings at most 32 MB, unzipped: send it in parts.",
    )


def test_a_plain_body_over_the_limit_is_refused(exchange: Any) -> None:
    assert refused(send(exchange, b"\n" * (push.MOST_BYTES + 1)))[:2] == (413, "CONTENT_TOO_LARGE")
    assert send(exchange, b"\n" * push.MOST_BYTES).status_code == 200


def test_more_than_fifty_thousand_records_are_refused(exchange: Any) -> None:
    assert refused(send(exchange, b"{}\n" * 50_001)) == (
        413,
        "CONTENT_TOO_LARGE",
        "One push brings at most 50,000 records: send it in parts.",
    )


@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        ("application/json", {}),
        ("text/csv", {}),
        (NDJSON, {"Content_Encoding": "br"}),
        (NDJSON, {"Content_Encoding": ""}),
        (NDJSON, {"Content_Encoding": "gzip, gzip"}),
    ],
    ids=str,
)
def test_another_media_type_or_encoding_is_refused(exchange: Any, kind: str, headers: dict[str, str]) -> None:
    assert refused(send(exchange, lines(), kind=kind, **headers))[:2] == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("key", ["", "two words", "k" * 201, "\u00e9", "came,twice", "a\tb"])
def test_a_key_that_is_none_is_refused(exchange: Any, key: str) -> None:
    assert refused(send(exchange, lines(), Idempotency_Key=key))[:2] == (400, "INVALID_CLIENT_REQUEST")


def test_the_same_key_and_body_get_the_same_answer_zipped_or_not(exchange: Any) -> None:
    body = lines()
    first = send(exchange, body, Idempotency_Key="a")

    again = send(exchange, gzip.compress(body), Idempotency_Key="a", Content_Encoding="gzip")

    assert (again.status_code, again.content) == (200, first.content)
    assert Batch.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(exchange: Any) -> None:
    send(exchange, lines(), Idempotency_Key="a")

    answer = send(exchange, lines(), Idempotency_Key="a")

    assert (answer.status_code, answer.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert Batch.objects.count() == 1


def test_while_it_is_answered_the_same_key_is_told_to_come_back(
    exchange: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def under_way(_self: object) -> None:
        raise push.StillRunning("A push with this key is under way: ask again in a second.")

    monkeypatch.setattr(push._Answering, "begin", under_way)

    answer = send(exchange, lines(), Idempotency_Key="a")

    assert (answer.status_code, answer["Retry-After"], answer.json()["code"]) == (409, "1", "CONFLICT")


def test_without_the_database_nothing_is_stored_and_it_is_said(
    exchange: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_given: object, **_more: object) -> None:
        raise OperationalError("could not extend file: No space left on device")

    monkeypatch.setattr(booking, "add_totals", full)

    answer = send(exchange, lines())

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert refused(answer)[2].startswith("The database does not answer: ask or send again in a few seconds")


def test_the_watermark_tells_what_is_stored(exchange: Any) -> None:
    def asked() -> Any:
        return Client().get(WATERMARK, headers=bearer(exchange)).json()

    nothing = {"received": 0, "accepted": 0, "duplicate": 0, "excluded": {}, "quarantined": {}}
    assert asked() == nothing | {"latest_executed_at": None, "last_received_at": None}
    before = timezone.now()
    send(exchange, lines(2, timestamp="2026-10-15T12:00:00.123456Z") + b"[]\n")

    told = asked()

    assert before.isoformat()[:19] <= told.pop("last_received_at")[:19] <= timezone.now().isoformat()[:19]
    assert told == nothing | {
        "latest_executed_at": "2026-10-15T12:00:00.123456Z",
        "received": 3,
        "accepted": 2,
        "quarantined": {"malformed": 1},
    }


# -- who may ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [FILLS, WATERMARK])
def test_only_a_good_token_of_its_scope_comes_in(exchange: Any, path: str) -> None:
    now = timezone.now()
    revoked = token(name="revoked", scope="fills:write")
    actions.revoke_token(prefix=revoked.token.prefix, reason="test", by=None, now=now)
    tokens = {
        "none": None,
        "codes": token(name="gateway"),
        "expired": token(name="old", scope="fills:write", days=1, now=now - timedelta(days=2)),
        "revoked": revoked,
        "good": exchange,
    }

    def asked(made: Any) -> int:
        headers = bearer(made) if made else {}
        if path == FILLS:
            return Client().post(path, lines(1), content_type=NDJSON, headers=headers).status_code
        return Client().get(path, headers=headers).status_code

    assert {kind: asked(made) for kind, made in tokens.items()} == {
        "none": 401,
        "codes": 403,
        "expired": 401,
        "revoked": 401,
        "good": 200,
    }
    assert Fill.objects.count() == (1 if path == FILLS else 0)


@pytest.mark.parametrize(
    ("path", "methods", "allowed"),
    [
        (FILLS, ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"], ["POST"]),
        (WATERMARK, ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"], ["GET", "HEAD"]),
    ],
)
def test_another_method_is_refused_and_the_right_one_named(
    exchange: Any, path: str, methods: list[str], allowed: list[str]
) -> None:
    for method in methods:
        answer = Client().generic(method, path, lines(), content_type=NDJSON, headers=bearer(exchange))

        assert (answer.status_code, answer["Allow"]) == (405, ", ".join(allowed)), method
        if method != "HEAD":
            assert json.loads(answer.content) == {
                "code": "METHOD_NOT_ALLOWED",
                "message": f"This address answers {' and '.join(allowed)}.",
            }
    assert Batch.objects.count() == 0


@pytest.mark.parametrize("path", [FILLS, WATERMARK])
def test_no_login_comes_in_whatever_it_may_see(exchange: Any, path: str) -> None:
    """A session is worth nothing here, nor does it add anything to a token for something else."""
    owner = make.login()
    make.membership(owner, Broker.objects.get())
    superuser = make.login(email="sue@example.com", is_staff=True, is_superuser=True)
    wrong = token(name="codes alone")
    found = set()
    for who in (owner, superuser):
        for headers in ({}, bearer(wrong), {"authorization": "Basic b2xnYTp3b3Jk"}):
            client = at(who)
            if path == FILLS:
                answer = client.post(path, lines(1), content_type=NDJSON, headers=headers)
            else:
                answer = client.get(path, headers=headers)
            found.add((answer.status_code, answer.json()["code"]))

    assert found == {(401, "UNAUTHORIZED"), (403, "FORBIDDEN")}
    assert Batch.objects.count() == 0


def test_a_token_that_is_revoked_while_its_push_is_booked_is_good_for_that_push_and_for_no_other(
    exchange: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was let in is answered, or nobody would know what is stored; the next one is not let in."""
    end = push._Answering.end

    def revoked_meanwhile(self: Any, *given: Any) -> None:
        actions.revoke_token(prefix=exchange.token.prefix, reason="test", by=None, now=timezone.now())
        end(self, *given)

    monkeypatch.setattr(push._Answering, "end", revoked_meanwhile)
    body = lines()

    assert send(exchange, body, Idempotency_Key="a").json()["accepted"] == 2
    assert send(exchange, body, Idempotency_Key="a").status_code == 401


def test_too_many_at_once_are_told_to_come_back(exchange: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.01)
    monkeypatch.setattr(turns, "_turns", BoundedSemaphore(1))
    with turns.to_read():
        answer = send(exchange, lines())

    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert refused(answer)[1:] == (
        "SERVER_ERROR",
        "Too many pushes are under way: send it again in a second.",
    )
    assert send(exchange, lines()).status_code == 200


def test_the_largest_bodies_are_booked_two_at_a_time(exchange: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.01)
    large = b"\n" * (turns.LARGE + 1)
    with turns.to_book(len(large)), turns.to_book(len(large)):
        assert send(exchange, large).status_code == 503
        assert send(exchange, lines()).status_code == 200
    assert send(exchange, large).status_code == 200


def test_what_others_take_again_and_again_is_told_to_come_back(
    exchange: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(*_given: object, **_more: object) -> None:
        raise booking.Overtaken

    monkeypatch.setattr(booking, "write", overtaken)

    answer = send(exchange, lines())

    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert refused(answer)[2] == "Others send the same records at this moment: send it again in a second."


def test_the_body_is_not_read_before_the_token(exchange: Any) -> None:
    answer = send(None, gzip.compress(b"\n" * (push.MOST_BYTES * 2)), Content_Encoding="gzip")

    assert (answer.status_code, json.loads(answer.content)["code"]) == (401, "UNAUTHORIZED")
