"""Sign-up: nobody is in before the address is confirmed, by a link that needs a press of a button."""

import pytest
from django.test import Client

from portal.accounts.models import User
from tests import make
from tests.portal.accounts.visitor import (
    PASSWORD,
    confirm_password,
    is_in,
    letters,
    link_of,
    log_in,
    path_of,
    sign_up,
)

pytestmark = pytest.mark.django_db


def test_a_new_login_is_in_only_after_its_address_is_confirmed() -> None:
    client = Client()
    answer = sign_up(client, "Nadia@Example.com")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/confirm-email/")
    assert log_in(client, "nadia@example.com")["Location"] == "/accounts/confirm-email/"
    assert not is_in(client)

    (letter,) = letters()
    assert (letter.kind, letter.to) == ("confirm_email", "nadia@example.com")
    page = path_of(letter)
    assert b"Confirm" in client.get(page).content
    assert not is_in(client)
    assert client.post(page).status_code == 302
    assert log_in(client, "nadia@example.com")["Location"] == "/"
    assert is_in(client)
    assert User.objects.get().name == "Olga Brandt"


def test_looking_at_the_link_confirms_nothing() -> None:
    client = Client()
    sign_up(client, "nadia@example.com")
    page = path_of(letters()[0])
    for _ in range(3):
        assert client.get(page).status_code == 200
    assert log_in(client, "nadia@example.com")["Location"] == "/accounts/confirm-email/"


def test_a_confirm_link_works_once_and_is_not_made_again() -> None:
    client = Client()
    sign_up(client, "nadia@example.com")
    letter = letters()[0]
    page = path_of(letter)
    client.post(page)

    assert client.post(page).status_code == 404
    assert b"does not work any more" in client.get(page).content
    assert link_of(letter) is None


def test_a_confirm_link_of_another_key_is_refused() -> None:
    client = Client()
    sign_up(client, "nadia@example.com")
    page = path_of(letters()[0])
    assert client.post(page[:-3] + "aa/").status_code == 404


def test_who_has_a_login_gets_a_letter_that_says_so_and_nothing_changes() -> None:
    there = make.login(email="olga@example.com")
    before = there.password
    answer = sign_up(Client(), "olga@example.com", password="another long password 7")

    assert answer["Location"] == "/accounts/confirm-email/"
    assert [(letter.kind, letter.to, letter.link) for letter in letters()] == [
        ("account_exists", "olga@example.com", None)
    ]
    there.refresh_from_db()
    assert there.password == before
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("password", "complaint"),
    [
        ("short", "too short"),
        ("password1234", "too common"),
        ("nadia@example.com", "too similar"),
    ],
)
def test_weak_passwords_are_refused(password: str, complaint: str) -> None:
    answer = sign_up(Client(), "nadia@example.com", password=password)
    assert complaint in answer.content.decode()
    assert not User.objects.exists()
    assert letters() == []


def test_sign_up_cannot_give_rights() -> None:
    Client().post(
        "/accounts/signup/",
        {
            "name": "Mallory",
            "email": "mallory@example.com",
            "password1": PASSWORD,
            "password2": PASSWORD,
            "is_staff": "on",
            "is_superuser": "1",
            "groups": "1",
            "id": "1",
        },
    )
    made = User.objects.get()
    assert (made.is_staff, made.is_superuser, made.groups.count()) == (False, False, 0)


def test_an_address_that_somebody_else_wants_to_change_to_can_still_sign_up() -> None:
    client = Client()
    client.force_login(make.login(email="mallory@example.com"))
    confirm_password(client)
    client.post("/accounts/email/", {"email": "nadia@example.com", "action_add": ""})

    sign_up(Client(), "nadia@example.com")
    assert User.objects.filter(email="nadia@example.com").exists()
