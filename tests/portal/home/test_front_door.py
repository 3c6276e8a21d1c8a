"""Where `/` leads: nobody to the program, every login to its own place."""

from typing import Any

import pytest
from django.test import Client

from tests import make
from tests.portal.page_text import links_of, text_of

pytestmark = pytest.mark.django_db


def door_of(login: Any) -> str:
    client = Client()
    client.force_login(login)
    answer = client.get("/")
    assert answer.status_code == 302
    return answer.headers["Location"]


def test_nobody_sees_the_program_with_both_doors() -> None:
    answer = Client().get("/")

    assert answer.status_code == 200
    assert "Your platform sends the orders. You earn 20% to 50% of the fees." in text_of(answer)
    assert {"/apply/", "/accounts/login/"} <= set(links_of(answer))


def test_a_login_of_one_broker_goes_to_its_dashboard() -> None:
    member = make.login()
    make.membership(member, make.broker(code=1400))

    assert door_of(member) == "/brokers/1400/"


def test_a_login_of_several_brokers_chooses() -> None:
    member = make.login()
    make.membership(member, make.broker(code=1400))
    make.membership(member, make.broker(code=1500))

    assert door_of(member) == "/brokers/"


def test_staff_go_to_the_staff_site_unless_they_sit_with_a_broker() -> None:
    staff = make.login(is_staff=True)
    assert door_of(staff) == "/staff/"

    make.membership(staff, make.broker(code=1400))
    assert door_of(staff) == "/brokers/1400/"


def test_any_other_login_goes_to_its_application() -> None:
    assert door_of(make.login()) == "/apply/"


def test_where_the_door_leads_is_kept_by_no_cache() -> None:
    assert "no-store" in Client().get("/").headers["Cache-Control"]


@pytest.mark.parametrize("address", ["/", "/program/"])
def test_the_door_only_answers_reading(address: str) -> None:
    assert Client().post(address).status_code == 405


def test_the_program_is_there_for_every_login_and_leads_back() -> None:
    client = Client()
    member = make.login()
    make.membership(member, make.broker(code=1400))
    client.force_login(member)

    answer = client.get("/program/")

    assert answer.status_code == 200
    assert "Go to your pages" in text_of(answer)
    assert "/apply/" not in links_of(answer)


def test_who_is_in_no_team_is_offered_to_apply() -> None:
    client = Client()
    client.force_login(make.login(email="new@example.com"))

    answer = client.get("/brokers/")

    assert "You are not in a broker's team yet" in text_of(answer)
    assert "Your login new@example.com works" in text_of(answer)
    assert {"/apply/", "/program/"} <= set(links_of(answer))


@pytest.mark.parametrize(("known", "words"), [(True, "Go to your pages"), (False, "Go to the first page")])
def test_a_page_that_is_not_there_leads_to_the_door(known: bool, words: str) -> None:
    client = Client()
    if known:
        client.force_login(make.login())

    answer = client.get("/nowhere/")

    assert (answer.status_code, words in text_of(answer)) == (404, True)
    assert "/" in links_of(answer)
