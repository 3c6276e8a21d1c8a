"""The simulated exchange pushes through the portal's API: once acknowledged, a fill is there once."""

import gzip
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from payouts.feed.intake import Tally
from payouts.models import Batch, Fill
from portal.simulator import pushing
from portal.simulator.pushing import Door, Refused, Stopped, bodies
from tests.faults.pushing import web
from tests.portal.api.asking import token
from tests.portal.api.serving import served
from tests.portal.embedded_servers import eventually
from tests.portal.simulator.test_stream import books_agree, enrol_only, missing_seconds, stop, streaming

BOOKED = {"received": 2, "accepted": 1, "duplicate": 0, "excluded": {}, "quarantined": {"malformed": 1}}


@contextmanager
def scripted(*answers: tuple[int, dict[str, str], bytes] | None) -> Iterator[tuple[str, list[Any]]]:
    """A server that answers so, one after the other; None breaks the connection off. What it was sent."""
    left, heard = list(answers), list[Any]()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((self.headers["Idempotency-Key"], body, self.headers["Content-Encoding"]))
            answer = left.pop(0)
            if answer is None:
                self.connection.close()
                return
            status, headers, said = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def door(address: str, *, said: list[str] | None = None) -> Door:
    return Door(address, "bpk_fills_secret", threading.Event(), (said if said is not None else []).append)


def test_the_same_bytes_under_the_same_key_are_sent_until_they_are_acknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pushing, "_FIRST_WAIT", 0.01)
    tally, said = Tally(), list[str]()
    ok = json.dumps(BOOKED).encode()
    answers = [
        None,
        (503, {}, b"<html>"),
        (409, {"Retry-After": "0"}, b"{}"),
        (429, {}, b"[]"),
        (200, {}, ok),
    ]
    with scripted(*answers) as (address, heard):
        door(address, said=said).push([b"one\ntwo\n"], tally=tally)

    assert len(heard) == 5
    assert set(heard) == {(heard[0][0], b"one\ntwo\n", None)}
    assert tally.as_json() == BOOKED
    assert said == []  # it was away for less than half a minute


def test_what_the_feed_will_never_take_is_said_and_not_sent_again() -> None:
    refused = (422, {}, b'{"code": "IDEMPOTENCY_KEY_REUSED", "message": "Use a new key."}')
    with scripted(refused) as (address, heard), pytest.raises(Refused) as refusal:
        door(address).push([b"one\n"], tally=Tally())

    assert str(refusal.value) == "The feed answers 422: Use a new key."
    assert len(heard) == 1
    assert "secret" not in repr(door(address))


def test_a_long_body_is_sent_as_gzip_and_a_long_stretch_in_several_bodies() -> None:
    ok = (200, {}, json.dumps(BOOKED).encode())
    lines = b"x" * 9_999 + b"\n" + b"y\n"
    with scripted(ok, ok) as (address, heard):
        door(address).push([lines, b"", b"z\n"], tally=Tally())

    assert [(gzip.decompress(body) if how else body, how) for _, body, how in heard] == [
        (lines, "gzip"),
        (b"z\n", None),
    ]
    assert list(bodies([b"1\n2\n3\n", b"4"], most=2)) == [b"1\n2\n", b"3\n", b"4\n"]


def test_told_to_stop_it_waits_no_longer() -> None:
    nobody = door("http://127.0.0.1:1")
    nobody.stopped.set()
    with pytest.raises(Stopped):
        nobody.push([b"one\n"], tally=Tally())


def test_what_it_streams_arrives_through_the_api(
    committed_db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol_only()
    began, seeded = timezone.now(), Fill.objects.count()
    monkeypatch.setenv("FEED_TOKEN", token(name="demo exchange", scope="fills:write").secret.reveal())
    with (
        served(committed_db, tmp_path / "web.log") as there,
        streaming(committed_db, "--push-to", there.address) as process,
    ):
        eventually(lambda: Fill.objects.count() > seeded + 10, seconds=60)
        told, said = stop(process)

    assert said == ""
    assert told["accepted"] == Fill.objects.count() - seeded
    last = Fill.objects.order_by("-executed_at").values_list("executed_at", flat=True)[0]
    assert missing_seconds(began, last.replace(microsecond=0)) == []
    assert Batch.objects.order_by("-pk").values_list("source", flat=True)[0] == "push by demo exchange"
    books_agree()


@pytest.mark.long
def test_the_web_process_killed_again_and_again_loses_nothing(
    committed_db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol_only()
    began, seeded = timezone.now(), Fill.objects.count()
    monkeypatch.setenv("FEED_TOKEN", token(name="demo exchange", scope="fills:write").secret.reveal())
    with (
        web({"DATABASE_URL": committed_db}, tmp_path / "web.log") as there,
        streaming(committed_db, "--rate", "50", "--push-to", f"http://127.0.0.1:{there.port}") as process,
    ):
        for _ in range(4):
            before = Fill.objects.count()
            eventually(lambda before=before: Fill.objects.count() > before + 60, seconds=60)
            there.kill()
            there.start()
        eventually(there.is_up, seconds=60)
        before = Fill.objects.count()
        eventually(lambda: Fill.objects.count() > before + 200, seconds=60)
        stop(process)

    assert Fill.objects.count() > seeded
    assert timezone.now() - began < timedelta(minutes=10)
    books_agree()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--push-to", "localhost"], "--push-to must be an address like http://localhost:8000"),
        (
            ["--push-to", "http://localhost:8000"],
            "--push-to needs FEED_TOKEN: make one with `manage.py make_service_token --scope fills:write`",
        ),
        (["--broken", "2"], "--broken must be from 0 to 1"),
    ],
)
def test_a_wrong_argument_is_one_line(
    committed_db: str, options: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FEED_TOKEN", raising=False)
    assert "FEED_TOKEN" not in os.environ
    with streaming(committed_db, *options) as process:
        _, said = process.communicate(timeout=100)
    assert (process.returncode, said) == (2, f"{sentence}\n")
