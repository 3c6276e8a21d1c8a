"""The twins of the matrix: with a door taken off its hinges, cells change, so the matrix would see it."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.urls import path

from portal import access, urls
from portal.accounts.staff_roles import Act
from portal.home import views as home
from portal.staff import window
from tests.portal.matrix.addresses import addresses
from tests.portal.matrix.asked import ASKED, Asked
from tests.portal.matrix.knocking import knock
from tests.portal.matrix.tables import expected
from tests.portal.matrix.test_matrix import ADDRESSES, without_row
from tests.portal.matrix.world import World

EXPECTED = expected()
DASHBOARD = "brokers/<int:code>/"
REJECT = "staff/portal/application/<int:number>/reject/"
APPROVE = "staff/portal/application/<int:number>/approve/"


def changed(client: Client, world: World, route: str, line: str) -> dict[str, tuple[str, str]]:
    """Column → the word that stands in the table, and the one that is true now."""
    ASKED.get(route, Asked()).before(world)
    cells = EXPECTED[route][line]
    found = {visitor: knock(client, ADDRESSES[route], line, visitor, world).word for visitor in cells}
    return {visitor: (cells[visitor], word) for visitor, word in found.items() if word != cells[visitor]}


def test_it_sees_nothing_while_every_door_is_in_its_place(client: Client, world: World) -> None:
    assert changed(client, world, DASHBOARD, "GET") == {}
    assert changed(client, world, REJECT, "POST") == {}


def test_it_sees_that_nobody_asks_for_the_second_factor(world: World, client: Client) -> None:
    left = [name for name in settings.MIDDLEWARE if name != "portal.access.RequireMfa"]
    with override_settings(MIDDLEWARE=left):
        assert changed(Client(), world, DASHBOARD, "GET") == {
            "fin-": ("mfa", "200"),
            "own-": ("mfa", "200"),
            "rev-": ("mfa", "404"),
            "sup-": ("mfa", "404"),
            "old": ("login", "200"),
        }
        assert changed(Client(), world, REJECT, "POST") == {
            "fin-": ("mfa!", "403"),
            "own-": ("mfa!", "403"),
            "rev-": ("mfa!", "ok"),
            "sup-": ("mfa!", "ok"),
            "old": ("login", "403"),
        }


def test_it_sees_that_a_broker_is_shown_to_whoever_asks(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    seats = [
        access.Seat(code, "Broker", access.Role.VIEWER, has_others=False, may=frozenset(access.May))
        for code in (1400, 1800, 2000)
    ]
    monkeypatch.setattr(access, "seats_of", lambda _login: seats)

    seen = changed(client, world, DASHBOARD, "GET")

    assert seen.pop("look") == ("200*", "200")
    assert set(seen.values()) == {("404", "200")}
    staff = {"rev", "oper", "prep", "appr", "audit", "plain", "super", "rev~", "sup~"}
    assert set(seen) == {"strng", "appl", "asked", "other", "gone"} | staff


def test_it_sees_that_pages_of_staff_forget_the_role_and_that_the_acts_do_not(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two lines of defence: with the doors open for all staff, the act itself still refuses."""
    monkeypatch.setattr(window, "acts_of", lambda login: set(Act) if login.is_staff else set())

    assert changed(client, world, REJECT, "GET") == dict.fromkeys(
        ("oper", "look", "prep", "appr", "audit", "plain"), ("403", "200")
    )
    assert changed(client, world, REJECT, "POST") == {}
    assert changed(client, world, APPROVE, "POST") == {}


def test_it_sees_an_address_that_has_no_row() -> None:
    class More:
        urlpatterns = [*urls.urlpatterns, path("brokers/<int:code>/secrets/", home.home, name="secrets")]

    found: dict[str, Any] = {each.route: each for each in addresses(More)}

    assert without_row(found, EXPECTED) == [
        "/brokers/<int:code>/secrets/ GET",
        "/brokers/<int:code>/secrets/ POST",
    ]
