"""A login that lost every second factor: a superuser removes them, with a reason, and its owner is told."""

from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.test import Client

from portal.accounts import staff_actions
from portal.accounts.factors import has_factor
from portal.accounts.models import User
from portal.accounts.staff_roles import NotYourRole, StaffRole
from portal.letters.models import Letter
from portal.letters.rendering import render
from portal.staff.history import history_of
from tests import make
from tests.portal.page_text import links_of, text_of
from tests.portal.staff.browsing import PASSWORD, at
from tests.portal.staff.make_review import staff

pytestmark = pytest.mark.django_db
WHY = "lost phone and codes, recognised by video"


@pytest.fixture(autouse=True)
def clock(db: None) -> Any:
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def anna() -> Any:
    """The owner of a broker, with an authenticator app and recovery codes."""
    anna = make.login(email="anna@example.com")
    make.membership(anna, make.broker(code=1400, name="Altair Terminal"))
    return anna


@pytest.fixture
def root() -> Any:
    return staff("superuser")


def address(login: Any) -> str:
    return f"/staff/portal/user/{login.pk}/remove-factors/"


def remove(login: Any, by: Any, reason: str = WHY) -> None:
    staff_actions.remove_second_factors(login_id=login.pk, by=by, reason=reason, now=make.NOW)


def test_every_factor_and_recovery_code_goes_and_every_session_ends(anna: Any, root: Any) -> None:
    client = at(anna)
    client.get("/brokers/1400/")
    UserSession.objects.create(user=anna, session_key=client.session.session_key, ip="203.0.113.7")
    assert client.get("/brokers/1400/").status_code == 200
    assert Authenticator.objects.filter(user=anna).count() == 2

    remove(anna, root)

    assert Authenticator.objects.filter(user=anna).count() == 0
    assert UserSession.objects.filter(user=anna).count() == 0
    assert client.get("/brokers/1400/").status_code == 302
    assert User.objects.get(pk=anna.pk).is_active


def test_the_password_then_opens_the_set_up_and_nothing_else(anna: Any, root: Any) -> None:
    remove(anna, root)
    client = Client()

    client.post("/accounts/login/", {"login": "anna@example.com", "password": PASSWORD})

    answer = client.get("/brokers/1400/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/accounts/2fa/")


def test_the_owner_of_the_address_is_told_and_not_who_or_from_where(anna: Any, root: Any) -> None:
    remove(anna, root)

    letter = Letter.objects.get(kind="mfa_removed")
    text = render(kind=letter.kind, facts=letter.facts).text
    assert letter.to == "anna@example.com"
    assert "authenticator app, recovery codes (by Backpack)" in text
    assert "superuser@exchange.example" not in text
    assert "127.0.0.1" not in text


def test_the_history_of_the_login_keeps_the_reason(anna: Any, root: Any) -> None:
    remove(anna, root)

    found = [each for each in history_of(User.objects.get(pk=anna.pk)) if each.what == "second factor"]
    assert [(each.event, each.reason) for each in found] == [
        ("removed", WHY),
        ("removed", WHY),
        ("added", ""),
        ("added", ""),
    ]
    kinds = {field.before for each in found[:2] for field in each.fields if field.name == "type"}
    assert kinds == {"TOTP Authenticator", "Recovery codes"}


def test_a_login_that_is_switched_off_stays_so(anna: Any, root: Any) -> None:
    staff_actions.switch_off(login_id=anna.pk, by=root, reason="x")

    remove(anna, root)

    assert not User.objects.get(pk=anna.pk).is_active
    assert not has_factor(anna)


@pytest.mark.parametrize("role", StaffRole)
def test_nobody_but_a_superuser_removes_factors(anna: Any, role: str) -> None:
    with pytest.raises(NotYourRole):
        remove(anna, staff(role))
    client = at(staff(role, email="other@exchange.example"), proven=True)

    assert client.get(address(anna)).status_code == 403
    assert client.post(address(anna), {"reason": WHY}).status_code == 403
    assert has_factor(anna)


def test_not_ones_own_not_without_a_reason_and_not_what_is_not_there(anna: Any, root: Any) -> None:
    with pytest.raises(staff_actions.OwnRights):
        remove(root, root)
    for reason in ("", " \n ", "x" * 501):
        with pytest.raises(staff_actions.ReasonNeeded):
            remove(anna, root, reason)
    bare = make.login(email="bare@example.com")
    with pytest.raises(staff_actions.NothingToChange, match="has no second factor"):
        remove(bare, root)
    assert (has_factor(root), has_factor(anna), Letter.objects.count()) == (True, True, 0)


def test_the_button_asks_for_a_proof_and_says_what_will_happen(anna: Any, root: Any) -> None:
    unproven = at(root).post(address(anna), {"reason": WHY})
    assert "reauthenticate" in unproven.headers["Location"]
    assert has_factor(anna)
    client = at(root, proven=True)
    assert address(anna) in links_of(client.get(f"/staff/portal/user/{anna.pk}/change/"))

    asked = text_of(client.get(address(anna)))
    assert "Every session of the login ends now, and its address gets a letter." in asked
    done = client.post(address(anna), {"reason": WHY})

    assert done.headers["Location"] == f"/staff/portal/user/{anna.pk}/change/"
    page = client.get(f"/staff/portal/user/{anna.pk}/change/")
    assert address(anna) not in links_of(page)
    assert WHY in text_of(page)


def test_who_sits_in_a_team_with_the_login_does_not_open_its_seat(anna: Any, root: Any) -> None:
    make.membership(root, anna.memberships.get().broker, role="viewer")

    refused = at(root, proven=True).post(address(anna), {"reason": WHY})

    assert refused.status_code == 403
    assert has_factor(anna)
