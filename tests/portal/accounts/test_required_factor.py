"""Staff, owners and finance members without a second factor see the set-up alone, on every surface."""

import json
import re
from datetime import UTC, datetime

import pytest
from django.test import Client

from portal.simulator.people import code_at
from tests import make
from tests.portal.accounts.visitor import confirm_password, log_in

pytestmark = pytest.mark.django_db
SET_UP = "/accounts/2fa/"
#: Pages, downloads, the staff site, pages of the login itself: each by the way a browser asks for it.
PAGES = [
    "/brokers/",
    "/brokers/1400/",
    "/brokers/1400/statements/",
    "/staff/",
    "/staff/login/",
    "/accounts/email/",
    "/accounts/sessions/",
    "/apply/",
    "/",
]


@pytest.fixture
def owner() -> Client:
    login = make.login()
    make.membership(login, make.broker(code=1400), mfa=False)
    client = Client()
    client.force_login(login)
    return client


@pytest.mark.parametrize("page", PAGES)
def test_a_page_leads_to_the_set_up(owner: Client, page: str) -> None:
    answer = owner.get(page, headers={"accept": "text/html,*/*;q=0.8"})
    assert (answer.status_code, answer["Location"]) == (302, SET_UP)


def test_the_set_up_says_why(owner: Client) -> None:
    page = owner.get(SET_UP).content.decode()
    assert "Set up a second factor to go on." in page
    assert "a stolen password alone must not be enough" in page


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("get", "/brokers/1400/statements/2026-10.json", {}),
        ("get", "/brokers/1400/", {"accept": "application/json"}),
        ("post", "/brokers/1400/", {"accept": "application/json"}),
    ],
)
def test_machines_are_told_in_json(owner: Client, method: str, path: str, headers: dict[str, str]) -> None:
    answer = getattr(owner, method)(path, headers=headers)
    assert answer.status_code == 403
    assert json.loads(answer.content) == {
        "code": "MFA_REQUIRED",
        "message": "Set up an authenticator app or a passkey first: your role handles money or other"
        " people's data.",
    }


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("get", "/brokers/1400/statements/2026-10.csv", {"accept": "text/html,*/*"}),
        ("get", "/brokers/1400/", {"accept": "text/event-stream"}),
        ("get", "/brokers/1400/", {"hx-request": "true"}),
        ("post", "/brokers/1400/", {}),
        ("post", "/accounts/email/", {}),
        ("post", "/staff/login/", {}),
        ("put", "/brokers/1400/", {}),
    ],
)
def test_whatever_is_no_page_is_refused(
    owner: Client, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = getattr(owner, method)(path, headers=headers)
    assert answer.status_code == 403
    assert b"Set up a second factor first" in answer.content


@pytest.mark.parametrize(
    "page",
    [
        SET_UP,
        "/accounts/2fa/webauthn/",
        "/accounts/logout/",
        "/accounts/password/change/",
        "/accounts/reauthenticate/",
        "/accounts/password/reset/",
    ],
)
def test_the_set_up_and_the_way_out_are_open(owner: Client, page: str) -> None:
    assert owner.get(page).status_code == 200


def test_from_log_in_over_the_set_up_to_the_broker() -> None:
    login = make.login()
    make.membership(login, make.broker(code=1400), mfa=False)
    client = Client()
    log_in(client, login.email)
    assert client.get("/brokers/1400/")["Location"] == SET_UP
    confirm_password(client)
    secret = re.search(r'"totp_secret">([A-Z2-7]+)<', client.get(SET_UP + "totp/activate/").content.decode())
    assert secret
    client.post(SET_UP + "totp/activate/", {"code": code_at(secret[1], datetime.now(UTC))})
    assert client.get("/brokers/1400/").status_code == 200


@pytest.mark.parametrize(
    ("role", "status"), [("owner", 302), ("finance", 302), ("developer", 200), ("viewer", 200)]
)
def test_which_roles_need_one(role: str, status: int) -> None:
    login = make.login()
    make.membership(login, make.broker(code=1400), role=role, mfa=False)
    client = Client()
    client.force_login(login)
    assert client.get("/brokers/1400/").status_code == status


def test_one_role_that_needs_it_is_enough() -> None:
    login = make.login()
    make.membership(login, make.broker(code=1400), role="viewer")
    make.membership(login, make.broker(code=1500), role="finance", mfa=False)
    client = Client()
    client.force_login(login)
    assert client.get("/brokers/1400/")["Location"] == SET_UP


@pytest.mark.parametrize("rights", [{"is_staff": True}, {"is_staff": True, "is_superuser": True}])
def test_staff_need_one(rights: dict[str, bool]) -> None:
    client = Client()
    client.force_login(make.login(mfa=False, **rights))
    assert client.get("/staff/")["Location"] == SET_UP
    with_one = Client()
    with_one.force_login(make.login(email="b@example.com", **rights))
    assert with_one.get("/accounts/email/").status_code == 200


def test_a_promotion_counts_from_the_next_page_on() -> None:
    login = make.login()
    make.membership(login, make.broker(code=1400), role="viewer")
    client = Client()
    client.force_login(login)
    assert client.get("/brokers/1400/").status_code == 200
    login.memberships.update(role="owner")
    assert client.get("/brokers/1400/")["Location"] == SET_UP


def test_who_removes_the_last_factor_is_back_at_the_set_up() -> None:
    login = make.login()
    make.membership(login, make.broker(code=1400))
    client = Client()
    client.force_login(login)
    confirm_password(client)
    client.post(SET_UP + "totp/deactivate/")
    assert client.get("/brokers/1400/")["Location"] == SET_UP


def test_recovery_codes_alone_are_no_factor() -> None:
    login = make.login()
    make.membership(login, make.broker(code=1400))
    login.authenticator_set.filter(type="totp").delete()
    client = Client()
    client.force_login(login)
    assert client.get("/brokers/1400/")["Location"] == SET_UP


def test_nobody_and_addresses_that_do_not_exist_are_as_before(owner: Client) -> None:
    assert Client().get("/brokers/1400/")["Location"] == "/accounts/login/?next=/brokers/1400/"
    assert owner.get("/no/such/page/").status_code == 404


def test_the_question_costs_one_query(django_assert_num_queries: object) -> None:
    login = make.login()
    make.membership(login, make.broker(code=1400))
    client = Client()
    client.force_login(login)
    # Session, login, second factor; seats and their standing.
    with django_assert_num_queries(5):  # type: ignore[operator]
        client.get("/brokers/")
