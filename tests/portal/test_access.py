"""Who may open which address: members their broker's, everybody else a 404, nobody the login page."""

import pytest
import time_machine
from django.test import Client

from payouts.month import Month
from payouts.monthend import actions
from portal.access import seats_of
from portal.team.models import Role
from tests import make

pytestmark = pytest.mark.django_db

OF_A_BROKER = [
    "/brokers/1400/",
    "/brokers/1400/statements/",
    "/brokers/1400/statements/2026-10.json",
    "/brokers/1400/statements/2026-10.csv",
]
NOT_THERE = [
    "/brokers/1401/",
    "/brokers/99999999999999999999/",
    "/brokers/1400/statements/2026-13.json",
    "/brokers/1400/statements/2026-10.xml",
    "/brokers/1400/statements/2026-12.json",
    "/brokers/1400/statements/0000-01.csv",
]


@pytest.fixture(autouse=True)
def _program() -> object:
    make.broker(code=1400)
    make.fills(make.record())
    actions.calculate(month=Month(2026, 10), now=make.NOW)
    with time_machine.travel(make.NOW, tick=False):
        yield


def logged_in(login: object) -> Client:
    client = Client()
    client.force_login(login)  # type: ignore[arg-type]
    return client


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("address", OF_A_BROKER)
def test_a_member_sees_of_the_broker_what_the_role_includes(address: str, role: str) -> None:
    member = make.login()
    make.membership(member, make.broker(code=1400), role=role)
    status = 403 if role == "developer" and "statements" in address else 200

    assert logged_in(member).get(address).status_code == status


@pytest.mark.parametrize("address", OF_A_BROKER)
@pytest.mark.parametrize("rights", [{}, {"is_staff": True}, {"is_staff": True, "is_superuser": True}])
def test_strangers_and_staff_find_nothing_there(address: str, rights: dict[str, bool]) -> None:
    stranger = make.login(**rights)
    make.membership(stranger, make.broker(code=1500))

    assert logged_in(stranger).get(address).status_code == 404


@pytest.mark.parametrize("address", [*OF_A_BROKER, "/brokers/", "/brokers/1401/"])
def test_nobody_is_sent_to_the_login_page_and_learns_nothing(address: str) -> None:
    response = Client().get(address)

    assert response.status_code == 302
    assert response.headers["Location"] == f"/accounts/login/?next={address}"


@pytest.mark.parametrize("address", NOT_THERE)
def test_addresses_that_are_not_there_are_404_for_members_too(address: str) -> None:
    member = make.login()
    make.membership(member, make.broker(code=1400))

    assert logged_in(member).get(address).status_code == 404


@pytest.mark.parametrize("address", [*OF_A_BROKER, "/", "/brokers/"])
def test_pages_only_answer_reading(address: str) -> None:
    member = make.login()
    make.membership(member, make.broker(code=1400))

    assert logged_in(member).post(address).status_code == 405


@pytest.mark.parametrize("address", OF_A_BROKER)
def test_no_page_of_a_broker_is_kept_by_a_cache(address: str) -> None:
    member = make.login()
    make.membership(member, make.broker(code=1400))

    answer = logged_in(member).get(address).headers["Cache-Control"]

    said = sorted(answer.split(", "))
    assert said == ["max-age=0", "must-revalidate", "no-cache", "no-store", "private"]


def test_a_login_that_is_switched_off_is_out_at_once() -> None:
    member = make.login()
    make.membership(member, make.broker(code=1400))
    client = logged_in(member)
    member.is_active = False
    member.save()

    assert client.get("/brokers/1400/").status_code == 302


def test_seats_are_by_name_and_know_of_each_other() -> None:
    member = make.login()
    make.membership(member, make.broker(code=1500, name="Zebra"), role="viewer")
    assert [(seat.code, seat.role, seat.has_others) for seat in seats_of(member)] == [
        (1500, Role.VIEWER, False)
    ]

    make.membership(member, make.broker(code=1600, name="Antelope"), role="finance")
    assert [(seat.code, seat.name, seat.role, seat.has_others) for seat in seats_of(member)] == [
        (1600, "Antelope", Role.FINANCE, True),
        (1500, "Zebra", Role.VIEWER, True),
    ]


def test_the_list_offers_each_broker() -> None:
    member = make.login()
    make.membership(member, make.broker(code=1500, name="Zebra & Söhne"), role="finance")
    make.membership(member, make.broker(code=1600, name="Antelope"))

    page = logged_in(member).get("/brokers/").content.decode()

    assert 'href="/brokers/1500/"' in page
    assert 'href="/brokers/1600/"' in page
    assert "Zebra &amp; Söhne" in page
    assert page.index("Antelope") < page.index("Zebra")


def test_a_login_without_a_broker_is_told_so() -> None:
    page = logged_in(make.login(email="new@example.com")).get("/brokers/").content.decode()

    assert "You are not in a broker's team yet" in page
    assert "new@example.com" in page


@pytest.mark.parametrize("brokers", [1, 3])
def test_the_list_costs_the_same_for_any_number_of_brokers(
    brokers: int, django_assert_num_queries: object
) -> None:
    member = make.login()
    for number in range(brokers):
        make.membership(member, make.broker(code=3000 + number))
    client = logged_in(member)

    with django_assert_num_queries(5):  # type: ignore[operator] # session, login, second factor, seats, standings
        client.get("/brokers/")
