"""Brokers on the staff site: who has an owner, who is invited, and the buttons that ask an owner in."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from portal.accounts.staff_roles import StaffRole
from portal.letters.models import Letter
from portal.team import first_owner
from portal.team.models import Invitation
from tests import make
from tests.portal.page_text import links_of, text_of
from tests.portal.staff.browsing import at
from tests.portal.staff.make_review import staff

pytestmark = pytest.mark.django_db
NOW = make.NOW
LIST, PAGE, INVITE = "/staff/payouts/broker/", "/staff/payouts/broker/1400/change/", "1400/invite/"


@pytest.fixture(autouse=True)
def clock(db: None) -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def _brokers(clock: Any) -> None:
    make.broker(code=1400, name="Altair Terminal", account_id="BP-1400")
    make.membership(make.login(email="zoe@example.com"), make.broker(code=1500, name="Zebra"))


def of(role: str, **fields: Any) -> Client:
    return at(staff(role, **fields), proven=True)


def invite(client: Client, email: str = "olga@example.com", code: int = 1400) -> Any:
    return client.post(f"{LIST}{code}/invite/", {"email": email})


def test_the_list_says_who_has_an_owner_and_who_is_invited() -> None:
    reviewer = of("reviewer")
    invite(reviewer)

    text = text_of(reviewer.get(LIST))

    for fact in ("1400", "Altair Terminal", "BP-1400", "olga@example.com", "1500", "Zebra", "active"):
        assert fact in text
    without = text_of(reviewer.get(f"{LIST}?owner=none"))
    assert "Altair Terminal" in without
    assert "Zebra" not in without
    assert "Zebra" in text_of(reviewer.get(f"{LIST}?owner=some"))
    assert "Zebra" in text_of(reviewer.get(f"{LIST}?q=1500"))


def test_the_list_costs_the_same_for_any_number_of_brokers(django_assert_max_num_queries: Any) -> None:
    for number in range(30):
        make.broker(code=3000 + number)
    reviewer = of("reviewer")

    with django_assert_max_num_queries(16):
        assert reviewer.get(LIST).status_code == 200


def test_the_first_owner_is_asked_in_by_a_page_that_says_what_will_happen() -> None:
    reviewer = of("reviewer")
    assert f"{LIST}{INVITE}" in links_of(reviewer.get(PAGE))

    asked = text_of(reviewer.get(f"{LIST}{INVITE}"))
    assert "The address gets a letter with a link that works for 14 days, for that address alone." in asked
    assert not Invitation.objects.exists()

    done = invite(reviewer)
    assert (done.status_code, done.headers["Location"]) == (302, PAGE)
    text = text_of(reviewer.get(PAGE))
    assert "olga@example.com owner open 2026-11-22 12:00 UTC by reviewer@exchange.example" in text
    assert f"{LIST}{INVITE}" not in links_of(reviewer.get(PAGE))
    assert Letter.objects.get().to == "olga@example.com"


def test_a_refusal_is_told_on_the_page_and_what_was_written_stays() -> None:
    reviewer = of("reviewer")

    refused = invite(reviewer, "reviewer@exchange.example")
    wrong = invite(reviewer, "not an address")

    assert refused.status_code == 409
    assert "This is your own address" in text_of(refused)
    assert 'value="reviewer@exchange.example"' in refused.content.decode()
    assert wrong.status_code == 422
    assert not Invitation.objects.exists()


def test_a_letter_is_sent_again_and_an_invitation_withdrawn(clock: Any) -> None:
    operations = of("operations")
    invite(operations)
    number = Invitation.objects.get().pk
    clock.shift(timedelta(minutes=6))

    again = operations.post(f"{LIST}1400/invitations/{number}/again/")
    too_soon = operations.post(f"{LIST}1400/invitations/{number}/again/")
    withdrawn = operations.post(f"{LIST}1400/invitations/{number}/withdraw/")
    twice = operations.post(f"{LIST}1400/invitations/{number}/withdraw/")

    assert [each.status_code for each in (again, too_soon, withdrawn, twice)] == [302, 409, 302, 409]
    assert Letter.objects.count() == 2
    assert Invitation.objects.get().state == "withdrawn"
    assert "This invitation was withdrawn" in text_of(twice)


def test_looking_at_a_button_changes_nothing() -> None:
    reviewer = of("reviewer")
    invite(reviewer)
    number = Invitation.objects.get().pk

    for address in (INVITE, f"1400/invitations/{number}/again/", f"1400/invitations/{number}/withdraw/"):
        assert reviewer.get(f"{LIST}{address}").status_code == 200
        assert reviewer.head(f"{LIST}{address}").status_code == 200
        assert reviewer.put(f"{LIST}{address}").status_code == 405
    assert Invitation.objects.get().state == "open"
    assert Letter.objects.count() == 1


@pytest.mark.parametrize("role", ["finance preparer", "finance approver", "auditor"])
def test_other_roles_see_brokers_but_no_button_and_their_posts_are_refused(role: str) -> None:
    invite(of("reviewer"))
    number = Invitation.objects.get().pk
    other = of(role)

    page = other.get(PAGE)

    assert page.status_code == 200
    assert [link for link in links_of(page) if "/invit" in link] == []
    for address in (INVITE, f"1400/invitations/{number}/again/", f"1400/invitations/{number}/withdraw/"):
        assert other.get(f"{LIST}{address}").status_code == 403
        assert other.post(f"{LIST}{address}", {"email": "x@example.com"}).status_code == 403
    assert Invitation.objects.values_list("state", flat=True).get() == "open"


def test_staff_of_the_brokers_own_team_see_it_and_cannot_act() -> None:
    reviewer = staff("reviewer")
    make.membership(
        reviewer, make.broker(code=1400, name="Altair Terminal", account_id="BP-1400"), role="viewer"
    )
    client = at(reviewer, proven=True)

    page = client.get(PAGE)

    assert "You are a member of this broker's team" in text_of(page)
    assert [link for link in links_of(page) if "/invit" in link] == []
    assert invite(client).status_code == 403
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    "address",
    ["1999/change/", "99999999999999999999/change/", "x/change/", "1999/invite/", "999999999999/invite/"],
)
def test_a_broker_that_is_not_there_is_a_404(address: str) -> None:
    assert of("reviewer").get(f"{LIST}{address}").status_code in (302, 404)


def test_an_invitation_of_another_broker_is_not_there() -> None:
    reviewer = of("reviewer")
    invite(reviewer)
    number = Invitation.objects.get().pk

    assert reviewer.post(f"{LIST}1500/invitations/{number}/withdraw/").status_code == 404
    assert reviewer.post(f"{LIST}1400/invitations/{number + 1}/withdraw/").status_code == 404
    assert Invitation.objects.get().state == "open"


@pytest.mark.parametrize(
    "post", [{"_save": "1", "name": "Mine"}, {"action": "delete_selected", "index": "0"}]
)
def test_djangos_own_forms_change_no_broker(post: dict[str, str]) -> None:
    superuser = of("superuser")

    for address in (LIST, PAGE, f"{LIST}add/", f"{LIST}1400/delete/", f"{LIST}1400/history/"):
        assert superuser.post(address, post).status_code in (404, 405)
    assert make.broker(code=1400, name="Altair Terminal", account_id="BP-1400").name == "Altair Terminal"


def test_what_staff_read_is_shown_as_text() -> None:
    hostile = "<script>alert(1)</script>"
    make.broker(code=1600, name=hostile, account_id=hostile)
    reviewer = of("reviewer")

    for address in (LIST, f"{LIST}1600/change/", f"{LIST}1600/invite/"):
        assert hostile not in reviewer.get(address).content.decode()


@pytest.mark.parametrize("role", [*StaffRole, "superuser"])
def test_every_role_may_look_at_brokers(role: str) -> None:
    client = of(role)

    assert client.get(LIST).status_code == 200
    assert client.get(PAGE).status_code == 200


def test_recorded_changes_are_for_those_who_may_read_them() -> None:
    first_owner.invite_owner(broker_code=1400, email="olga@example.com", by=staff("operations"), now=NOW)

    assert "Recorded changes" in text_of(of("auditor").get(PAGE))
    assert "Recorded changes" not in text_of(of("finance preparer").get(PAGE))
