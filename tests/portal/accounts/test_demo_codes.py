"""The demo's logins have second factors whose codes stand on a page that exists only in the demo."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import hotp_value
from django.test import Client, RequestFactory

from portal.accounts.models import User
from portal.simulator import codes_page, seed
from portal.simulator.people import PASSWORD, PEOPLE, code_at
from tests import make
from tests.portal.accounts.visitor import is_in, log_in

AT = datetime(2026, 11, 22, 12, 0, 7, tzinfo=UTC)


def test_the_codes_are_those_of_the_standard() -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238, appendix B, in six digits
    told = {59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"}
    assert {at: code_at(secret, datetime.fromtimestamp(at, tz=UTC)) for at in told} == told
    assert code_at(make.TOTP_SECRET, AT) == f"{hotp_value(make.TOTP_SECRET, int(AT.timestamp()) // 30):06}"


@pytest.mark.django_db
def test_each_person_gets_in_with_the_code_of_the_page() -> None:
    with time_machine.travel(AT, tick=False):
        for person in PEOPLE:
            seed._make_login(replace(person, seats=()), now=AT)
        page = codes_page.codes(RequestFactory().get("/demo/codes/")).content.decode()
        shown = dict(
            zip(
                re.findall(r'<th scope="row">([^<]+)</th>', page),
                re.findall(r'class="running">(\d{6})<', page),
                strict=True,
            )
        )
        assert list(shown) == [person.email for person in PEOPLE]
        assert 'data-seconds-left="23"' in page
        assert '<noscript><meta http-equiv="refresh" content="23"></noscript>' in page
        assert "A code is good once" in page
        for email, code in list(shown.items())[:4]:
            client = Client()
            log_in(client, email, PASSWORD)
            client.post("/accounts/2fa/authenticate/", {"code": code})
            assert is_in(client), email


@pytest.mark.django_db
def test_logins_of_an_earlier_seed_get_theirs() -> None:
    person = replace(PEOPLE[0], seats=())
    User.objects.create_user(email=PEOPLE[0].email, password=PASSWORD)
    assert seed._make_login(person, now=AT) is False
    assert seed._make_login(person, now=AT) is False
    login = User.objects.get()
    assert sorted(login.authenticator_set.values_list("type", flat=True)) == ["recovery_codes", "totp"]
    assert list(login.emailaddress_set.values_list("email", "verified", "primary")) == [
        (PEOPLE[0].email, True, True)
    ]


@pytest.mark.django_db
def test_the_page_does_not_exist_outside_the_demo() -> None:
    assert Client().get("/demo/codes/").status_code == 404


def test_and_exists_in_the_demo() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import django; django.setup(); from django.urls import reverse\nprint(reverse('demo_codes'))",
        ],
        env=os.environ | {"PORTAL_DEMO": "True", "DJANGO_SETTINGS_MODULE": "portal.settings"},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert (done.stdout, done.stderr) == ("/demo/codes/\n", "")
