"""What monitors are answered, while all is well and while the database is away or hangs."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from payouts import books
from payouts.ledger.models import BooksCheck
from portal.health import actions, reading, schema, views
from portal.health.reading import NoAnswer, Watch
from tests import make

PATHS = ("/healthz", "/readyz", "/status.json")


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> Iterator[None]:
    def forget() -> None:
        views.is_ready.forget()
        views.status_facts.forget()

    forget()
    yield
    forget()


@contextmanager
def database_at(port: int) -> Iterator[None]:
    """The settings point somewhere else; connections of before stay as they are."""
    before = connection.settings_dict["PORT"]
    connection.settings_dict["PORT"] = port
    try:
        yield
    finally:
        connection.settings_dict["PORT"] = before


@contextmanager
def nobody() -> Iterator[int]:
    """A port on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextmanager
def frozen() -> Iterator[int]:
    """A port that takes connections and never answers, as a frozen PostgreSQL does."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(50)
        yield taken.getsockname()[1]


def status() -> dict[str, Any]:
    answer = Client().get("/status.json")
    assert answer.status_code == 200
    return dict(json.loads(answer.content))


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
def test_anybody_may_ask_and_nothing_is_kept_of_it(path: str) -> None:
    answer = Client().get(path)

    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert not answer.cookies
    assert "Vary" not in answer


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
def test_a_head_is_answered_as_a_get_without_its_body(path: str) -> None:
    answer = Client().head(path)

    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer["Content-Length"]) > 0


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_nothing_else_than_reading_is_allowed(path: str, method: str) -> None:
    answer = getattr(Client(enforce_csrf_checks=True), method)(path)

    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("host", ["10.0.0.7:8000", "whatever.example"])
def test_a_load_balancer_asks_by_address_and_in_the_clear(host: str, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True

    assert Client().get("/healthz", headers={"host": host}).status_code == 200
    assert Client().get("/program/", headers={"host": "localhost"}).status_code == 301  # the twin
    assert Client().get("/", secure=True, headers={"host": host}).status_code == 400


def test_the_process_answers_without_any_database() -> None:
    """Not even with a session cookie, which all other pages look up. No database mark: asking would fail."""
    client = Client()
    client.cookies["sessionid"] = "of-somebody"

    answer = client.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_it_is_ready_without_any_worker_and_says_that_there_is_none() -> None:
    answer = Client().get("/readyz")

    assert (answer.status_code, answer.content) == (200, b"ready\n")
    told = status()
    assert (told["state"], told["canary"]) == ("broken", {"state": "broken", "age_seconds": None})


@pytest.mark.django_db
@pytest.mark.parametrize("place", [nobody, frozen])
def test_a_database_that_is_away_or_hangs_is_told_within_two_seconds(place: Any) -> None:
    with place() as port, database_at(port):
        began = time.monotonic()
        answer = Client().get("/readyz")
        took_ready = time.monotonic() - began
        began = time.monotonic()
        told = status()
        took_status = time.monotonic() - began

        assert Client().get("/healthz").status_code == 200
    assert (answer.status_code, answer.content) == (503, b"not ready: the database does not answer\n")
    assert set(told) == {"state", "as_of", "database"}
    assert (told["state"], told["database"]) == ("broken", {"state": "broken"})
    assert max(took_ready, took_status) < 2


@pytest.mark.django_db
def test_many_who_ask_while_it_hangs_wait_together_and_not_one_after_the_other() -> None:
    with frozen() as port, database_at(port):
        began = time.monotonic()
        codes = [Client().get("/readyz").status_code for _ in range(20)]
        took = time.monotonic() - began

    assert codes == [503] * 20
    assert took < 5


@pytest.mark.django_db
def test_without_a_migration_it_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "wanted", lambda: frozenset({("portal", "9999_later")}))

    answer = Client().get("/readyz")

    assert (answer.status_code, answer.content) == (503, b"not ready: migrations are missing\n")
    assert status()["schema"]["state"] == "broken"


def test_an_empty_database_is_not_migrated(committed_db: str) -> None:
    with owner_of_an_empty_database() as name:
        before = connection.settings_dict["NAME"]
        connection.settings_dict["NAME"] = name
        try:
            assert Client().get("/readyz").content == b"not ready: migrations are missing\n"
        finally:
            connection.settings_dict["NAME"] = before


@contextmanager
def owner_of_an_empty_database() -> Iterator[str]:
    owner, name = settings.DATABASE_OWNER, f"empty_{connection.settings_dict['NAME']}"
    with psycopg.connect(
        host=owner["HOST"],
        port=owner["PORT"],
        user=owner["USER"],
        password=owner["PASSWORD"],
        dbname="portal",
        autocommit=True,
    ) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield name
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_status_tells_counts_and_ages_and_nothing_of_anybody(committed_db: str) -> None:
    broker = make.broker(code=2300, name="Meridian Terminal", account_id="BP-SECRET-7")
    make.payout(broker, amount="123456.78")
    actions.beat(now=make.NOW)
    books.check(now=make.NOW, occasion="nightly")
    BooksCheck.objects.create(
        checked_at=make.NOW,
        occasion="nightly",
        breaches=[
            {"invariant": "codes are unique", "rows": 1, "examples": [{"code": "2300"}], "helps": "Ask Pia."}
        ],
        took_ms=1,
    )

    answer = Client().get("/status.json")
    told = json.loads(answer.content)

    assert set(told) == {
        "state", "as_of", "database", "schema", "canary", "books", "lag", "reconciliation",
    }  # fmt: skip
    assert told["books"]["breaches"] == 1
    assert told["books"]["checked_at"] == "2026-11-22T12:00:00+00:00"
    assert set(told["lag"]["credits_to_send"]) == {"state", "waiting", "oldest_seconds"}
    assert set(told["reconciliation"]) == {"state", "last_day", "days_missing", "open_differences"}
    text = answer.content.decode()
    secrets = ("2300", "Meridian", "BP-SECRET", "123456", "unique", "Pia", settings.SECRET_KEY, "127.0.0.1")
    assert [secret for secret in secrets if secret in text] == []


@pytest.mark.django_db
def test_the_database_is_looked_at_once_in_five_seconds_however_many_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[float] = []
    whole = reading.facts
    monkeypatch.setattr(reading, "facts", lambda **now: (looks.append(time.monotonic()), whole(**now))[1])

    for _ in range(50):
        status()

    assert len(looks) == 1


# -- the watch itself


def test_a_look_is_kept_for_a_while_and_then_made_again() -> None:
    watch: Watch[int] = Watch(keeps=0.05)
    numbers = iter(range(9))

    assert [watch.answer(lambda: next(numbers)) for _ in range(3)] == [0, 0, 0]
    time.sleep(0.06)
    assert watch.answer(lambda: next(numbers)) == 1


def test_what_a_look_raises_everybody_hears() -> None:
    watch: Watch[int] = Watch(keeps=5)

    def fails() -> int:
        raise NoAnswer

    for _ in range(2):
        with pytest.raises(NoAnswer):
            watch.answer(fails)


def test_nobody_waits_longer_than_the_patience_of_the_look_under_way() -> None:
    watch: Watch[int] = Watch(keeps=5, patience=0.2)
    began = time.monotonic()

    def slow() -> int:
        time.sleep(0.5)
        return 7

    for _ in range(3):
        with pytest.raises(NoAnswer):
            watch.answer(slow)
    took = time.monotonic() - began

    assert took < 0.4
    time.sleep(0.5)
    assert watch.answer(slow) == 7  # what was found too late for them is there for the next
