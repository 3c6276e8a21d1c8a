"""Passwords: changing and resetting them ends other sessions, is told by letter, and never skips the code."""

import pytest
from django.test import Client
from django.test.utils import override_settings

from portal.accounts.models import User
from tests import make
from tests.portal.accounts.visitor import (
    PASSWORD,
    is_in,
    letters,
    link_of,
    log_in,
    path_of,
)

pytestmark = pytest.mark.django_db
NEW = "a quite new password 42"


def ask(client: Client, email: str) -> object:
    return client.post("/accounts/password/reset/", {"email": email})


def choose(client: Client, page: str, password: str = NEW) -> object:
    form = client.get(page)["Location"]
    return client.post(form, {"password1": password, "password2": password})


def test_a_reset_ends_every_session_and_is_told() -> None:
    login = make.login()
    inside = Client()
    log_in(inside, login.email)
    assert is_in(inside)

    outside = Client()
    ask(outside, login.email)
    (letter,) = letters()
    assert (letter.kind, letter.to) == ("reset_password", login.email)
    assert letter.link == {"kind": "reset", "login": login.pk}
    assert choose(outside, path_of(letter))["Location"] == "/accounts/password/reset/key/done/"  # type: ignore[index]

    assert inside.get("/accounts/email/").status_code == 302
    assert not is_in(outside)
    assert log_in(outside, login.email).status_code == 200, "the old password is of no use"
    assert log_in(outside, login.email, NEW)["Location"] == "/"
    (told,) = letters("password_changed")
    assert told.to == login.email
    assert told.facts["address"] == "127.0.0.1"
    assert set(told.facts) == {"at", "address", "browser"}


def test_a_reset_link_works_once() -> None:
    login = make.login()
    ask(Client(), login.email)
    page = path_of(letters()[0])
    choose(Client(), page)

    answer = Client().get(page)
    assert answer.status_code == 200
    assert b"does not work any more" in answer.content


def test_a_reset_form_left_open_is_of_no_use_after_another_was_sent() -> None:
    login = make.login()
    ask(Client(), login.email)
    page = path_of(letters()[0])
    first, second = Client(), Client()
    form = first.get(page)["Location"]
    assert first.get(form).status_code == 200
    choose(second, page)
    answer = first.post(form, {"password1": "yet another one 99", "password2": "yet another one 99"})
    assert b"does not work any more" in answer.content
    login.refresh_from_db()
    assert login.check_password(NEW)


def test_a_reset_link_dies_with_a_log_in() -> None:
    login = make.login()
    ask(Client(), login.email)
    page = path_of(letters()[0])
    log_in(Client(), login.email)
    assert b"does not work any more" in Client().get(page).content


def test_a_reset_does_not_skip_the_second_factor() -> None:
    login = make.login()
    make.totp(login)
    client = Client()
    ask(client, login.email)
    choose(client, path_of(letters()[0]))

    assert log_in(client, login.email, NEW)["Location"] == "/accounts/2fa/authenticate/"
    assert not is_in(client)
    assert client.get("/accounts/password/reset/key/done/").status_code == 200
    assert not is_in(client)


def test_no_link_is_made_for_who_is_switched_off() -> None:
    login = make.login()
    ask(Client(), login.email)
    User.objects.update(is_active=False)
    assert link_of(letters()[0]) is None
    ask(Client(), login.email)
    assert len(letters()) == 1


def test_a_reset_never_goes_to_an_address_that_is_only_wished_for() -> None:
    login = make.login()
    login.emailaddress_set.create(email="typo@example.com", verified=False)
    ask(Client(), "typo@example.com")
    assert letters() == []


def test_a_change_keeps_this_session_and_ends_the_others() -> None:
    login = make.login()
    here, there = Client(), Client()
    log_in(here, login.email)
    log_in(there, login.email)
    answer = here.post(
        "/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    )
    assert answer.status_code == 302
    assert here.get("/accounts/email/").status_code == 200
    assert there.get("/accounts/email/").status_code == 302
    assert [letter.to for letter in letters("password_changed")] == [login.email]


def test_a_change_needs_the_old_password() -> None:
    login = make.login()
    client = Client()
    log_in(client, login.email)
    answer = client.post(
        "/accounts/password/change/", {"oldpassword": "wrong", "password1": NEW, "password2": NEW}
    )
    assert answer.status_code == 200
    login.refresh_from_db()
    assert login.check_password(PASSWORD)


@override_settings(ALLOWED_HOSTS=["testserver", "evil.example"])
def test_the_link_never_takes_the_host_of_the_request() -> None:
    login = make.login()
    Client().post("/accounts/password/reset/", {"email": login.email}, headers={"host": "evil.example"})
    link = link_of(letters()[0])
    assert link is not None
    assert link.startswith("http://localhost:8000/accounts/password/reset/key/")


def test_a_host_that_is_not_ours_is_refused() -> None:
    for name in ("evil.example", "localhost.evil.example", "localhost:8000@evil.example"):
        assert Client().get("/accounts/login/", headers={"host": name}).status_code == 400


def test_the_letter_and_the_password_come_together_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    login = make.login()
    client = Client(raise_request_exception=False)
    log_in(client, login.email)

    def crash(**_: object) -> None:
        raise RuntimeError("the process ends here")

    monkeypatch.setattr("portal.letters.actions.write", crash)
    answer = client.post(
        "/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    )
    assert answer.status_code == 500
    login.refresh_from_db()
    assert login.check_password(PASSWORD)


def test_who_resets_with_a_second_factor_logs_in_with_it() -> None:
    login = make.login()
    make.totp(login)
    client = Client()
    ask(client, login.email)
    choose(client, path_of(letters()[0]), PASSWORD + " 2")
    log_in(client, login.email, PASSWORD + " 2")
    assert client.post("/accounts/2fa/authenticate/", {"code": make.totp_code(login)}).status_code == 302
    assert is_in(client)
