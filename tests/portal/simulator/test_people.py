"""Making logins and giving them seats: what is done, and what is refused in words."""

from typing import Any

import pytest

from payouts.refusal import Refusal
from portal.accounts import actions as accounts
from portal.accounts.models import User
from portal.team import actions as team
from portal.team.models import Membership
from tests import make

pytestmark = pytest.mark.django_db


def create(**changes: Any) -> User:
    given = {"email": "olga@example.com", "name": "Olga", "password": "correct horse battery"}
    return accounts.create_login(**(given | changes), now=make.NOW)


def test_a_login_is_made_with_a_lower_case_address() -> None:
    login = create(email=" Olga@Example.com ", is_staff=True)

    assert (login.email, login.is_staff, login.is_superuser) == ("olga@example.com", True, False)
    assert login.check_password("correct horse battery")
    assert login.joined_at == make.NOW


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"email": "OLGA@example.com"}, accounts.LoginExists),
        ({"email": "olga at example.com"}, accounts.NotAnAddress),
        ({"email": "new@example.com", "password": "short"}, accounts.WeakPassword),
        (
            {"email": "dora.example@example.com", "password": "dora.example@example.com"},
            accounts.WeakPassword,
        ),
    ],
)
def test_what_cannot_be_a_login_is_refused(changes: dict[str, str], refusal: type[Refusal]) -> None:
    create()

    with pytest.raises(refusal):
        create(**changes)

    assert User.objects.count() == 1


def test_a_login_gets_a_seat() -> None:
    make.broker(code=1400)

    seat = team.add_member(login=create(), broker_code=1400, role="finance", now=make.NOW)

    assert (seat.broker_id, seat.role, seat.joined_at) == (1400, "finance", make.NOW)


@pytest.mark.parametrize(
    ("code", "role", "refusal"),
    [
        (1500, "owner", team.NoSuchBroker),
        (1400, "boss", team.NoSuchRole),
        (1400, "viewer", team.AlreadyMember),
    ],
)
def test_a_seat_that_cannot_be_is_refused(code: int, role: str, refusal: type[Refusal]) -> None:
    make.broker(code=1400)
    login = create()
    team.add_member(login=login, broker_code=1400, role="owner", now=make.NOW)

    with pytest.raises(refusal):
        team.add_member(login=login, broker_code=code, role=role, now=make.NOW)

    assert list(Membership.objects.values_list("role", flat=True)) == ["owner"]
