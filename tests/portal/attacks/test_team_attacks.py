"""Somebody has the cookie of an owner's session, and no password: what it leaves behind must not wait."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from portal.team.models import Invitation
from tests import make
from tests.portal.staff.browsing import PASSWORD

pytestmark = pytest.mark.django_db
INVITE = "/brokers/1400/team/invite/"


def a_thief_of(owner: Client) -> Client:
    """A browser with a copy of the session's cookie."""
    thief = Client()
    thief.cookies["sessionid"] = owner.cookies["sessionid"].value
    return thief


@pytest.fixture
def owner(db: Any) -> Client:
    login = make.login()
    make.membership(login, make.broker())
    client = Client()
    client.force_login(login)
    return client


def test_what_a_thief_sent_is_not_done_when_the_owner_next_types_the_password(owner: Client) -> None:
    thief = a_thief_of(owner)
    wanted = {"email": "mallory@evil.example", "role": "owner"}
    assert "/reauthenticate/" in thief.post(INVITE, wanted)["Location"]

    to_prove = owner.get(INVITE)["Location"]
    owner.post(to_prove, {"password": PASSWORD})

    assert not Invitation.objects.exists()


def test_what_a_thief_sends_while_the_owner_types_the_password_is_not_done_either(owner: Client) -> None:
    to_prove = owner.get(INVITE)["Location"]
    a_thief_of(owner).post(INVITE, {"email": "mallory@evil.example", "role": "owner"})
    owner.post(to_prove, {"password": PASSWORD})
    assert not Invitation.objects.exists()


def test_what_a_thief_sent_is_not_done_for_the_owner_with_a_cookie_of_an_own_request(owner: Client) -> None:
    owner.post(INVITE, {"email": "carla@example.com", "role": "viewer"})
    a_thief_of(owner).post(INVITE, {"email": "mallory@evil.example", "role": "owner"})
    owner.post(owner.get(INVITE)["Location"], {"password": PASSWORD})
    assert not Invitation.objects.exists()


def test_what_the_owner_sent_is_done_once_the_password_is_typed(owner: Client) -> None:
    to_prove = owner.post(INVITE, {"email": "carla@example.com", "role": "viewer"})["Location"]
    owner.post(to_prove, {"password": PASSWORD})
    assert [each.email for each in Invitation.objects.all()] == ["carla@example.com"]


def test_a_thief_of_a_session_changes_no_address_by_the_owners_next_password(owner: Client) -> None:
    """The same hole, at the door behind which a whole login lies."""
    a_thief_of(owner).post("/accounts/email/", {"email": "mallory@evil.example", "action_add": ""})
    owner.post("/accounts/reauthenticate/?next=/accounts/email/", {"password": PASSWORD})
    assert not EmailAddress.objects.filter(email="mallory@evil.example").exists()
