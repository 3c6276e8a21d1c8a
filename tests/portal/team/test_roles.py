"""What each role may: the table in code, the table on the page, and every page and act by it."""

from typing import Any

import pytest
import time_machine
from django.test import Client

from portal.letters.models import Letter
from portal.team.models import Activity, Invitation, Membership, Role
from portal.team.roles import LOOK, ROLES, May
from tests import make
from tests.portal.page_text import links_of, text_of
from tests.portal.staff.browsing import at
from tests.portal.team.colleagues import TEAM, altair, of, seat
from tests.portal.team.conftest import NOW, person, staff

pytestmark = pytest.mark.django_db
YES, NO = 200, 403


@pytest.fixture(autouse=True)
def clock(db: None) -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def _team(clock: Any) -> None:
    broker = altair()
    make.membership(person("other@altair.example"), broker, role="viewer")
    of("owner").post(f"{TEAM}invite/", {"email": "nora@altair.example", "role": "viewer"})


#: What it is → owner, finance, developer, viewer. By hand, as the program's table says it.
PAGES: dict[str, tuple[int, int, int, int]] = {
    "/brokers/1400/": (YES, YES, YES, YES),
    "/brokers/1400/statements/": (YES, YES, NO, YES),
    "/brokers/1400/statements/2026-11.json": (YES, YES, NO, YES),
    "/brokers/1400/statements/2026-11.csv": (YES, YES, NO, YES),
    "/brokers/1400/team/": (YES, YES, YES, YES),
    "/brokers/1400/team/leave/": (YES, YES, YES, YES),
    "/brokers/1400/activity/": (YES, YES, NO, NO),
    "/brokers/1400/standing/": (YES, YES, YES, YES),
    "/brokers/1400/account/": (YES, YES, NO, NO),
    "/brokers/1400/team/invite/": (YES, NO, NO, NO),
    "/brokers/1400/team/members/OTHER/role/": (YES, NO, NO, NO),
    "/brokers/1400/team/members/OTHER/remove/": (YES, NO, NO, NO),
    "/brokers/1400/team/invitations/NORA/again/": (YES, NO, NO, NO),
    "/brokers/1400/team/invitations/NORA/withdraw/": (YES, NO, NO, NO),
}
ACTS: dict[str, dict[str, str]] = {
    "/brokers/1400/team/invite/": {"email": "new@altair.example", "role": "viewer"},
    "/brokers/1400/team/members/OTHER/role/": {"role": "finance"},
    "/brokers/1400/team/members/OTHER/remove/": {},
    "/brokers/1400/team/invitations/NORA/again/": {},
    "/brokers/1400/team/invitations/NORA/withdraw/": {},
}
CASES = [
    (path, role, expected)
    for path, by_role in PAGES.items()
    for role, expected in zip(("owner", "finance", "developer", "viewer"), by_role, strict=True)
]


def real(path: str) -> str:
    path = path.replace("OTHER", str(seat("other@altair.example").pk))
    return path.replace("NORA", str(Invitation.objects.get().pk))


@pytest.mark.parametrize(("path", "role", "expected"), CASES)
def test_each_role_sees_the_pages_of_its_row_and_no_other(path: str, role: str, expected: int) -> None:
    assert of(role).get(real(path)).status_code == expected


@pytest.mark.parametrize("role", ["finance", "developer", "viewer"])
@pytest.mark.parametrize("path", list(ACTS))
def test_a_forged_post_of_a_lower_role_changes_nothing(path: str, role: str) -> None:
    before = standing_of_the_team()

    assert of(role).post(real(path), ACTS[path]).status_code == 403

    assert standing_of_the_team() == before


def standing_of_the_team() -> tuple[Any, ...]:
    return (
        list(Membership.objects.order_by("pk").values_list("login__email", "role")),
        list(Invitation.objects.order_by("pk").values_list("email", "role", "state")),
        Letter.objects.count(),
        Activity.objects.count(),
    )


@pytest.mark.parametrize("path", list(ACTS))
def test_an_owner_does_each_act(path: str, clock: Any) -> None:
    clock.shift(600)
    owner = at(seat("owner@altair.example").login, proven=True)
    before = standing_of_the_team()

    done = owner.post(real(path), ACTS[path])

    assert (done.status_code, done.headers["Location"]) == (302, "/brokers/1400/team/")
    assert standing_of_the_team() != before


@pytest.mark.parametrize("path", list(PAGES))
def test_strangers_staff_and_nobody_find_nothing(path: str) -> None:
    path = real(path)
    stranger = at(make.membership(person("eve@example.com"), make.broker(code=1500)).login, proven=True)
    for client in (stranger, at(staff(), proven=True), at(person("nil@example.com"), proven=True)):
        assert client.get(path).status_code == 404
        assert client.head(path).status_code == 404
        assert client.post(path, {"role": "owner"}).status_code in (404, 405)
    assert Client().get(path).headers["Location"].startswith("/accounts/login/?next=")


def test_the_page_of_the_team_shows_the_table_that_acts_ask() -> None:
    text = text_of(of("viewer").get(TEAM))

    assert (
        "owner finance developer viewer"
        " see volume, tier and payout so far yes yes yes yes"
        " see and download statements yes yes no yes"
        " see the standing, its reasons and the appeal yes yes yes yes"
        " see the team yes yes yes yes"
        " see the exchange account and its changes yes yes no no"
        " see who did what yes yes no no"
        " invite members, change their roles and remove them yes no no no"
        " appeal, and answer in an appeal yes no no no"
        " change the exchange account, and cancel a change yes no no no"
    ) in text


def test_the_table_knows_every_role_and_lookers_may_only_see() -> None:
    assert list(ROLES) == [role.value for role in Role]
    assert {
        May.SEE_DASHBOARD,
        May.SEE_STATEMENTS,
        May.SEE_STANDING,
        May.SEE_TEAM,
        May.SEE_ACCOUNT,
        May.SEE_ACTIVITY,
    } == LOOK


@pytest.mark.parametrize(
    ("role", "sees", "sees_not"),
    [
        ("owner", ["statements", "team", "account", "standing", "activity"], []),
        ("finance", ["statements", "team", "account", "standing", "activity"], []),
        ("developer", ["team", "standing"], ["statements", "account", "activity"]),
        ("viewer", ["statements", "team", "standing"], ["account", "activity"]),
    ],
)
def test_the_header_links_only_what_the_role_may_see(role: str, sees: list[str], sees_not: list[str]) -> None:
    found = links_of(of(role).get(TEAM))

    for name in sees:
        assert f"/brokers/1400/{name}/" in found
    for name in sees_not:
        assert f"/brokers/1400/{name}/" not in found


@pytest.mark.parametrize("role", ["finance", "developer", "viewer"])
def test_who_may_not_act_sees_no_button(role: str) -> None:
    found = [link for link in links_of(of(role).get(TEAM)) if link.startswith(TEAM) and link != TEAM]

    assert found == [f"{TEAM}leave/"]
