"""Who has a login here is told by no page: not by text, status or cookies, nor by the time it takes."""

import time
from collections.abc import Callable
from itertools import count
from statistics import median
from typing import Any

import pytest
from django.test import Client
from django.test.utils import override_settings

from portal.accounts import actions
from tests import make
from tests.hashing import REAL_HASHERS
from tests.portal.accounts.visitor import log_in, sign_up

NO_LIMITS = override_settings(ACCOUNT_RATE_LIMITS=False, MFA_RATE_LIMITS=False)
_numbers = count(1)

Try = Callable[[Client, str], Any]


@pytest.fixture
def real_cost(settings: Any) -> None:
    """Passwords cost what they cost in production."""
    settings.PASSWORD_HASHERS = REAL_HASHERS


def ask_for_reset(client: Client, email: str) -> Any:
    return client.post("/accounts/password/reset/", {"email": email})


def guess(client: Client, email: str) -> Any:
    return log_in(client, email, "not the password of it")


TRIES: dict[str, Try] = {"sign-up": sign_up, "reset": ask_for_reset, "log-in": guess}


def seen(answer: Any, email: str, client: Client) -> tuple[Any, ...]:
    """Everything that a browser gets, without what differs at every answer."""
    text = answer.content.decode().replace(email, "ADDRESS")
    token = client.cookies.get("csrftoken")
    body = "".join(
        line for line in text.splitlines() if "csrfmiddlewaretoken" not in line and "nonce" not in line
    )
    return (
        answer.status_code,
        answer.headers.get("Location"),
        {name: value for name, value in answer.headers.items() if name != "Content-Security-Policy"}.keys(),
        sorted(set(client.cookies) - {"csrftoken"}),
        token is None,
        body,
    )


@pytest.mark.django_db
@pytest.mark.parametrize("name", TRIES)
def test_the_answer_is_the_same(name: str) -> None:
    make.login(email="there@example.com")
    answers = []
    for email in ("there@example.com", "gone@example.com"):
        client = Client()
        answer = TRIES[name](client, email)
        page = client.get(answer["Location"]) if answer.status_code == 302 else answer
        answers.append((seen(answer, email, client), seen(page, email, client)))
    assert answers[0] == answers[1]


@pytest.mark.django_db
@pytest.mark.parametrize("state", [{"is_active": False}, {"is_staff": True}])
def test_who_is_switched_off_or_staff_is_not_told_apart_by_a_wrong_password(state: dict[str, bool]) -> None:
    make.login(email="special@example.com", **state)
    answers = []
    for email in ("special@example.com", "gone@example.com"):
        client = Client()
        answers.append(seen(guess(client, email), email, client))
    assert answers[0] == answers[1]


@pytest.mark.django_db
@pytest.mark.parametrize("email", ["there@example.com", "gone@example.com"])
def test_guesses_are_limited_alike(email: str) -> None:
    make.login(email="there@example.com")
    texts = [b"Too many failed" in guess(Client(), email).content for _ in range(7)]
    assert texts == [False] * 5 + [True] * 2


@pytest.fixture
def addresses(committed_db: str) -> Callable[[bool], str]:
    """Addresses that have a login, or none; each a new one, in a database that really commits."""

    def address(is_there: bool) -> str:
        email = f"someone{next(_numbers):05}@example.com"
        if is_there:
            make.login(email=email)
        return email

    return address


def ratio(attempt: Try, address: Callable[[bool], str], *, rounds: int = 24) -> float:
    """How much longer the median answer takes for a login that is there than for one that is not."""
    took: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * rounds + 4):
        is_there = number % 2 == 0  # in turns, so that what else the machine does meets both
        email, client = address(is_there), Client()
        began = time.perf_counter()
        attempt(client, email)
        if number >= 4:  # the first ones fill caches
            took[is_there].append(time.perf_counter() - began)
    return median(took[True]) / median(took[False])


@pytest.mark.long
@NO_LIMITS
@pytest.mark.usefixtures("real_cost")
@pytest.mark.parametrize("name", TRIES)
def test_the_time_is_the_same(name: str, addresses: Callable[[bool], str]) -> None:
    """By medians. Work that is left out shows: the test below sees a tenth, a letter's commit alone 1.3."""
    found = ratio(TRIES[name], addresses, rounds=24 if name == "reset" else 10)
    assert 0.75 < found < 1.33, f"{found:.2f} times as long"


@pytest.mark.long
@NO_LIMITS
@pytest.mark.usefixtures("real_cost")
def test_the_clock_sees_a_sign_up_that_does_less(
    addresses: Callable[[bool], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "rehearse_login", lambda **_: None)
    assert ratio(sign_up, addresses, rounds=6) < 0.75
