"""Second factors: set up after the password once more, asked for at every log-in, each code good once."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.test import Client

from portal.simulator.people import code_at
from tests import make
from tests.portal.accounts.visitor import (
    confirm_password,
    is_in,
    letters,
    log_in,
    log_in_with_code,
)

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, 0, 5, tzinfo=UTC)


def recovery_codes(login: object) -> list[str]:
    held = Authenticator.objects.get(user=login, type=Authenticator.Type.RECOVERY_CODES)
    codes: list[str] = RecoveryCodes(held).get_unused_codes()
    return codes


def test_setting_up_an_app_asks_for_the_password_shows_codes_once_and_is_told() -> None:
    login = make.login()
    client = Client()
    log_in(client, login.email)
    asked = client.get("/accounts/2fa/totp/activate/")
    assert asked["Location"] == "/accounts/reauthenticate/?next=%2Faccounts%2F2fa%2Ftotp%2Factivate%2F"
    confirm_password(client)

    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    assert 'src="data:image/svg+xml;base64,' in page
    found = re.search(r'id="totp_secret">([A-Z2-7]+)<', page)
    assert found
    answer = client.post("/accounts/2fa/totp/activate/", {"code": code_at(found[1], datetime.now(UTC))})
    assert answer["Location"] == "/accounts/2fa/recovery-codes/"

    once = client.get("/accounts/2fa/recovery-codes/").content.decode()
    again = client.get("/accounts/2fa/recovery-codes/").content.decode()
    for code in recovery_codes(login):
        assert code in once
        assert code not in again
    (letter,) = letters()
    assert (letter.kind, letter.to, letter.facts["what"]) == ("mfa_added", login.email, "authenticator app")


def test_a_wrong_code_sets_up_nothing_and_tells_nobody() -> None:
    login = make.login()
    client = Client()
    log_in(client, login.email)
    confirm_password(client)
    client.get("/accounts/2fa/totp/activate/")
    assert client.post("/accounts/2fa/totp/activate/", {"code": "000000"}).status_code == 200
    assert not Authenticator.objects.exists()
    assert letters() == []


def test_the_secret_is_not_readable_in_the_database() -> None:
    login = make.login()
    make.totp(login)
    for held in Authenticator.objects.all():
        assert make.TOTP_SECRET not in str(held.data)


def test_the_password_alone_does_not_let_in() -> None:
    login = make.login()
    make.totp(login)
    client = Client()
    assert log_in(client, login.email)["Location"] == "/accounts/2fa/authenticate/"
    assert not is_in(client)
    assert client.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert not is_in(client)
    client.post("/accounts/2fa/authenticate/", {"code": make.totp_code(login)})
    assert is_in(client)


@pytest.mark.parametrize("seconds", [0, 29, 31, 55])
def test_a_code_is_good_once_for_as_long_as_it_would_be_taken(seconds: int) -> None:
    login = make.login()
    make.totp(login)
    with time_machine.travel(NOON, tick=False) as clock:
        code = make.totp_code(login, NOON + timedelta(seconds=30))  # the phone's clock is ahead
        log_in_with_code(Client(), login, code=code)
        clock.shift(seconds)
        thief = Client()
        answer = log_in_with_code(thief, login, code=f"{code[:3]} {code[3:]}")
        assert not is_in(thief)
        assert b"was used already" in answer.content


def test_codes_of_a_minute_ago_are_too_old() -> None:
    login = make.login()
    make.totp(login)
    with time_machine.travel(NOON, tick=False):
        client = Client()
        log_in_with_code(client, login, code=make.totp_code(login, NOON - timedelta(seconds=60)))
        assert not is_in(client)


def test_a_recovery_code_opens_once() -> None:
    login = make.login()
    make.totp(login)
    code = recovery_codes(login)[3]
    first, second = Client(), Client()
    log_in_with_code(first, login, code=code)
    log_in_with_code(second, login, code=code)
    assert (is_in(first), is_in(second)) == (True, False)
    assert len(recovery_codes(login)) == 9


def test_new_recovery_codes_make_the_old_ones_useless_and_are_told() -> None:
    login = make.login()
    make.totp(login)
    old = recovery_codes(login)
    client = Client()
    log_in_with_code(client, login)
    confirm_password(client)
    assert client.post("/accounts/2fa/recovery-codes/generate/").status_code == 302
    assert set(old).isdisjoint(recovery_codes(login))
    assert [letter.kind for letter in letters()] == ["recovery_codes_made"]


def test_removing_the_app_asks_for_the_password_and_is_told() -> None:
    login = make.login()
    make.totp(login)
    client = Client()
    log_in_with_code(client, login)
    assert client.post("/accounts/2fa/totp/deactivate/")["Location"].startswith("/accounts/reauthenticate/")
    assert Authenticator.objects.filter(type="totp").exists()
    confirm_password(client)
    client.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.exists()
    assert [(letter.kind, letter.facts["what"]) for letter in letters()] == [
        ("mfa_removed", "authenticator app")
    ]


def test_a_new_factor_ends_the_sessions_that_never_showed_it() -> None:
    login = make.login()
    here, there = Client(), Client()
    log_in(here, login.email)
    log_in(there, login.email)
    confirm_password(here)
    page = here.get("/accounts/2fa/totp/activate/").content.decode()
    secret = re.search(r'id="totp_secret">([A-Z2-7]+)<', page)
    assert secret
    here.post("/accounts/2fa/totp/activate/", {"code": code_at(secret[1], datetime.now(UTC))})

    assert here.get("/accounts/email/").status_code == 200
    assert there.get("/accounts/email/")["Location"] == "/accounts/login/?next=/accounts/email/"


def test_a_session_begun_while_the_factor_was_added_elsewhere_ends_too() -> None:
    login = make.login()
    late = Client()
    log_in(late, login.email)
    make.totp(login)  # by nothing that knows of the session
    assert late.get("/accounts/email/").status_code == 302
    assert not is_in(late)


def test_the_second_page_is_no_way_in_without_the_first() -> None:
    client = Client()
    assert client.get("/accounts/2fa/authenticate/")["Location"] == "/accounts/login/"
    assert client.post("/accounts/2fa/authenticate/", {"code": "123456"})["Location"] == "/accounts/login/"


@pytest.mark.parametrize(
    "credential", ["", "{}", "[]", "1", '{"response": {"userHandle": "MQ"}}', "nonsense"]
)
def test_the_passkey_page_is_no_way_around_the_code(credential: str) -> None:
    login = make.login()
    make.totp(login)
    client = Client(raise_request_exception=False)
    log_in(client, login.email)
    for page in ("/accounts/2fa/webauthn/login/", "/accounts/2fa/authenticate/"):
        assert client.post(page, {"credential": credential}).status_code in (200, 302)
        assert not is_in(client)
