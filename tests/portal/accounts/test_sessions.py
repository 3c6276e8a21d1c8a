"""Sessions: a new key at log-in, a list to end them from, an end by age, and cookies nobody else can set."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client

from portal.accounts.models import Device
from tests import make
from tests.portal.accounts.visitor import confirm_password, is_in, letters, log_in, log_in_with_code

pytestmark = pytest.mark.django_db


def test_the_key_of_a_session_changes_at_log_in_and_after_the_code() -> None:
    login = make.login()
    make.totp(login)
    client = Client()
    client.get("/accounts/login/")
    log_in(client, login.email)
    planted = client.session.session_key
    client.post("/accounts/2fa/authenticate/", {"code": make.totp_code(login)})
    assert is_in(client)
    assert client.session.session_key != planted
    assert not Session.objects.filter(session_key=planted).exists()


def test_a_planted_session_key_is_not_taken_over() -> None:
    login = make.login()
    client = Client()
    client.cookies["sessionid"] = "planted0planted0planted0planted0"
    log_in(client, login.email)
    assert is_in(client)
    assert client.session.session_key != "planted0planted0planted0planted0"


def test_the_list_shows_each_place_and_ends_one() -> None:
    login = make.login()
    here, there = Client(headers={"user-agent": "Here/1"}), Client(headers={"user-agent": "There/2"})
    log_in(here, login.email)
    log_in(there, login.email)
    page = here.get("/accounts/sessions/").content.decode()
    assert "Here/1" in page
    assert "There/2" in page
    (other,) = login.usersession_set.exclude(session_key=here.session.session_key)
    assert here.post(f"/accounts/sessions/{other.pk}/end/").status_code == 302
    assert there.get("/accounts/sessions/").status_code == 302
    assert here.get("/accounts/sessions/").status_code == 200


def test_all_others_are_ended_at_once() -> None:
    login = make.login()
    here, *others = [Client() for _ in range(3)]
    for client in (here, *others):
        log_in(client, login.email)
    here.post("/accounts/sessions/")
    assert [client.get("/accounts/sessions/").status_code for client in (here, *others)] == [200, 302, 302]


def test_nobody_ends_the_session_of_somebody_else() -> None:
    victim, thief = Client(), Client()
    login = make.login()
    log_in(victim, login.email)
    log_in(thief, make.login(email="thief@example.com").email)
    session = login.usersession_set.get()
    assert thief.post(f"/accounts/sessions/{session.pk}/end/").status_code == 404
    assert thief.get(f"/accounts/sessions/{session.pk}/end/").status_code == 405
    assert victim.get("/accounts/sessions/").status_code == 200


def test_who_is_switched_off_is_out_with_the_next_page() -> None:
    login = make.login()
    client = Client()
    log_in(client, login.email)
    login.is_active = False
    login.save()
    assert client.get("/accounts/sessions/").status_code == 302
    assert log_in(Client(), login.email)["Location"] == "/accounts/inactive/"


@pytest.mark.parametrize(
    ("step", "times", "is_still_in"), [(13 * 3600, 1, False), (11 * 3600, 15, True), (11 * 3600, 16, False)]
)
def test_a_session_ends_after_twelve_hours_unused_and_seven_days_used(
    step: int, times: int, is_still_in: bool
) -> None:
    login = make.login()
    client = Client()
    with time_machine.travel(make.NOW, tick=False) as clock:
        log_in(client, login.email)
        for _ in range(times):
            clock.shift(timedelta(seconds=step))
            answer = client.get("/accounts/sessions/")
        assert (answer.status_code == 200) is is_still_in


def test_use_is_noted_every_five_minutes_and_costs_nothing_between(django_assert_num_queries: object) -> None:
    login = make.login()
    client = Client()
    with time_machine.travel(make.NOW, tick=False) as clock:
        log_in(client, login.email)
        with django_assert_num_queries(4):  # type: ignore[operator]  # session, login, second factor, seats
            client.get("/brokers/")
        clock.shift(400)
        client.get("/brokers/")
        assert login.usersession_set.get().last_seen_at == make.NOW + timedelta(seconds=400)


def test_a_page_that_asks_by_itself_does_not_use_its_session() -> None:
    login = make.login()
    make.membership(login, make.broker(), role="viewer")
    client = Client()
    with time_machine.travel(make.NOW, tick=False) as clock:
        log_in(client, login.email)
        clock.shift(400)
        client.get("/brokers/1400/live.json")
        client.get("/brokers/1400/live/")
        assert login.usersession_set.get().last_seen_at == make.NOW
        client.get("/brokers/1400/")
        assert login.usersession_set.get().last_seen_at == make.NOW + timedelta(seconds=400)


def test_an_address_from_a_header_of_a_stranger_is_not_believed() -> None:
    login = make.login()
    client = Client(headers={"x-forwarded-for": "203.0.113.9", "x-real-ip": "203.0.113.9"})
    log_in(client, login.email)
    assert login.usersession_set.get().ip == "127.0.0.1"


def test_the_first_device_is_silent_the_next_is_told_and_a_known_one_is_not() -> None:
    login = make.login()
    first, second = (
        Client(),
        Client(
            headers={"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
        ),
    )
    log_in(first, login.email)
    assert letters() == []
    log_in(second, login.email)
    (letter,) = letters()
    assert (letter.kind, letter.to, letter.facts["browser"]) == (
        "new_device",
        login.email,
        "Firefox on Linux",
    )

    second.post("/accounts/logout/")
    log_in(second, login.email)
    assert len(letters()) == 1
    assert Device.objects.count() == 2


def test_a_device_is_told_only_after_the_code() -> None:
    login = make.login()
    make.totp(login)
    log_in_with_code(Client(), login)
    Device.objects.update(token_hash="x")
    stranger = Client()
    log_in(stranger, login.email)
    assert letters() == []


def test_the_cookie_of_a_device_is_not_in_the_database_and_an_invented_one_is_not_taken() -> None:
    login = make.login()
    client = Client()
    client.cookies["device"] = "invented"
    log_in(client, login.email)
    cookie = client.cookies["device"]
    assert cookie.value != "invented"
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert Device.objects.get().token_hash != cookie.value
    assert len(cookie.value) == 43


def test_two_logins_of_one_browser_do_not_forget_each_other() -> None:
    olga, femi = make.login(), make.login(email="femi@example.com")
    client = Client()
    for login in (olga, femi, olga, femi):
        log_in(client, login.email)
        client.post("/accounts/logout/")
    assert letters() == []


@pytest.mark.parametrize(
    "next_page",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "https:evil.example",
        "javascript:alert(1)",
        "http://testserver.evil.example/",
        "http://testserver/brokers/",
        "\thttps://evil.example/",
    ],
)
def test_no_page_leads_away_from_the_portal(next_page: str) -> None:
    login = make.login()
    client = Client()
    answer = client.post(
        "/accounts/login/", {"login": login.email, "password": "correct horse battery", "next": next_page}
    )
    assert answer["Location"] == "/"
    answer = client.post(
        "/accounts/reauthenticate/", {"password": "correct horse battery", "next": next_page}
    )
    assert answer["Location"] == "/"
    answer = client.post("/accounts/logout/", {"next": next_page})
    assert answer["Location"] == "/accounts/login/"


def test_a_page_of_the_portal_is_led_to() -> None:
    login = make.login()
    answer = Client().post(
        "/accounts/login/",
        {"login": login.email, "password": "correct horse battery", "next": "/brokers/1400/"},
    )
    assert answer["Location"] == "/brokers/1400/"


POSTS = [
    "/accounts/login/",
    "/accounts/logout/",
    "/accounts/signup/",
    "/accounts/email/",
    "/accounts/reauthenticate/",
    "/accounts/password/change/",
    "/accounts/password/reset/",
    "/accounts/2fa/authenticate/",
    "/accounts/2fa/reauthenticate/",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/totp/deactivate/",
    "/accounts/2fa/webauthn/add/",
    "/accounts/2fa/webauthn/login/",
    "/accounts/2fa/webauthn/reauthenticate/",
    "/accounts/2fa/webauthn/keys/1/remove/",
    "/accounts/2fa/webauthn/keys/1/edit/",
    "/accounts/2fa/recovery-codes/generate/",
    "/accounts/sessions/",
    "/accounts/sessions/1/end/",
    "/accounts/letters/",
    "/accounts/confirm-email/abc/",
    "/staff/login/",
]


@pytest.mark.parametrize("page", POSTS)
def test_no_form_is_taken_from_another_site(page: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make.login())
    assert client.post(page).status_code == 403


def test_the_list_of_forms_is_complete() -> None:
    from portal.urls import _ACCOUNTS

    def paths(patterns: object, before: str) -> list[str]:
        found = []
        for each in patterns:  # type: ignore[attr-defined]
            here = before + str(each.pattern)
            inner = getattr(each, "url_patterns", None)
            found += paths(inner, here) if inner else [here]
        return found

    readable = {
        "inactive/",
        "confirm-email/",
        "password/reset/done/",
        "password/reset/key/done/",
        "2fa/webauthn/",
        "2fa/recovery-codes/",
        "2fa/",
    }
    given = {page.removeprefix("/accounts/") for page in POSTS}
    shapes = {
        path.replace("<int:pk>", "1").replace(r"^confirm-email/(?P<key>[-:\w]+)/$", "confirm-email/abc/")
        for path in paths(_ACCOUNTS, "")
        if "uidb36" not in path  # needs a link; its form is in test_passwords
    }
    assert shapes - readable <= given


def test_the_staff_site_has_no_door_of_its_own() -> None:
    answer = Client().get("/staff/login/?next=/staff/")
    assert answer["Location"] == "/accounts/login/?next=/staff/"
    login = make.login(is_staff=True)
    client = Client()
    client.post("/staff/login/", {"username": login.email, "password": "correct horse battery"})
    assert not is_in(client)


def test_re_authentication_lasts_five_minutes() -> None:
    login = make.login()
    client = Client()
    with time_machine.travel(make.NOW, tick=False) as clock:
        log_in(client, login.email)
        confirm_password(client)
        assert client.get("/accounts/2fa/totp/activate/").status_code == 200
        clock.shift(301)
        assert client.get("/accounts/2fa/totp/activate/").status_code == 302
