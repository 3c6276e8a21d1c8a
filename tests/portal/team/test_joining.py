"""Colleagues take an invitation up: who, once, while who sent it may invite, while the broker stands."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from portal.team import colleagues, links, queries
from portal.team.actions import AlreadyMember
from portal.team.models import Activity, Invitation, Membership
from tests import make
from tests.exchange import AnsweringExchange
from tests.portal.page_text import text_of
from tests.portal.staff.browsing import at
from tests.portal.team.colleagues import TEAM, altair, errors, letters, link_of, of, refusal, seat
from tests.portal.team.conftest import NOW, person, staff

pytestmark = pytest.mark.django_db
NORA = "nora@altair.example"


@pytest.fixture(autouse=True)
def clock(db: None) -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def _team(clock: Any) -> None:
    altair()


def owner() -> Any:
    return seat("owner@altair.example").login


def invite(email: str = NORA, role: str = "finance", **changed: Any) -> Invitation:
    usual: dict[str, Any] = {"broker_code": 1400, "by": owner(), "now": NOW}
    return colleagues.invite(email=email, role=role, **(usual | changed))


def nora(**fields: Any) -> Client:
    return at(person(NORA, **fields))


def log() -> list[tuple[str, str, str]]:
    return list(Activity.objects.order_by("pk").values_list("kind", "about", "by__email"))


# -- accepting --------------------------------------------------------------------------------


def test_a_colleague_only_says_yes_and_nobody_asks_the_exchange(exchange: AnsweringExchange) -> None:
    second = make.membership(person("zoe@altair.example"), seat("owner@altair.example").broker)
    invite(role="developer")
    client, link = nora(), link_of()

    page = client.get(link)
    text = text_of(page)
    assert "Join the team of Altair Terminal" in text
    for fact in ("1400", "developer", "owner@altair.example", "2026-11-29 12:00 UTC", "see the team"):
        assert fact in text
    for not_theirs in ("BP-1400", "see and download statements", "Affiliate"):
        assert not_theirs not in text
    done = client.post(link, {"role": "owner", "broker": "1500"})

    assert (done.status_code, done.headers["Location"]) == (302, "/brokers/1400/")
    assert seat(NORA).role == "developer"
    assert exchange.asked == []
    found = Invitation.objects.get()
    assert (found.state, found.accepted_by.email, found.terms_version) == ("accepted", NORA, "")  # type: ignore[union-attr]  # it was accepted
    assert letters("member_joined") == [
        (
            email,
            {
                "member": NORA,
                "role": "developer",
                "broker": "Altair Terminal",
                "code": 1400,
                "at": "2026-11-22T12:00:00+00:00",
            },
        )
        for email in ("owner@altair.example", second.login.email)
    ]
    assert log()[-1] == ("joined", "developer", NORA)
    assert client.get("/brokers/1400/").status_code == 200
    again = client.post(link)
    assert (again.status_code, "You have accepted this invitation" in text_of(again)) == (410, True)


def test_only_the_login_with_the_address_sees_and_accepts_it() -> None:
    invite()
    link = link_of()
    for client in (at(person("eve@example.com")), nora(verified=False), of("viewer"), of("owner")):
        for answer in (client.get(link), client.post(link)):
            assert answer.status_code == 403
            assert "This invitation is for another address" in text_of(answer)
            assert "Altair" not in text_of(answer)
    visitor = Client().post(link)
    assert "Log in with that address" in text_of(visitor)
    assert Membership.objects.count() == 4


def test_a_forged_link_opens_nothing() -> None:
    first, second = invite(), invite("oleg@altair.example", role="owner")
    signature = links.token_of(first).partition("-")[2]

    assert nora().post(f"/invitations/{second.pk}-{signature}/").status_code == 404


def test_a_member_is_never_a_member_twice_by_another_address_of_its() -> None:
    from allauth.account.models import EmailAddress

    login = seat("viewer@altair.example").login
    EmailAddress.objects.create(user=login, email=NORA, verified=True, primary=False)
    invite(role="owner")

    page = at(login).post(link_of())

    assert page.status_code == 409
    assert "Your login is in this team already: there is nothing to accept." in text_of(page)
    assert seat("viewer@altair.example").role == "viewer"
    assert Membership.objects.count() == 4


def test_staff_of_the_exchange_join_no_broker() -> None:
    invite("rita@exchange.example")
    client = at(staff())
    link = link_of("rita@exchange.example")

    for answer in (client.get(link), client.post(link)):
        assert answer.status_code == 403
        assert "A login of the exchange's staff does not join a broker's team" in text_of(answer)
    assert Membership.objects.count() == 4


@pytest.mark.parametrize("undone", ["demoted", "removed", "switched off"])
def test_it_holds_no_longer_when_who_sent_it_may_not_invite_any_more(undone: str) -> None:
    zoe = make.membership(person("zoe@altair.example"), seat("owner@altair.example").broker)
    invite(by=zoe.login)
    link = link_of()

    if undone == "demoted":  # by hand, past the act that also withdraws
        Membership.objects.filter(pk=zoe.pk).update(role="viewer")
    elif undone == "removed":
        Membership.objects.filter(pk=zoe.pk).delete()
    else:
        type(zoe.login).objects.filter(pk=zoe.login.pk).update(is_active=False)

    for who in (nora(), Client()):
        for answer in (who.get(link), who.post(link)):
            assert answer.status_code == 410
            assert "may not invite any more: ask an owner of the broker" in text_of(answer)
    assert not Membership.objects.filter(login__email=NORA).exists()


def test_an_invitation_of_a_lost_owner_is_never_taken_for_one_of_the_exchange(
    exchange: AnsweringExchange,
) -> None:
    """Who took a team over and was switched off leaves no way back in as its "first" owner."""
    exchange.accounts.tell("BP-1400")
    invite(role="owner")
    link = link_of()
    type(owner()).objects.filter(email="owner@altair.example").update(is_active=False)
    everything = {"is_no_affiliate": "on", "accepts_terms": "on", "terms_version": "2025-09"}

    assert nora().post(link, everything).status_code == 410
    assert not queries.has_owner(1400)


def test_withdrawn_or_ran_out_it_opens_nothing(clock: Any) -> None:
    invitation = invite()
    link = link_of()
    client = nora()
    clock.move_to(NOW + timedelta(days=7))
    late = client.post(link)
    clock.move_to(NOW)
    of("owner").post(f"{TEAM}invitations/{invitation.pk}/withdraw/")
    withdrawn = client.post(link)

    assert (late.status_code, withdrawn.status_code) == (410, 410)
    assert (
        "This invitation was open until 2026-11-29 12:00 UTC: ask whoever invited you for a new one."
        in text_of(late)
    )
    assert log()[-1] == ("invitation withdrawn", "nora@altair.example as finance", "owner@altair.example")
    assert Membership.objects.count() == 4


# -- suspended and terminated -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "says"),
    [
        (
            "suspended",
            "The broker is suspended: until that is lifted nobody is invited, joins or changes roles.",
        ),
        ("terminated", "The broker was terminated: nobody is invited, joins or changes roles any more."),
    ],
)
def test_while_it_is_stopped_a_team_only_shrinks(how: str, says: str, clock: Any) -> None:
    invitation = invite()
    link, other = link_of(), seat("viewer@altair.example").pk
    clock.shift(600)
    getattr(make, how)(seat("owner@altair.example").broker, NOW + timedelta(minutes=10))
    client, joiner = at(owner(), proven=True), nora()

    for path, data in (
        ("invite/", {"email": "new@altair.example", "role": "viewer"}),
        (f"members/{other}/role/", {"role": "finance"}),
        (f"invitations/{invitation.pk}/again/", {}),
    ):
        page = client.post(f"{TEAM}{path}", data)
        assert (page.status_code, errors(page)) == (409, says)
    page = joiner.post(link)
    assert (page.status_code, refusal(page)) == (409, says)

    assert client.get(TEAM).status_code == 200
    assert client.post(f"{TEAM}invitations/{invitation.pk}/withdraw/").status_code == 302
    assert client.post(f"{TEAM}members/{other}/remove/").status_code == 302
    assert of("developer").post(f"{TEAM}leave/").status_code == 302
    assert sorted(Membership.objects.values_list("role", flat=True)) == ["finance", "owner"]


def test_the_exchange_neither_sends_a_members_invitation_nor_is_hindered_by_it() -> None:
    from portal.team import first_owner

    invitation = invite()
    rita = staff()
    with pytest.raises(first_owner.ByAMember):
        first_owner.send_invitation_again(
            invitation_id=invitation.pk, by=rita, now=NOW + timedelta(minutes=5)
        )
    type(owner()).objects.filter(email="owner@altair.example").update(is_active=False)
    first_owner.invite_owner(broker_code=1400, email="boss@altair.example", by=rita, now=NOW)

    assert list(Invitation.objects.order_by("pk").values_list("email", "state")) == [
        (NORA, "withdrawn"),
        ("boss@altair.example", "open"),
    ]


def test_the_action_itself_asks_again_so_that_no_door_can_forget() -> None:
    from portal.team import guards

    for role in ("finance", "developer", "viewer"):
        with pytest.raises(guards.NotYourTeam):
            invite(by=seat(f"{role}@altair.example").login)
    with pytest.raises(guards.NotYourTeam):
        invite(by=person("eve@example.com"))
    with pytest.raises(AlreadyMember):
        invite("viewer@altair.example")
