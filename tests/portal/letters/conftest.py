"""Letters, a clock that a test moves, and a post office they are sent through."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from portal.letters import actions, sending
from portal.letters.models import Letter
from portal.letters.stops import Stop
from tests import make
from tests.portal.letters.post_office import PostOffice, open_office

WHERE = {"at": "2026-11-22T12:00:00+00:00", "address": "203.0.113.7", "browser": "Firefox on Linux"}
#: A link like the real ones: it holds a token that nobody but the addressee may see.
TOKEN = "MTI:1vMabc:s3cr3t-t0ken_0123456789abcdef"


def secret_link(link: dict[str, Any]) -> str | None:
    return None if link.get("is_void") else f"http://localhost:8000/accounts/confirm-email/{TOKEN}/"


#: How the logins of a test want their letters; who is not named wants them at once. "never": no more.
WISHES: dict[int, str] = {}


def stop_link(unsubscribe: dict[str, Any]) -> Stop | None:
    wish = WISHES.get(unsubscribe["login"], "at once")
    address = f"http://localhost:8000/letters/{unsubscribe['login']}-{unsubscribe['topic']}/"
    return None if wish == "never" else Stop(address, is_daily=wish == "daily")


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def goes_on(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock(make.NOW)


@pytest.fixture(autouse=True)
def links(settings: Any) -> None:
    settings.LETTER_LINKS = dict.fromkeys(
        ("confirm", "reset", "invite"), "tests.portal.letters.conftest.secret_link"
    )
    settings.LETTER_UNSUBSCRIBE = "tests.portal.letters.conftest.stop_link"
    WISHES.clear()


def through(settings: Any, port: int) -> None:
    """From now on letters leave by the mail server on this port."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_TIMEOUT = 1
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False


@pytest.fixture
def office(settings: Any) -> Iterator[PostOffice]:
    with open_office() as office:
        through(settings, office.port)
        yield office


@pytest.fixture
def sweep(clock: Clock) -> Callable[..., int]:
    """One sweep at the time of the test's clock; how many letters were taken."""
    return lambda **options: sending.send_due(clock=clock, **options)


def a_letter(key: str = "one", **changes: Any) -> Letter:
    """A letter in the outbox, written by the action that all letters are written by."""
    given: dict[str, Any] = {"kind": "new_device", "to": "olga@example.com", "facts": WHERE, "now": make.NOW}
    assert actions.write(key=key, **(given | changes))
    return Letter.objects.get(key=key)


#: News on a topic: a letter that its addressee may stop.
CREDITED = {
    "broker": "Nordlicht", "code": 1400, "month": "2026-10", "amount": "12.30", "account": "•••1400",
    "credit_id": "cr_1", "at": "2026-11-03T10:15:00+00:00",
}  # fmt: skip


def news(key: str = "news", *, login: int = 7, **changes: Any) -> Letter:
    """A letter that a credit was sent, to a login that may stop it."""
    unsubscribe = {"login": login, "broker": 1400, "topic": "credits"}
    given: dict[str, Any] = {"kind": "credit_sent", "facts": CREDITED, "unsubscribe": unsubscribe}
    return a_letter(key, **(given | changes))


def letters(count: int) -> list[Letter]:
    return [a_letter(f"letter {number}") for number in range(count)]
