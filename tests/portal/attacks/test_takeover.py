"""Somebody was at a login, or made it, before its owner: nothing of theirs outlives the owner's reset."""

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from payouts.exchange.port import Account
from payouts.refusal import Refusal
from portal.accounts.models import User
from portal.letters.rendering import render
from portal.team import first_owner, links, queries
from portal.team.models import Invitation, Membership
from tests import make
from tests.portal.accounts.visitor import (
    confirm_password,
    is_in,
    letters,
    log_in,
    log_in_with_code,
    path_of,
    sign_up,
)
from tests.portal.staff.make_review import staff

pytestmark = pytest.mark.django_db

OWNERS, MALLORYS = "a password of the owner", "a password of mallory"


def reset(email: str, password: str) -> Client:
    browser = Client()
    browser.post("/accounts/password/reset/", {"email": email})
    form = browser.get(path_of(letters("reset_password", email)[-1]))
    done = browser.post(form["Location"], {"password1": password, "password2": password})
    assert done.status_code == 302
    return browser


def planted() -> Client:
    """Mallory signs up with Olga's address; Olga believes the letter; Mallory logs in."""
    mallory, olga = Client(), Client()
    sign_up(mallory, "olga@example.com", password=MALLORYS, name="Mallory")
    olga.post(path_of(letters("confirm_email", "olga@example.com")[-1]))
    log_in(mallory, "olga@example.com", MALLORYS)
    assert is_in(mallory)
    return mallory


def test_a_change_of_address_begun_before_a_reset_cannot_be_confirmed_after_it() -> None:
    mallory = planted()
    confirm_password(mallory, MALLORYS)
    mallory.post("/accounts/email/", {"email": "mallory@evil.example", "action_add": ""})
    link = path_of(letters("confirm_email_change", "mallory@evil.example")[-1])
    reset("olga@example.com", OWNERS)
    Client().post(link)
    assert [login.email for login in User.objects.all()] == ["olga@example.com"]


def test_a_reset_ends_the_session_of_who_planted_the_login() -> None:
    mallory = planted()
    reset("olga@example.com", OWNERS)
    assert mallory.get("/accounts/email/")["Location"].startswith("/accounts/login/")


def test_a_sign_up_with_somebodys_address_lets_nobody_in_before_it_is_confirmed() -> None:
    mallory = Client()
    sign_up(mallory, "olga@example.com", password=MALLORYS)
    log_in(mallory, "olga@example.com", MALLORYS)
    assert not is_in(mallory)
    assert mallory.get("/apply/").status_code == 200
    assert mallory.get("/accounts/email/").status_code == 302


def test_a_confirm_link_opened_as_somebody_else_changes_nothing_of_theirs() -> None:
    other = make.login(email="anna@example.com")
    browser = Client()
    browser.force_login(other)
    sign_up(Client(), "olga@example.com")
    browser.post(path_of(letters("confirm_email", "olga@example.com")[-1]))
    other.refresh_from_db()
    assert other.email == "anna@example.com"
    assert not is_in(browser)


def test_who_invited_does_not_accept_with_an_address_taken_on_later() -> None:
    broker = make.broker(code=1400)
    inviter = staff("reviewer", email="rita@exchange.example")
    invitation = first_owner.invite_owner(
        broker_code=broker.code, email="shell@example.net", by=inviter, now=make.NOW
    )
    browser = Client()
    log_in_with_code(browser, inviter)
    confirm_password(browser)
    browser.post("/accounts/email/", {"email": "shell@example.net", "action_add": ""})
    Client().post(path_of(letters("confirm_email_change", "shell@example.net")[-1]))
    inviter.refresh_from_db()
    assert inviter.email == "shell@example.net"
    with pytest.raises(Refusal):
        first_owner.accept(
            token=links.token_of(invitation),
            login=inviter,
            account=Account(broker.account_id, is_business=True, is_affiliate=False),
            terms_version=queries.terms_in_force(make.NOW).name,
            is_no_affiliate=True,
            address="192.0.2.1",
            now=make.NOW,
        )
    assert not Membership.objects.exists()


def test_a_login_that_changed_its_address_away_cannot_accept_by_the_old_one() -> None:
    broker = make.broker(code=1400)
    login = make.login(email="olga@example.com")
    first_owner.invite_owner(broker_code=1400, email="olga@example.com", by=staff("reviewer"), now=make.NOW)
    browser = Client()
    log_in(browser, login.email)
    confirm_password(browser)
    browser.post("/accounts/email/", {"email": "new@example.com", "action_add": ""})
    Client().post(path_of(letters("confirm_email_change", "new@example.com")[-1]))
    assert list(EmailAddress.objects.filter(user=login).values_list("email", flat=True)) == [
        "new@example.com"
    ]
    assert Invitation.objects.get().email == "olga@example.com"
    assert broker.code == 1400


@pytest.mark.parametrize(
    "email",
    [
        "\u212aarl@example.com",  # KELVIN SIGN, whose small letter is k
        "KARL@EXAMPLE.COM",
        " karl@example.com ",
    ],
)
def test_another_spelling_of_an_address_is_no_second_login(email: str) -> None:
    make.login(email="karl@example.com")
    sign_up(Client(), email)
    assert [login.email for login in User.objects.all()] == ["karl@example.com"]
    assert [letter.to for letter in letters("account_exists")] == ["karl@example.com"]


@pytest.mark.parametrize(
    "email",
    ["l\u0131sa@example.com", "li\u017fa@example.com", "\u0130sa@example.com", "lisa@example.com."],
)
def test_a_look_alike_neither_breaks_a_page_nor_reaches_another_login(email: str) -> None:
    make.login(email="lisa@example.com")
    for page, data in (
        ("/accounts/password/reset/", {"email": email}),
        ("/accounts/login/", {"login": email, "password": "correct horse battery"}),
        ("/accounts/signup/", {"name": "L", "email": email, "password1": OWNERS, "password2": OWNERS}),
    ):
        browser = Client()
        assert browser.post(page, data).status_code in (200, 302)
        assert not is_in(browser)
    assert letters(to="lisa@example.com") == []


def test_a_stranger_cannot_put_words_of_theirs_into_a_letter_to_somebody() -> None:
    make.login(email="olga@example.com")
    browser = Client(headers={"user-agent": "Your rebate waits: https://evil.example/claim"})
    browser.post("/accounts/password/reset/", {"email": "olga@example.com"})
    (letter,) = letters("reset_password")
    said = render(kind=letter.kind, facts=letter.facts, link="https://portal.example/x")
    assert "evil.example" not in said.text
