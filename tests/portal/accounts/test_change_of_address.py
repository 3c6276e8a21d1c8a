"""Change of address: asked with the password, the old one kept until the new one is confirmed, both told."""

import pytest
from django.test import Client

from tests import make
from tests.portal.accounts.visitor import (
    confirm_password,
    letters,
    log_in,
    log_in_with_code,
    path_of,
    sign_up,
)

pytestmark = pytest.mark.django_db


def ask(client: Client, email: str) -> object:
    return client.post("/accounts/email/", {"email": email, "action_add": ""})


def test_the_old_address_is_kept_until_the_new_one_is_confirmed_and_both_are_told() -> None:
    login = make.login(email="old@example.com")
    make.totp(login)
    client = Client()
    log_in_with_code(client, login)
    assert ask(client, "new@example.com")["Location"].startswith("/accounts/reauthenticate/")  # type: ignore[index]
    confirm_password(client)
    ask(client, "new@example.com")
    login.refresh_from_db()
    assert login.email == "old@example.com"
    (letter,) = letters()
    assert (letter.kind, letter.to) == ("confirm_email_change", "new@example.com")
    assert b"waits to be confirmed" in client.get("/accounts/email/").content

    assert client.post(path_of(letter)).status_code == 302
    login.refresh_from_db()
    assert login.email == "new@example.com"
    assert [(told.to, told.facts["old"], told.facts["new"]) for told in letters("email_changed")] == [
        ("old@example.com", "old@example.com", "new@example.com"),
        ("new@example.com", "old@example.com", "new@example.com"),
    ]
    assert list(login.emailaddress_set.values_list("email", "verified", "primary")) == [
        ("new@example.com", True, True)
    ]


def test_a_wish_taken_back_is_gone() -> None:
    login = make.login(email="old@example.com")
    client = Client()
    log_in(client, login.email)
    confirm_password(client)
    ask(client, "new@example.com")
    page = path_of(letters()[0])
    client.post("/accounts/email/", {"email": "new@example.com", "action_remove": ""})
    assert Client().post(page).status_code == 404
    login.refresh_from_db()
    assert login.email == "old@example.com"


def test_an_address_that_another_login_has_cannot_be_confirmed_and_the_asker_does_not_learn_it() -> None:
    make.login(email="taken@example.com")
    login = make.login(email="old@example.com")
    client = Client()
    log_in(client, login.email)
    confirm_password(client)
    taken = ask(client, "taken@example.com")
    page = path_of(letters()[0])
    free = ask(client, "free@example.com")
    assert (taken.status_code, taken["Location"]) == (free.status_code, free["Location"])  # type: ignore[attr-defined,index]
    assert Client().post(page).status_code == 404


def test_an_unconfirmed_sign_up_does_not_break_a_confirmation() -> None:
    login = make.login(email="old@example.com")
    client = Client()
    log_in(client, login.email)
    confirm_password(client)
    ask(client, "new@example.com")
    page = path_of(letters()[0])
    sign_up(Client(), "new@example.com")
    answer = client.post(page, follow=True)
    assert answer.status_code == 200
    assert "another login has it" in answer.content.decode()
    login.refresh_from_db()
    assert login.email == "old@example.com"


def test_somebody_elses_address_cannot_be_removed_or_sent_to() -> None:
    other = make.login(email="other@example.com")
    client = Client()
    log_in(client, make.login().email)
    confirm_password(client)
    for act in ("action_remove", "action_primary", "action_send"):
        client.post("/accounts/email/", {"email": "other@example.com", act: ""})
    assert other.emailaddress_set.count() == 1
    assert letters() == []
