"""`/metrics` on real servers: what it tells, to whom, and that several processes add up."""

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client, RequestFactory
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from rest_framework.request import Request

from portal.api import actions
from portal.api.authentication import WrongToken
from portal.metrics import views
from portal.metrics.tokens import NobodyToAsk, RememberingAuthentication
from tests import make
from tests.portal.api.asking import bearer, token
from tests.portal.api.serving import Served, served

Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def web(committed_db: str, tmp_path: Path) -> Iterator[Served]:
    make.broker()
    with served(
        committed_db,
        tmp_path / "log",
        more=("--no-access-log", "--workers", "2"),
        METRICS_DIR=str(tmp_path / "metrics"),
        LOG_FORMAT="json",
    ) as found:
        yield found


def asked(web: Served, path: str, made: object, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    given = bearer(made) | headers if made is not None else headers  # type: ignore[arg-type]
    request = urllib.request.Request(f"{web.address}{path}", body, given)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def figures(text: str) -> Figures:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(found: Figures, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def test_pushes_of_two_processes_are_told_by_whichever_is_asked(web: Served) -> None:
    sender, reader = token(name="a", scope="fills:write"), token(name="b", scope="metrics:read")
    lines = [make.ndjson([make.record(), make.record(brokerId=9)]) for _ in range(10)]
    for body in lines:
        status, _ = asked(web, "/feed/v1/fills", sender, body, **{"Content-Type": "application/x-ndjson"})
        assert status == 200

    until = time.monotonic() + 30
    while True:  # each process tells the others every five seconds
        status, text = asked(web, "/metrics", reader)
        found = figures(text)
        counted = of(found, "portal_request_seconds_count", view="feed_fills", status="200")
        if counted == 10 or time.monotonic() > until:
            break
        time.sleep(0.5)

    assert (status, counted) == (200, 10)
    assert of(found, "portal_feed_received_total") == 20
    assert of(found, "portal_feed_records", place="accepted", reason="") == 10
    assert of(found, "portal_feed_records", place="quarantined", reason="unknown_broker") == 10
    assert of(found, "portal_queue_waiting", queue="quarantined_records") == 10
    assert of(found, "portal_database_up") == 1
    assert of(found, "portal_processes") >= 2
    assert 0 <= of(found, "portal_feed_received_age_seconds") < 60


def test_the_log_of_a_push_says_its_batch_and_request_and_keeps_every_secret(web: Served) -> None:
    sender = token(name="gateway", scope="fills:write")
    secret = sender.secret.reveal()
    headers = {"Content-Type": "application/x-ndjson", "X-Request-ID": "edge-0123456789"}
    asked(web, "/feed/v1/fills", sender, make.ndjson([make.record()]), **headers)
    asked(web, "/feed/v1/fills", f"{secret[:-1]}x", make.ndjson([make.record()]), **headers)
    forged = {"X-Request-ID": 'x"} forged', "Cookie": "sessionid=secretcookie"}
    asked(web, "/accounts/login/?next=/brokers/&who=olga@example.com", None, None, **forged)

    until = time.monotonic() + 10
    while web.log.read_text().count('"event": "request"') < 3 and time.monotonic() < until:
        time.sleep(0.1)
    text = web.log.read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    pushed = [line for line in lines if line.get("request_id") == "edge-0123456789"]

    told = next(line for line in pushed if line["event"] == "a push is answered")
    assert {name: told[name] for name in ("logger", "level", "batch", "sender", "received", "accepted")} == {
        "logger": "portal.api.push_log", "level": "info", "batch": 1, "sender": "gateway", "received": 1,
        "accepted": 1,
    }  # fmt: skip
    assert [
        (line["view"], line["status"], line.get("batch")) for line in pushed if line["event"] == "request"
    ] == [("feed_fills", 200, 1), ("feed_fills", 401, None)]
    (page,) = [line for line in lines if line.get("view") == "account_login"]
    assert re.fullmatch(r"[0-9a-f-]{36}", page["request_id"])
    for kept in (secret, secret[:-1], "secretcookie", "forged", "olga@example.com"):
        assert kept not in text


def test_the_answer_names_its_request(client: Client, db: None) -> None:
    assert (
        client.get("/healthz", headers={"x-request-id": "edge-0123456789"})["X-Request-ID"]
        == "edge-0123456789"
    )
    assert len(client.get("/healthz", headers={"x-request-id": "no good\n"})["X-Request-ID"]) == 36


@pytest.mark.parametrize("scope", ["codes:read", "fills:write"])
def test_another_scope_does_not_open_the_figures(client: Client, db: None, scope: str) -> None:
    answer = client.get("/metrics", headers=bearer(token(scope=scope)))

    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


def test_a_revoked_or_unknown_token_opens_nothing(client: Client, db: None) -> None:
    made = token(scope="metrics:read")
    RememberingAuthentication.forget()
    assert client.get("/metrics", headers=bearer(made)).status_code == 200
    actions.revoke_token(prefix=made.token.prefix, reason="left", by=None, now=timezone.now())

    assert client.get("/metrics", headers=bearer(made)).status_code == 401
    assert client.get("/metrics", headers=bearer(f"{made.secret.reveal()}x")).status_code == 401
    assert client.get("/metrics").status_code == 401


def test_two_looks_within_a_second_ask_the_database_once(client: Client, db: None) -> None:
    made = token(scope="metrics:read")
    views.look.forget()
    first = client.get("/metrics", headers=bearer(made))
    found = views.look.answer(lambda: pytest.fail("it was asked a moment ago"))

    assert first.status_code == 200
    assert found is not None


def test_while_nobody_can_be_asked_who_was_let_in_lately_reads_on(rf: RequestFactory, db: None) -> None:
    RememberingAuthentication.forget()
    made, other = token(scope="metrics:read"), token(name="b", scope="metrics:read")
    is_up = True
    door = RememberingAuthentication(lambda: is_up)
    request, stranger = (Request(rf.get("/metrics", headers=bearer(each))) for each in (made, other))
    assert door.authenticate(request) is not None

    is_up = False

    found = door.authenticate(request)
    assert found is not None
    assert found[1].scope == "metrics:read"
    with pytest.raises(NobodyToAsk):
        door.authenticate(stranger)


def test_a_token_that_was_refused_is_not_remembered_for_the_next_outage(
    client: Client, rf: RequestFactory, db: None
) -> None:
    RememberingAuthentication.forget()
    made = token(scope="metrics:read")
    is_up = True
    door = RememberingAuthentication(lambda: is_up)
    request = Request(rf.get("/metrics", headers=bearer(made)))
    assert door.authenticate(request) is not None
    actions.revoke_token(prefix=made.token.prefix, reason="left", by=None, now=timezone.now())
    with pytest.raises(WrongToken):
        door.authenticate(request)

    is_up = False

    with pytest.raises(NobodyToAsk):
        door.authenticate(request)
