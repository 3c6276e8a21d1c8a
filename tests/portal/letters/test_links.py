"""The secret links of the portal itself: they work, are made at send time, and exist in the letter alone."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail

import portal.settings
from portal.letters.models import Letter
from portal.team.models import Invitation
from tests import make
from tests.portal.letters.conftest import a_letter
from tests.portal.letters.test_secrets import columns_that_hold

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_links(links, settings):
    settings.LETTER_LINKS = portal.settings.LETTER_LINKS


def confirm():
    address = EmailAddress.objects.create(user=make.login(), email="new@example.com", verified=False)
    a_letter(kind="confirm_email_change", facts={}, link={"kind": "confirm", "address": address.pk})
    return lambda: EmailAddress.objects.filter(pk=address.pk).update(verified=True)


def reset():
    login = make.login()
    a_letter(kind="reset_password", facts={}, link={"kind": "reset", "login": login.pk})
    return lambda: type(login).objects.filter(pk=login.pk).update(is_active=False)


def invite():
    from datetime import timedelta

    from django.utils import timezone

    now = timezone.now()  # whether an invitation is still open is asked by the real clock
    invitation = Invitation.objects.create(
        broker=make.broker(),
        email="first@example.com",
        role="owner",
        invited_by=make.login(email="staff@backpack.exchange", is_staff=True),
        invited_at=now,
        expires_at=now + timedelta(days=14),
    )
    facts = {"broker": "A", "role": "owner", "invited_by": "B", "expires_at": "2026-12-06T00:00:00+00:00"}
    a_letter(kind="invitation", facts=facts, link={"kind": "invite", "invitation": invitation.pk})
    return lambda: Invitation.objects.filter(pk=invitation.pk).update(state="withdrawn")


KINDS = pytest.mark.parametrize("written", [confirm, reset, invite])


@KINDS
def test_the_link_opens_a_page_and_is_kept_nowhere(client, sweep, written):
    written()
    assert sweep() == 1
    text = mail.outbox[0].body
    [link] = [
        each
        for each in re.findall(r"^http://localhost:8000(/\S+)$", text, re.MULTILINE)
        if re.search(r"confirm-email/.|reset/key/|invitations/", each)
    ]
    secret = max(re.split(r"[/:]", link), key=len)

    assert len(secret) > 20
    assert columns_that_hold(secret) == []
    assert client.get(link, follow=True).status_code == 200


@KINDS
def test_a_link_that_would_lead_nowhere_closes_its_letter(sweep, written):
    void = written()
    void()

    assert sweep() == 0
    assert mail.outbox == []
    assert Letter.objects.values_list("state", "last_error").get() == ("dead", "no longer needed")
