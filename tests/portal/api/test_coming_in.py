"""Who comes in to the feed: a good token of the right scope, in the header; nobody else, by no other way."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from portal.api import actions
from portal.api.models import ServiceToken
from tests import make
from tests.portal.api.asking import CODES, ask, bearer, token
from tests.portal.staff.make_review import staff

pytestmark = pytest.mark.django_db
NO_TOKEN = 'Bearer realm="feed"'
WRONG = f'{NO_TOKEN}, error="invalid_token", error_description="The token opens nothing"'
GARBAGE = "bpk_codes_00000000_" + "0" * 49


@pytest.fixture(autouse=True)
def _nobody_tried_yet() -> None:
    cache.clear()


def test_without_a_token_the_answer_says_how_to_come_in() -> None:
    answer = ask(None)

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, NO_TOKEN)
    assert answer.json() == {
        "code": "UNAUTHORIZED",
        "message": "Send a service token: Authorization: Bearer bpk_...",
    }
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(scheme: str) -> None:
    made = token()

    assert (
        Client().get(CODES, headers={"authorization": f"{scheme} {made.secret.reveal()}"}).status_code == 200
    )


@pytest.mark.parametrize(
    ("header", "challenge"),
    [
        ("", NO_TOKEN),
        ("Basic b2xnYTpwYXNz", NO_TOKEN),
        ("Token {token}", NO_TOKEN),
        ("{token}", NO_TOKEN),
        ("Bearer", WRONG),
        ("Bearer ", WRONG),
        ("Bearer {token} {token}", WRONG),
        ("Bearer {token}, Bearer {token}", WRONG),
        ("Bearer {prefix}", WRONG),
        ("Bearer {token}x", WRONG),
        ("Bearer \u00e9", WRONG),
        (f"Bearer {GARBAGE}", WRONG),
        ("Bearer " + "x" * 100_000, WRONG),
    ],
)
def test_whatever_else_is_in_the_header_is_turned_away(header: str, challenge: str) -> None:
    made = token()
    header = header.format(token=made.secret.reveal(), prefix=made.token.prefix)

    answer = Client().get(CODES, headers={"authorization": header})

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, challenge)
    assert answer.json()["code"] == "UNAUTHORIZED"


def test_expired_revoked_and_unknown_are_answered_alike() -> None:
    expired = token(name="expired", days=1, now=timezone.now() - timedelta(days=1))
    revoked = token(name="revoked")
    actions.revoke_token(prefix=revoked.token.prefix, reason="lost", by=None, now=timezone.now())
    answers = [ask(each) for each in (expired, revoked, GARBAGE)]

    assert {(each.status_code, each["WWW-Authenticate"], each.content) for each in answers} == {
        (401, WRONG, answers[0].content)
    }


@pytest.mark.parametrize("name", ["access_token", "token", "api_key", "Authorization"])
def test_a_token_in_the_address_is_refused_though_it_is_good(name: str) -> None:
    made = token()
    text = made.secret.reveal()

    for headers in ({}, bearer(made)):
        answer = Client().get(f"{CODES}?{name}={text}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_CLIENT_REQUEST")
        assert "have it revoked" in answer.json()["message"]
        assert text not in answer.content.decode()


def test_a_session_is_no_way_in() -> None:
    broker = make.broker()
    seats = {
        role: make.login(email=f"{role}@example.com") for role in ("owner", "finance", "developer", "viewer")
    }
    for role, login in seats.items():
        make.membership(login, broker, role=role)
    stranger = make.login(email="stranger@example.com")

    for login in [*seats.values(), stranger, staff("superuser"), staff("operations")]:
        client = Client()
        client.force_login(login)
        for path in (CODES, f"{CODES}?format=json"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")
    assert Client().get(CODES).status_code == 401


def test_the_last_use_is_noted_with_its_address_once_a_minute() -> None:
    made = token(now=timezone.now() - timedelta(hours=1))
    start = timezone.now().replace(microsecond=0)
    noted = []
    for seconds in (0, 59, 60):
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            Client(REMOTE_ADDR=f"10.0.0.{seconds}").get(CODES, headers=bearer(made))
        row = ServiceToken.objects.get()
        assert row.last_used_at is not None
        noted.append(((row.last_used_at - start).seconds, row.last_used_from))

    assert noted == [(0, "10.0.0.0"), (0, "10.0.0.0"), (60, "10.0.0.60")]


@pytest.mark.parametrize("address", ["", "unix", "fe80::1%eth0", "::1"])
def test_an_address_of_any_kind_is_let_in(address: str) -> None:
    made = token()

    assert Client(REMOTE_ADDR=address).get(CODES, headers=bearer(made)).status_code == 200


def test_wrong_tokens_are_counted_by_address_and_lock_nobody_out() -> None:
    made = token()
    guesses = [ask(GARBAGE).status_code for _ in range(32)]
    refused = ask(GARBAGE)

    assert guesses == [401] * 30 + [429] * 2
    assert (refused.status_code, refused["Retry-After"]) == (429, "60")
    assert refused.json() == {
        "code": "TOO_MANY_REQUESTS",
        "message": "Too many wrong tokens came from this address: send a good one, or wait a minute.",
    }
    assert ask(made).status_code == 200
    assert ask(None).status_code == 401
    elsewhere = Client(REMOTE_ADDR="10.1.1.1").get(CODES, headers=bearer(GARBAGE))
    assert elsewhere.status_code == 401


def test_after_a_minute_wrong_tokens_are_merely_wrong_again() -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        assert [ask(GARBAGE).status_code for _ in range(31)][-1] == 429
    with time_machine.travel(start + timedelta(seconds=61), tick=False):
        assert ask(GARBAGE).status_code == 401


def test_the_description_needs_no_token_and_no_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        answer = ask(None, "/feed/v1/openapi.json")

    assert answer.status_code == 200
    assert ask(None, "/feed/v1/openapi.json", if_none_match=answer["ETag"]).status_code == 304
