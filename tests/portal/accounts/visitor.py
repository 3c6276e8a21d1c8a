"""Somebody at a browser: signs up, opens links out of letters, logs in with password and code."""

from datetime import UTC, datetime
from typing import Any

from django.test import Client
from django.utils.module_loading import import_string

from portal.letters.models import Letter
from tests import make

PASSWORD = "correct horse battery"


def sign_up(client: Client, email: str, *, password: str = PASSWORD, name: str = "Olga Brandt") -> Any:
    return client.post(
        "/accounts/signup/",
        {"name": name, "email": email, "password1": password, "password2": password},
    )


def log_in(client: Client, email: str, password: str = PASSWORD, **extra: Any) -> Any:
    return client.post("/accounts/login/", {"login": email, "password": password}, **extra)


def log_in_with_code(client: Client, login: Any, *, code: str = "") -> Any:
    log_in(client, login.email)
    return client.post("/accounts/2fa/authenticate/", {"code": code or make.totp_code(login)})


def confirm_password(client: Client, password: str = PASSWORD) -> Any:
    return client.post("/accounts/reauthenticate/", {"password": password})


def letters(kind: str = "", to: str = "") -> list[Letter]:
    found = Letter.objects.order_by("pk")
    if kind:
        found = found.filter(kind=kind)
    if to:
        found = found.filter(to=to)
    return list(found)


def link_of(letter: Letter) -> str | None:
    """The secret link of a letter, made as it is made when the letter is sent."""
    from django.conf import settings

    assert letter.link is not None
    link: str | None = import_string(settings.LETTER_LINKS[letter.link["kind"]])(letter.link)
    return link


def path_of(letter: Letter) -> str:
    link = link_of(letter)
    assert link is not None
    assert link.startswith("http://localhost:8000/")
    return link.removeprefix("http://localhost:8000")


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def later(seconds: int) -> datetime:
    return datetime.fromtimestamp(datetime.now(UTC).timestamp() + seconds, tz=UTC)
