"""Tokens where transactions really commit: other scopes, revocations while in use, twenty uses at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from portal.api import actions
from portal.api.models import ServiceToken
from tests.payouts import owner
from tests.portal.api.asking import ask, token


@pytest.fixture(autouse=True)
def _own(committed_db: str) -> None:
    """Each test has a database of its own."""


def in_threads(number: int, do: Any) -> list[Any]:
    """What `do(number)` gives in as many threads that begin together; an exception is its own result."""
    together = Barrier(number)

    def one(which: int) -> Any:
        try:
            together.wait(timeout=20)
            return do(which)
        except Exception as problem:
            return problem
        finally:
            connections.close_all()

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(one, range(number)))


def test_a_token_of_another_scope_is_told_which_one_it_takes() -> None:
    made = token()
    with owner.connected() as database:  # there is one scope so far: this one is of the future
        database.execute("ALTER TABLE service_token DROP CONSTRAINT service_token_scope_is_known")
        database.execute("UPDATE service_token SET scope = 'fills:write'")

    answer = ask(made)

    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    assert answer["WWW-Authenticate"] == (
        'Bearer realm="feed", error="insufficient_scope", scope="codes:read"'
    )


def test_twenty_first_uses_at_once_are_twenty_answers_and_one_note() -> None:
    made = token()

    answers = in_threads(20, lambda _number: ask(made).status_code)

    assert answers == [200] * 20
    assert ServiceToken.objects.get().last_used_at is not None


def test_a_use_waits_for_nobody_who_holds_the_row() -> None:
    made = token()
    with transaction.atomic():
        ServiceToken.objects.select_for_update().get()
        answers = in_threads(2, lambda _number: ask(made).status_code)

    assert answers == [200, 200]
    assert ServiceToken.objects.get().last_used_at is None


def test_a_plain_update_would_wait() -> None:
    """The twin: without SKIP LOCKED the gateway stands still as long as anybody holds the row."""
    made = token()

    def note(_number: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '300ms'")
            cursor.execute("UPDATE service_token SET last_used_at = now() WHERE id = %s", [made.token.pk])

    with transaction.atomic():
        ServiceToken.objects.select_for_update().get()
        (waited,) = in_threads(1, note)

    assert "lock timeout" in str(waited)


def test_from_the_revocation_on_no_request_is_let_in() -> None:
    made = token()
    is_revoked, enough = Event(), Event()
    seen: list[tuple[bool, int]] = []

    def use(number: int) -> None:
        if number == 0:
            while len(seen) < 20:
                pass
            actions.revoke_token(prefix=made.token.prefix, reason="lost", by=None, now=timezone.now())
            is_revoked.set()
            while sum(after for after, _status in seen) < 20:
                pass
            enough.set()
            return
        while not enough.is_set():
            after = is_revoked.is_set()  # before the request begins
            seen.append((after, ask(made).status_code))

    in_threads(5, use)

    assert {status for after, status in seen if not after} >= {200}
    assert {status for after, status in seen if after} <= {401, 429}
    assert len([1 for after, _status in seen if after]) >= 20


def test_of_many_revocations_at_once_one_is_recorded() -> None:
    made = token()

    def revoke(number: int) -> str:
        reason = f"reason {number}"
        actions.revoke_token(prefix=made.token.prefix, reason=reason, by=None, now=timezone.now())
        return reason

    done = in_threads(10, revoke)
    first = [each for each in done if isinstance(each, str)]

    assert len(first) == 1
    assert {type(each) for each in done if each not in first} == {actions.AlreadyRevoked}
    assert ServiceToken.objects.get().revoked_why == first[0]


def test_of_many_who_make_a_token_of_one_name_one_does() -> None:
    made = in_threads(10, lambda _number: token(name="order gateway"))

    assert sorted(type(each).__name__ for each in made) == ["Made"] + ["NameTaken"] * 9
    assert ServiceToken.objects.count() == 1


def test_a_note_that_fails_costs_the_gateway_nothing() -> None:
    made = token(now=timezone.now() - timedelta(days=1))
    with owner.connected() as database:
        database.execute("REVOKE UPDATE (last_used_at) ON service_token FROM portal_app")

    assert ask(made).status_code == 200
    assert ServiceToken.objects.get().last_used_at is None
