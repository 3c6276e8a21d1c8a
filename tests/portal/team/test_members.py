"""Members change roles, are removed and leave; the last owner stays; who is gone finds nothing."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from payouts.desk import account_change
from payouts.exchange.port import Account
from payouts.models import Broker
from portal.team import colleagues, members
from portal.team.models import Activity, Invitation, Membership
from tests import make
from tests.portal.page_text import links_of, text_of
from tests.portal.staff.browsing import at
from tests.portal.team.colleagues import TEAM, altair, errors, letters, of, seat
from tests.portal.team.conftest import NOW, person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(db: None) -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def _team(clock: Any) -> None:
    altair()


def roles() -> dict[str, str]:
    return dict(Membership.objects.filter(broker_id=1400).values_list("login__email", "role"))


def prove_with_the_app(client: Client) -> None:
    """As the owner, whose password alone does not do for acts on owners."""
    code = make.totp_code(seat("owner@altair.example").login, NOW)
    assert client.post("/accounts/2fa/reauthenticate/?next=/", {"code": code}).status_code == 302


def test_an_owner_changes_a_role_and_the_member_gets_a_letter() -> None:
    number = seat("viewer@altair.example").pk
    client = of("viewer")
    assert client.get("/brokers/1400/activity/").status_code == 403

    done = of("owner").post(f"{TEAM}members/{number}/role/", {"role": "finance"})

    assert (done.status_code, done.headers["Location"]) == (302, TEAM)
    assert roles()["viewer@altair.example"] == "finance"
    assert letters("role_changed") == [
        (
            "viewer@altair.example",
            {
                "broker": "Altair Terminal",
                "code": 1400,
                "before": "viewer",
                "role": "finance",
                "by": "owner@altair.example",
                "at": "2026-11-22T12:00:00+00:00",
            },
        )
    ]
    assert Activity.objects.values_list("kind", "about", "by__email").get() == (
        "role changed",
        "viewer@altair.example: viewer → finance",
        "owner@altair.example",
    )
    # The next request is one of a finance member, who needs a second factor first.
    assert client.get("/brokers/1400/activity/").headers["Location"] == "/accounts/2fa/"


@pytest.mark.parametrize("act", ["role", "remove"])
def test_against_an_owner_it_takes_the_second_factor_and_not_only_the_password(act: str) -> None:
    """A thief with a password could else send away those who would stop a change of the account."""
    other = make.membership(make.login(email="zoe@altair.example"), seat("owner@altair.example").broker)
    address = f"{TEAM}members/{other.pk}/{act}/"
    client = of("owner")

    for answer in (client.get(address), client.post(address, {"role": "viewer"})):
        assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (
            302,
            "/accounts/2fa/reauthenticate/",
        )
    assert roles()["zoe@altair.example"] == "owner"

    prove_with_the_app(client)
    assert client.get(address).status_code == 200
    assert client.post(address, {"role": "viewer"}).headers["Location"] == TEAM
    assert roles().get("zoe@altair.example") == ("viewer" if act == "role" else None)


def test_the_same_role_again_is_no_change() -> None:
    page = of("owner").post(f"{TEAM}members/{seat('viewer@altair.example').pk}/role/", {"role": "viewer"})

    assert (page.status_code, errors(page)) == (
        409,
        "viewer@altair.example is viewer already: choose another role.",
    )
    assert letters("role_changed") == []


def test_an_owner_removes_a_member_who_finds_nothing_at_its_next_request() -> None:
    removed = seat("viewer@altair.example")
    make.membership(removed.login, make.broker(code=1500, name="Borealis"), role="viewer")
    session = of("viewer")
    assert session.get(TEAM).status_code == 200

    done = of("owner").post(f"{TEAM}members/{removed.pk}/remove/")

    assert done.status_code == 302
    assert "viewer@altair.example" not in roles()
    for path in ("", "statements/", "statements/2026-10.csv", "team/", "team/leave/", "activity/"):
        assert session.get(f"/brokers/1400/{path}").status_code == 404
    assert session.post(f"{TEAM}leave/").status_code == 404
    assert session.get("/brokers/1500/").status_code == 200
    assert letters("member_removed") == [
        (
            "viewer@altair.example",
            {
                "broker": "Altair Terminal",
                "by": "owner@altair.example",
                "at": "2026-11-22T12:00:00+00:00",
            },
        )
    ]
    assert Activity.objects.values_list("kind", "about").get() == (
        "removed",
        "viewer@altair.example (viewer)",
    )


@pytest.mark.parametrize("role", ["finance", "developer", "viewer"])
def test_any_member_leaves_by_a_page_that_says_what_it_means(role: str) -> None:
    client = of(role, proven=False)
    page = client.get(f"{TEAM}leave/")
    assert "Your login finds nothing of Altair Terminal here any more" in text_of(page)
    assert f"{role}@altair.example" in roles()

    done = client.post(f"{TEAM}leave/")

    assert (done.status_code, done.headers["Location"]) == (302, "/brokers/")
    assert f"{role}@altair.example" not in roles()
    assert client.get("/brokers/1400/").status_code == 404
    assert Activity.objects.values_list("kind", "about", "by__email").get() == (
        "left",
        role,
        f"{role}@altair.example",
    )


LAST = "owner@altair.example is the last owner of Altair Terminal (1400): make somebody else an owner first."


def test_the_last_owner_neither_leaves_nor_is_demoted_and_is_told_what_to_do() -> None:
    client, number = of("owner"), seat("owner@altair.example").pk
    prove_with_the_app(client)

    leaves = client.post(f"{TEAM}leave/")
    demoted = client.post(f"{TEAM}members/{number}/role/", {"role": "viewer"})
    removed = client.post(f"{TEAM}members/{number}/remove/")

    assert [(page.status_code, errors(page)) for page in (leaves, demoted, removed)] == [
        (409, LAST),
        (409, LAST),
        (409, "This is you: leave the team instead."),
    ]
    assert roles()["owner@altair.example"] == "owner"
    assert not Activity.objects.exists()


def test_an_owner_who_is_switched_off_is_no_owner_to_rely_on() -> None:
    broker = seat("owner@altair.example").broker
    off = make.membership(make.login(email="off@altair.example"), broker)
    type(off.login).objects.filter(pk=off.login_id).update(is_active=False)

    page = of("owner").post(f"{TEAM}leave/")

    assert (page.status_code, errors(page)) == (409, LAST)
    # The switched off one may be removed all the same.
    client = of("owner")
    prove_with_the_app(client)
    assert client.post(f"{TEAM}members/{off.pk}/remove/").headers["Location"] == TEAM
    assert "off@altair.example" not in roles()


def test_with_a_second_owner_the_first_may_go() -> None:
    second = seat("finance@altair.example").pk
    client = of("owner")
    client.post(f"{TEAM}members/{second}/role/", {"role": "owner"})

    assert client.post(f"{TEAM}leave/").status_code == 302
    assert [email for email, role in roles().items() if role == "owner"] == ["finance@altair.example"]


def test_the_database_keeps_an_owner_whatever_the_code_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = seat("owner@altair.example")
    for undo in (
        lambda: owner.delete(),
        lambda: Membership.objects.filter(pk=owner.pk).update(role="viewer"),
    ):
        with (
            pytest.raises(IntegrityError, match="the last owner of a broker stays its owner"),
            transaction.atomic(),
        ):
            undo()
    owner.refresh_from_db()
    monkeypatch.setattr(members, "_must_not_be_the_last_owner", lambda member: None)
    with pytest.raises(members.LastOwner, match="make somebody else an owner first"):
        members.leave(broker_code=1400, by=owner.login, now=NOW)
    with pytest.raises(members.LastOwner):
        members.change_role(broker_code=1400, member_id=owner.pk, role="viewer", by=owner.login, now=NOW)
    assert roles()["owner@altair.example"] == "owner"


@pytest.mark.parametrize("way", ["leaves", "is removed", "is demoted"])
def test_who_goes_takes_its_open_invitations_along(way: str) -> None:
    second = make.membership(make.login(email="zoe@altair.example"), seat("owner@altair.example").broker)
    colleagues.invite(broker_code=1400, email="nora@altair.example", role="owner", by=second.login, now=NOW)
    owner = seat("owner@altair.example").login
    act = {"broker_code": 1400, "now": NOW + timedelta(minutes=1)}

    if way == "leaves":
        members.leave(by=second.login, **act)
    elif way == "is removed":
        members.remove(member_id=second.pk, by=owner, **act)
    else:
        members.change_role(member_id=second.pk, role="finance", by=owner, **act)

    assert Invitation.objects.get().state == "withdrawn"


# -- another broker's -------------------------------------------------------------------------


def test_the_owner_of_one_broker_touches_nobody_of_another() -> None:
    other = make.broker(code=1500, name="Borealis")
    boss = make.membership(make.login(email="boss@borealis.example"), other)
    member = make.membership(person("bob@borealis.example"), other, role="viewer")
    invitation = colleagues.invite(
        broker_code=1500, email="nora@borealis.example", role="viewer", by=boss.login, now=NOW
    )
    client = of("owner")

    for code in (1400, 1500):
        team = f"/brokers/{code}/team/"
        for path in (
            f"{team}members/{member.pk}/role/",
            f"{team}members/{member.pk}/remove/",
            f"{team}invitations/{invitation.pk}/again/",
            f"{team}invitations/{invitation.pk}/withdraw/",
        ):
            assert client.get(path).status_code == 404
            assert client.post(path, {"role": "owner"}).status_code == 404
    for number in (0, 2**31, 2**63, 10**30):
        assert client.get(f"{TEAM}members/{number}/role/").status_code == 404
        assert client.post(f"{TEAM}invitations/{number}/withdraw/").status_code == 404
    member.refresh_from_db()
    invitation.refresh_from_db()
    assert (member.role, invitation.state) == ("viewer", "open")
    with pytest.raises(members.NoSuchMember):
        members.remove(broker_code=1400, member_id=member.pk, by=seat("owner@altair.example").login, now=NOW)


def test_fields_that_the_page_does_not_have_change_no_role() -> None:
    number = seat("viewer@altair.example").pk
    more = {"login": "1", "broker": "1500", "member": str(seat("owner@altair.example").pk), "joined_at": ""}

    of("owner").post(f"{TEAM}members/{number}/role/", {"role": "developer"} | more)

    assert roles() == {
        "owner@altair.example": "owner",
        "finance@altair.example": "finance",
        "developer@altair.example": "developer",
        "viewer@altair.example": "developer",
    }


def test_nobody_gives_oneself_a_role_by_a_forged_post() -> None:
    for role in ("finance", "developer", "viewer"):
        own = seat(f"{role}@altair.example")
        assert of(role).post(f"{TEAM}members/{own.pk}/role/", {"role": "owner"}).status_code == 403
        with pytest.raises(members.guards.NotYourTeam):
            members.change_role(broker_code=1400, member_id=own.pk, role="owner", by=own.login, now=NOW)
    assert roles()["finance@altair.example"] == "finance"


def test_a_post_from_another_site_is_refused() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(seat("viewer@altair.example").login)

    assert client.post(f"{TEAM}leave/").status_code == 403
    assert "viewer@altair.example" in roles()


# -- several brokers --------------------------------------------------------------------------


def test_a_login_of_several_brokers_changes_between_them_in_the_header_and_on_a_page() -> None:
    login = seat("viewer@altair.example").login
    borealis = make.broker(code=1500, name="Borealis")
    make.membership(login, borealis, role="developer")
    make.suspended(borealis, NOW)
    client = at(login)

    page = client.get(TEAM)
    assert "/brokers/1500/" in links_of(page)
    assert "/brokers/" in links_of(page)
    text = text_of(client.get("/brokers/"))
    assert "Altair Terminal Code 1400 viewer active Borealis Code 1500 developer suspended" in text
    assert "/brokers/1500/" not in links_of(of("developer").get(TEAM))


def test_the_list_of_brokers_costs_the_same_for_any_number() -> None:
    login = seat("viewer@altair.example").login
    for number in range(12):
        make.membership(login, make.broker(code=3000 + number), role="viewer")
    client = at(login)
    client.get("/brokers/")

    with CaptureQueriesContext(connection) as many:
        client.get("/brokers/")
    Membership.objects.filter(login=login, broker_id__gte=3001).delete()
    with CaptureQueriesContext(connection) as few:
        client.get("/brokers/")
    assert len(many) == len(few)


@pytest.mark.parametrize("way", ["removed", "made a viewer", "left"])
def test_what_an_owner_asked_for_about_the_account_goes_with_the_owner(way: str) -> None:
    """Who took over a login and is thrown out must not get the payouts three days later."""
    thief = make.login(email="thief@altair.example")
    member = make.membership(thief, Broker.objects.get(code=1400), role="owner")
    asked = account_change.ask(
        broker_code=1400,
        new_account_id="BP-900001",
        account=Account("BP-900001", is_business=True, is_affiliate=False),
        by=thief.pk,
        address="203.0.113.9",
        now=NOW,
    )
    owner = seat("owner@altair.example").login

    if way == "removed":
        members.remove(broker_code=1400, member_id=member.pk, by=owner, now=NOW)
    elif way == "left":
        members.leave(broker_code=1400, by=thief, now=NOW)
    else:
        members.change_role(broker_code=1400, member_id=member.pk, role="viewer", by=owner, now=NOW)

    asked.refresh_from_db()
    assert (asked.state, asked.ended_why) == (
        "cancelled",
        "Whoever asked for it is no owner of the broker any more.",
    )
    assert asked.ended_by == (thief if way == "left" else owner)


def test_nobody_sends_away_an_owner_who_could_still_stop_a_change_of_account() -> None:
    thief = make.login(email="thief@altair.example")
    make.membership(thief, Broker.objects.get(code=1400), role="owner")
    asked = account_change.ask(
        broker_code=1400,
        new_account_id="BP-900001",
        account=Account("BP-900001", is_business=True, is_affiliate=False),
        by=thief.pk,
        address="203.0.113.9",
        now=NOW,
    )
    owner = seat("owner@altair.example")

    with pytest.raises(members.ChangeUnderWay):
        members.remove(broker_code=1400, member_id=owner.pk, by=thief, now=NOW)
    with pytest.raises(members.ChangeUnderWay):
        members.change_role(broker_code=1400, member_id=owner.pk, role="viewer", by=thief, now=NOW)
    assert roles()["owner@altair.example"] == "owner"

    account_change.cancel(reference=asked.reference, by=owner.login_id, why="not ours", now=NOW)
    members.remove(broker_code=1400, member_id=owner.pk, by=thief, now=NOW)
    assert "owner@altair.example" not in roles()
