"""A staff member in a browser: logged in, and proven again where the page asks for it."""

from typing import Any

from django.test import Client

PASSWORD = "correct horse battery"


def at(login: Any, *, proven: bool = False, **options: Any) -> Client:
    """A client logged in as a login; `proven` types the password once more, as an approval asks."""
    client = Client(**options)
    client.force_login(login)
    if proven:
        answer = client.post("/accounts/reauthenticate/?next=/staff/", {"password": PASSWORD})
        assert answer.status_code == 302, answer.content.decode()
    return client


def page(application: Any, act: str = "change") -> str:
    return f"/staff/portal/application/{application.pk}/{act}/"
