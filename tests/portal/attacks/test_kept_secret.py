"""What private pages and secret links leave behind: in caches, in the log, in other sites' statistics."""

import logging
from typing import Any

import pytest
from django.test import Client

from portal.team import first_owner, links
from tests import make
from tests.portal.accounts.visitor import letters, path_of, sign_up
from tests.portal.application import filing
from tests.portal.staff.browsing import at
from tests.portal.staff.make_review import application, staff

pytestmark = pytest.mark.django_db

PRIVATE = (
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/reauthenticate/",
    "/accounts/logout/",
    "/accounts/2fa/",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/recovery-codes/",
    "/accounts/sessions/",
    "/apply/",
    "/brokers/",
    "/brokers/1400/",
    "/brokers/1400/statements/",
)


def test_no_private_page_is_kept_by_a_browser_or_a_cache() -> None:
    login = make.login()
    make.membership(login, make.broker(code=1400), role="viewer")
    browser = at(login, proven=True)
    kept = {}
    for page in PRIVATE:
        answer = browser.get(page)
        if "no-store" not in answer.get("Cache-Control", ""):
            kept[page] = (answer.status_code, answer.get("Cache-Control", ""))
    assert kept == {}


def test_no_page_of_staff_is_kept() -> None:
    mine = application()
    browser = at(staff("superuser"), proven=True)
    for page in (
        "/staff/",
        "/staff/portal/application/",
        f"/staff/portal/application/{mine.pk}/change/",
        f"/staff/portal/application/{mine.pk}/reject/",
        "/staff/portal/user/",
        "/staff/portal/letter/",
    ):
        answer = browser.get(page)
        assert (page, answer.status_code, "no-store" in answer["Cache-Control"]) == (page, 200, True)


def test_the_first_page_does_not_keep_whose_login_it_showed() -> None:
    answer = at(make.login()).get("/")
    assert "olga@example.com" not in answer.content.decode() or "no-store" in answer["Cache-Control"]


def secret_pages() -> list[str]:
    sign_up(Client(), "new@example.com")
    invitation = first_owner.invite_owner(
        broker_code=make.broker(code=1400).code,
        email="owner@example.com",
        by=staff("reviewer"),
        now=make.NOW,
    )
    return [path_of(letters("confirm_email")[0]), f"/invitations/{links.token_of(invitation)}/"]


def test_the_address_of_a_secret_link_is_told_to_no_other_site_and_kept_nowhere() -> None:
    for page in secret_pages():
        answer = Client().get(page)
        assert answer["Referrer-Policy"] in ("same-origin", "no-referrer")
        assert "no-store" in answer.get("Cache-Control", ""), page


def test_no_refused_link_stands_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """A link that is good but opened by another login, or twice, is answered with 403 or 410."""
    caplog.set_level(logging.DEBUG)
    _confirm, invite = secret_pages()
    token = invite.split("/")[2]
    at(make.login(email="other@example.com")).get(invite)
    at(make.login(email="owner@example.com")).post(invite, {})
    assert token not in caplog.text


def test_no_refused_confirmation_stands_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    confirm, _invite = secret_pages()
    key = confirm.split("/")[3]
    Client(enforce_csrf_checks=True).post(confirm)
    assert key not in caplog.text


def test_passwords_codes_and_sessions_are_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    login = make.login(email="olga@example.com", password="canary password of olga")
    make.totp(login)
    browser = Client()
    browser.post("/accounts/login/", {"login": login.email, "password": "canary password of olga"})
    code = make.totp_code(login)
    browser.post("/accounts/2fa/authenticate/", {"code": code})
    browser.post("/accounts/login/", {"login": login.email, "password": "canary wrong"})
    session: Any = browser.session.session_key
    # The statements of the database are logged in no place: only the test's own level shows them.
    said = "\n".join(each.getMessage() for each in caplog.records if each.name != "django.db.backends")
    for secret in ("canary", make.TOTP_SECRET, session):
        assert secret not in said


def test_every_answer_has_the_headers_that_bound_a_browser() -> None:
    make.login()
    reference = filing.draft(make.login(email="anna@example.com"))
    for page in ("/", "/accounts/login/", "/nothing/", f"/applications/{reference}/"):
        answer = Client().get(page)
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
        assert "base-uri 'none'" in answer["Content-Security-Policy"]
