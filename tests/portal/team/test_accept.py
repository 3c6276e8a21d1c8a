"""The page behind an invitation's link: who sees what, what accepting takes, and what makes it impossible."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from payouts.exchange.eligibility import AFFILIATE
from payouts.exchange.port import Account
from portal.simulator.answering import AnsweringExchange
from portal.simulator.outages import Outage
from portal.team import first_owner, guards, links, queries
from portal.team.models import Invitation, Membership
from tests import make
from tests.portal.page_text import links_of, text_of
from tests.portal.team.conftest import NOW, imported, person, staff

pytestmark = pytest.mark.django_db
EVERYTHING = {"is_no_affiliate": "on", "accepts_terms": "on", "terms_version": "2025-09"}


@pytest.fixture(autouse=True)
def clock(db: None) -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def address() -> str:
    """The address of the page behind an open invitation of Olga to Altair Terminal."""
    imported()
    invitation = first_owner.invite_owner(broker_code=1400, email="olga@example.com", by=staff(), now=NOW)
    return f"/invitations/{links.token_of(invitation)}/"


def logged_in(login: Any) -> Client:
    client = Client()
    client.force_login(login)
    return client


def nothing_changed() -> bool:
    return not Membership.objects.exists() and Invitation.objects.get().state == "open"


# -- who sees what ----------------------------------------------------------------------------


def test_a_visitor_learns_what_it_is_and_comes_back_after_logging_in(address: str) -> None:
    page = Client().get(address)

    text = text_of(page)
    assert page.status_code == 200
    assert "You are invited to a broker's team" in text
    assert "o•••@example.com" in text
    assert f"/accounts/login/?next={address.replace('/', '%2F')}" in links_of(page)
    assert f"/accounts/signup/?next={address.replace('/', '%2F')}" in links_of(page)
    for secret in ("olga@example.com", "Altair Terminal", "1400", "BP-1400"):
        assert secret not in text


def test_the_login_it_is_for_sees_broker_account_role_and_terms(address: str) -> None:
    page = logged_in(person()).get(address)

    text = text_of(page)
    assert page.status_code == 200
    assert "Become the owner of Altair Terminal" in text
    for fact in ("1400", "BP-1400", "owner", "2026-12-06 12:00 UTC", "Version 2025-09."):
        assert fact in text
    assert AFFILIATE in text


def test_another_login_learns_only_that_it_is_for_another_address(address: str) -> None:
    page = logged_in(person("eve@example.com")).get(address)

    text = text_of(page)
    assert page.status_code == 403
    assert "This invitation is for another address" in text
    assert "o•••@example.com" in text
    for secret in ("olga@example.com", "Altair Terminal", "1400", "Backpack Exchange did"):
        assert secret not in text


def test_an_address_that_is_not_confirmed_is_not_owned(address: str) -> None:
    assert logged_in(person(verified=False)).get(address).status_code == 403
    assert nothing_changed()


def test_a_second_confirmed_address_of_a_login_will_do(address: str) -> None:
    from allauth.account.models import EmailAddress

    login = person("other@example.com")
    EmailAddress.objects.create(user=login, email="olga@example.com", verified=True, primary=False)

    assert logged_in(login).get(address).status_code == 200


def test_looking_changes_nothing_however_often(address: str, exchange: AnsweringExchange) -> None:
    client = logged_in(person())

    for _ in range(3):
        client.get(address)
        client.head(address)

    assert nothing_changed()
    assert exchange.asked == []


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
def test_other_methods_are_not_known(address: str, method: str) -> None:
    assert getattr(Client(), method)(address).status_code == 405


def test_the_page_is_kept_by_no_cache(address: str) -> None:
    for client in (Client(), logged_in(person())):
        assert "no-store" in client.get(address).headers["Cache-Control"]


@pytest.mark.parametrize("token", ["1-abc", "x", "1", "99999999999999999999999-x", "%00", "1-%00", "١-a"])
def test_a_forged_link_opens_nothing(address: str, token: str) -> None:
    for client in (Client(), logged_in(person())):
        page = client.get(f"/invitations/{token}/")
        assert page.status_code == 404
        assert "This link is not complete" in text_of(page)


def test_a_link_that_ran_out_or_was_withdrawn_says_so_and_whom_to_ask(address: str, clock: Any) -> None:
    clients = (Client(), logged_in(person()))
    clock.move_to(NOW + timedelta(days=14))
    for client in clients:
        page = client.get(address)
        assert page.status_code == 410
        assert (
            "This invitation was open until 2026-12-06 12:00 UTC: ask vip@backpack.exchange for a new one."
            in text_of(page)
        )
    first_owner.withdraw_invitation(
        invitation_id=Invitation.objects.get().pk, by=staff("b@exchange.example"), now=NOW
    )
    for client in clients:
        page = client.post(address, EVERYTHING)
        assert page.status_code == 410
        assert "This invitation was withdrawn" in text_of(page)


# -- accepting --------------------------------------------------------------------------------


def test_accepting_makes_an_owner_and_keeps_terms_time_and_address(
    address: str, exchange: AnsweringExchange
) -> None:
    exchange.accounts.tell("BP-1400")
    olga = person()

    client = logged_in(olga)
    done = client.post(address, EVERYTHING, REMOTE_ADDR="192.0.2.7")

    assert done.status_code == 302
    assert done.headers["Location"] == "/brokers/1400/"
    membership = Membership.objects.get()
    assert (membership.login, membership.broker_id, membership.role) == (olga, 1400, "owner")
    assert membership.joined_at == NOW
    invitation = Invitation.objects.get()
    assert (invitation.state, invitation.accepted_by, invitation.accepted_at) == ("accepted", olga, NOW)
    assert (invitation.terms_version, invitation.terms_address) == ("2025-09", "192.0.2.7")
    assert exchange.asked == ["BP-1400"]
    # An owner needs a second factor: the first thing to see is its set-up.
    assert client.get("/brokers/1400/").headers["Location"] == "/accounts/2fa/"


def test_used_once_it_leads_its_owner_home_and_nobody_else_anywhere(
    address: str, exchange: AnsweringExchange
) -> None:
    exchange.accounts.tell("BP-1400")
    login = person()
    make.totp(login)
    olga = logged_in(login)
    olga.post(address, EVERYTHING)

    again = olga.post(address, EVERYTHING)
    assert again.status_code == 410
    assert "You have accepted this invitation" in text_of(again)
    assert "/brokers/1400/" in links_of(again)

    for client in (Client(), logged_in(person("eve@example.com"))):
        page = client.get(address)
        assert page.status_code == 410
        assert "This invitation was used already" in text_of(page)
        assert "/brokers/1400/" not in links_of(page)
    assert Membership.objects.count() == 1


def test_a_visitor_who_posts_is_asked_to_log_in(address: str) -> None:
    page = Client().post(address, EVERYTHING)

    assert "Log in with that address" in text_of(page)
    assert nothing_changed()


def test_a_post_from_another_site_is_refused(address: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person())

    assert client.post(address, EVERYTHING).status_code == 403
    assert nothing_changed()


@pytest.mark.parametrize(
    ("left_out", "says"),
    [
        ("is_no_affiliate", "Tick this to declare it; an affiliate cannot join."),
        ("accepts_terms", "Tick this to accept the terms; without them nobody can join."),
    ],
)
def test_declaration_and_terms_are_both_needed_and_the_exchange_is_not_asked_before(
    address: str, exchange: AnsweringExchange, left_out: str, says: str
) -> None:
    page = logged_in(person()).post(address, EVERYTHING | {left_out: ""})

    assert page.status_code == 422
    assert says in text_of(page)
    assert 'aria-invalid="true"' in page.content.decode()
    assert nothing_changed()
    assert exchange.asked == []


def test_other_terms_than_those_on_the_page_are_not_accepted(
    address: str, exchange: AnsweringExchange
) -> None:
    exchange.accounts.tell("BP-1400")

    page = logged_in(person()).post(address, EVERYTHING | {"terms_version": "2020-01"})

    assert page.status_code == 409
    assert "The program's terms changed while this page was open" in text_of(page)
    assert 'name="terms_version" value="2025-09"' in page.content.decode()
    assert nothing_changed()


def test_fields_that_the_page_does_not_have_change_nothing(address: str, exchange: AnsweringExchange) -> None:
    exchange.accounts.tell("BP-1400")
    make.broker(code=1500, account_id="BP-1500")
    more = {"role": "finance", "broker": "1500", "broker_code": "1500", "login": "1", "account_id": "BP-1500"}

    logged_in(person()).post(address, EVERYTHING | more)

    assert Membership.objects.values_list("broker_id", "role").get() == (1400, "owner")
    assert exchange.asked == ["BP-1400"]


# -- what the exchange says -------------------------------------------------------------------


def test_an_affiliate_is_refused_in_the_programs_words(address: str, exchange: AnsweringExchange) -> None:
    exchange.accounts.tell("BP-1400", is_affiliate=True)

    page = logged_in(person()).post(address, EVERYTHING)

    assert page.status_code == 409
    assert text_of(page).count(AFFILIATE) == 2  # the declaration, and why it was refused
    assert nothing_changed()


def test_an_account_that_is_not_there_or_personal_is_refused(
    address: str, exchange: AnsweringExchange
) -> None:
    client = logged_in(person())
    exchange.accounts.forget("BP-1400")

    missing = client.post(address, EVERYTHING)
    exchange.accounts.tell("BP-1400", is_business=False)
    personal = client.post(address, EVERYTHING)

    assert "Backpack Exchange has no account with this id" in text_of(missing)
    assert "This is a personal account: open up a business account at Backpack Exchange" in text_of(personal)
    assert (missing.status_code, personal.status_code) == (409, 409)
    assert nothing_changed()


def test_an_outage_is_said_as_such_decides_nothing_and_passes(
    address: str, exchange: AnsweringExchange
) -> None:
    exchange.accounts.tell("BP-1400")
    exchange.outage = Outage.ERROR
    client = logged_in(person())

    page = client.post(address, EVERYTHING)

    assert page.status_code == 503
    assert "Backpack Exchange does not answer at the moment: nothing was decided" in text_of(page)
    assert page.content.decode().count("checked") == 2  # what was ticked stays ticked
    assert nothing_changed()

    exchange.outage = None
    assert client.post(address, EVERYTHING).status_code == 302


def test_an_exchange_that_is_not_configured_lets_nobody_in(address: str) -> None:
    page = logged_in(person()).post(address, EVERYTHING)

    assert page.status_code == 503
    assert nothing_changed()


# -- what may have happened in between --------------------------------------------------------


def take_up(login: Any, token: str, **changed: Any) -> Membership:
    usual: dict[str, Any] = {
        "account": Account("BP-1400", is_business=True, is_affiliate=False),
        "terms_version": "2025-09",
        "is_no_affiliate": True,
        "address": "192.0.2.7",
        "now": NOW,
    }
    return first_owner.accept(token=token, login=login, **(usual | changed))


@pytest.fixture
def token(address: str) -> str:
    return address.split("/")[2]


def test_the_action_itself_asks_for_everything_so_that_no_door_can_forget(token: str) -> None:
    olga = person()

    for changed, refusal in (
        ({"is_no_affiliate": False}, first_owner.NotDeclared),
        ({"terms_version": ""}, first_owner.TermsChanged),
        ({"account": Account("BP-9", is_business=True, is_affiliate=False)}, first_owner.AnotherAccount),
        ({"now": NOW + timedelta(days=14)}, queries.NoLongerOpen),
    ):
        with pytest.raises(refusal):
            take_up(olga, token, **changed)
    with pytest.raises(queries.AnotherAddress):
        take_up(person("eve@example.com"), token)
    with pytest.raises(links.BrokenLink):
        take_up(olga, token + "x")
    assert nothing_changed()


def test_withdrawn_while_the_exchange_was_asked_it_is_not_accepted(token: str) -> None:
    first_owner.withdraw_invitation(
        invitation_id=Invitation.objects.get().pk, by=staff("b@exchange.example"), now=NOW
    )

    with pytest.raises(queries.NoLongerOpen):
        take_up(person(), token)
    assert not Membership.objects.exists()


def test_a_broker_that_got_an_owner_or_was_terminated_meanwhile_gets_no_other(token: str) -> None:
    olga = person()
    owner = make.membership(person("first@example.com"), imported())
    with pytest.raises(first_owner.HasOwner):
        take_up(olga, token)
    type(owner.login).objects.filter(pk=owner.login_id).update(is_active=False)
    make.terminated(owner.broker, NOW)
    with pytest.raises(guards.OutOfProgram):
        take_up(olga, token)

    assert list(Membership.objects.values_list("login__email", flat=True)) == ["first@example.com"]
    assert Invitation.objects.get().state == "open"
