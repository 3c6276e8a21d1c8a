"""Knocks at an address as a visitor, and says in one word what came of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.db import connection, transaction
from django.http import SimpleCookie
from django.test import Client
from django.urls import Resolver404, resolve

from tests.portal.matrix.addresses import Address
from tests.portal.matrix.asked import ASKED, Asked, path_of
from tests.portal.matrix.world import World

#: A line of the tables → method and headers. JSON is what a script asks with, STREAM an event source.
METHODS: dict[str, tuple[str, dict[str, str]]] = {
    "GET": ("get", {}),
    "POST": ("post", {}),
    "JSON": ("get", {"Accept": "application/json"}),
    "STREAM": ("get", {"Accept": "text/event-stream"}),
}
_TARGETS = {
    "account_reauthenticate": "again",
    "mfa_reauthenticate": "again",
    "mfa_reauthenticate_webauthn": "again",
    "application": "appl",
    "mfa_deactivate_totp": "totp",
    "home": "home",
    "dashboard": "dash",
    "brokers": "list",
    "apply": "apply",
    "admin:index": "staff",
    "account_login": "door",
}
#: What says that a visitor was not let in.
KEPT_OUT = frozenset({"login", "mfa", "mfa!", "json!", "again", "403", "404", "405"})
#: What no request of itself is an act upon: sessions and counted limits.
_ASIDE = frozenset({"django_session", "usersessions_usersession", "portal_cache"})


@dataclass(frozen=True)
class Answer:
    #: What stands in the cell.
    word: str
    #: The tables that the request wrote to.
    wrote: tuple[str, ...]


@contextmanager
def undone() -> Iterator[None]:
    """A transaction that leaves nothing behind; to the program it is none, as Django's own of a test case."""
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]  # what `durable` and the exchange's port look at
    with block:
        yield
        transaction.set_rollback(True)


def knock(client: Client, address: Address, line: str, visitor: str, world: World) -> Answer:
    """What one cell really is; whatever the request changed is undone."""
    method, headers = METHODS[line]
    asked = ASKED.get(address.route, Asked())
    with undone():
        path = path_of(address, world, visitor)
        data = asked.sends(world, visitor) if method == "post" else {}
        client.cookies = SimpleCookie()
        if visitor in world.sessions:
            client.cookies["sessionid"] = world.sessions[visitor]
        before = _written()
        response = getattr(client, method)(path, data, headers=headers)
        if response.streaming:
            b"".join(response)  # taken as a browser takes it, so that what was opened for it is closed
        wrote = tuple(sorted(name for name, count in _written().items() if count != before.get(name, 0)))
    return Answer(_word(response, path, asked, is_reading=method == "get", wrote=wrote), wrote)


def _word(response: Any, path: str, asked: Asked, *, is_reading: bool, wrote: tuple[str, ...]) -> str:
    must_set_up = getattr(response.wsgi_request, "must_set_up_mfa", False)
    if response.status_code == 302:
        word = _target(response["Location"], path, asked, must_set_up=must_set_up)
        if word == "ok" and not is_reading and not set(wrote) - {"django_session", "portal_cache"}:
            word = "back"
    elif response.status_code == 403 and must_set_up:
        word = "json!" if response["Content-Type"] == "application/json" else "mfa!"
    else:
        word = str(response.status_code)
    changes_nothing = is_reading or word in KEPT_OUT
    return f"{word}*" if changes_nothing and set(wrote) - _ASIDE else word


def _target(location: str, path: str, asked: Asked, *, must_set_up: bool) -> str:
    """Where a redirect leads, in one word; an address that has none stands there itself."""
    parts = urlsplit(location)
    if parts.netloc or parts.scheme:
        return location
    try:
        name = resolve(parts.path).view_name
    except Resolver404:
        return location
    if name == "account_login" and parse_qs(parts.query).get("next") == [path]:
        return "login"
    if name == "mfa_index" and must_set_up:
        return "mfa"
    if name == asked.ok:
        return "ok"
    return _TARGETS.get(name, parts.path)


def _written() -> dict[str, int]:
    """How many rows of each table this transaction wrote so far, undone ones too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables"
            " WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"
        )
        return dict(cursor.fetchall())
