"""One shape for every error that a machine meets, whichever part of the portal noticed it."""

import json
from typing import Any

import pytest
from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError
from django.test import Client

from payouts.program import gateway
from tests import make
from tests.portal.api.asking import CODES, ask, bearer, shape, token

pytestmark = pytest.mark.django_db
SHAPE = ["code", "message"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "GETT"])
@pytest.mark.parametrize("path", [CODES, "/feed/v1/openapi.json"])
def test_another_method_is_told_which_are_answered(method: str, path: str) -> None:
    answer = Client().generic(method, path)

    assert shape(answer) == (405, "application/json", SHAPE)
    assert answer["Allow"] == "GET, HEAD"
    assert json.loads(answer.content) == {
        "code": "METHOD_NOT_ALLOWED",
        "message": "This address answers GET and HEAD.",
    }


@pytest.mark.parametrize(
    "path",
    [
        "/feed",
        "/feed/",
        "/feed/v1",
        "/feed/v1/codes/",
        "/feed/v1/nothing",
        "/feed/v2/codes",
        "/api/v1/anything",
        "/feed/%ff%fe",
        "/feed/%00",
        "/feed/..%2f..%2fetc",
        "/feed/v1/codes%0a",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "TRACE"])
def test_an_unknown_address_is_answered_in_the_shape(path: str, method: str) -> None:
    answer = Client().generic(method, path)

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")
    if method != "HEAD":
        assert json.loads(answer.content) == {
            "code": "RESOURCE_NOT_FOUND",
            "message": "There is no such address.",
        }


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("application/*", 200),
        ("application/json; indent=4", 200),
        ("text/html,application/xhtml+xml,*/*;q=0.8", 200),
        ("", 406),
        ("text/html", 406),
        ("application/xml", 406),
        ("nonsense", 406),
        ("/", 406),
        (";;;q=", 406),
        (",,,", 406),
        ("\u00e9/\u00e9", 406),
        ("a/b," * 20_000, 406),
    ],
)
def test_what_is_accepted_is_read_whatever_it_says(accept: str, status: int) -> None:
    made = token()
    answer = Client().get(CODES, headers=bearer(made) | {"accept": accept})

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/json"
    assert sorted(answer.json()) == (["codes", "version"] if status == 200 else SHAPE)


def test_a_wrong_host_is_a_bad_request() -> None:
    answer = Client().get(CODES, headers={"host": "evil.example"})

    assert shape(answer) == (400, "application/json", SHAPE)
    assert answer.json()["code"] == "INVALID_CLIENT_REQUEST"


@pytest.mark.parametrize(
    ("problem", "status", "code"),
    [
        (RuntimeError("secret of the house"), 500, "SERVER_ERROR"),
        (OperationalError("connection refused by 10.0.0.1"), 503, "SERVER_ERROR"),
        (SuspiciousOperation("x"), 500, "SERVER_ERROR"),
    ],
)
@pytest.mark.parametrize("debug", [False, True])
def test_a_fault_of_ours_tells_nothing_of_itself(
    problem: Exception, status: int, code: str, debug: bool, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    def fails(**_: object) -> None:
        raise problem

    settings.DEBUG = debug
    made = token()
    monkeypatch.setattr(gateway, "issued_codes", fails)
    answer = ask(made)

    assert shape(answer) == (status, "application/json", SHAPE)
    assert answer.json()["code"] == code
    assert str(problem) not in answer.json()["message"].split()
    assert (answer.get("Retry-After") == "5") == (status == 503)


def test_a_fault_before_any_view_is_answered_in_the_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_self: object) -> str:
        raise RuntimeError

    monkeypatch.setattr("django.contrib.sessions.middleware.SessionMiddleware.process_request", fails)
    answer = Client(raise_request_exception=False).get(CODES)

    assert shape(answer) == (500, "application/json", SHAPE)


def test_people_go_on_getting_pages() -> None:
    missing = Client().get("/nothing/", headers={"accept": "text/html"})

    assert (missing.status_code, missing["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert Client().get("/", headers={"host": "evil.example"})["Content-Type"].startswith("text/html")


def test_the_json_of_a_broker_is_refused_in_the_shape_too() -> None:
    make.broker()
    stranger = make.login(email="stranger@example.com")
    client = Client()
    client.force_login(stranger)

    for path in ("/brokers/1400/statements/2026-10.json", "/brokers/9/statements/2026-10.json"):
        answer = client.get(path)
        assert shape(answer) == (404, "application/json", SHAPE)
    assert answer.json()["message"] == "There is no such page for your login."


def test_a_form_without_its_token_is_refused_in_the_shape_to_machines_and_by_a_page_to_people() -> None:
    client = Client(enforce_csrf_checks=True)

    machine = client.post("/accounts/login/", data="{}", content_type="application/json")
    person = client.post("/accounts/login/", data={}, headers={"accept": "text/html"})

    assert shape(machine) == (403, "application/json", SHAPE)
    assert machine.json()["code"] == "FORBIDDEN"
    assert (person.status_code, person["Content-Type"]) == (403, "text/html; charset=utf-8")
