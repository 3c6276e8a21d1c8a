"""Somebody wants a broker's payouts on an account of their own."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.db import DatabaseError, connection, transaction
from django.test import Client

from payouts.desk import account_change
from payouts.models import AccountChange
from portal.accounts import factors, staff_actions
from portal.simulator.answering import AnsweringExchange
from portal.team import members
from tests import make
from tests.payouts.desk import changing_account as make_
from tests.payouts.desk.changing_account import EFFECTIVE, NEW, NOW, OLD, People
from tests.portal.staff.browsing import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def of(db: None) -> People:
    broker = make_.broker()
    found = make_.people()
    make.membership(found.olga, broker)
    make.membership(found.otto, broker)
    return found


def test_what_a_login_asked_for_that_was_switched_off_never_takes_effect(of: People) -> None:
    """A thief had the login; staff switched it off, and nobody thought of the change that was waiting."""
    change = make_.waiting(of)
    root = make.login(email="root@exchange.example", is_superuser=True, is_staff=True)
    staff_actions.switch_off(login_id=of.olga.pk, by=root, reason="stolen")

    assert make_.sweep(EFFECTIVE) == 0

    change.refresh_from_db()
    assert (change.state, make_.account()) == ("refused", OLD)


@pytest.mark.parametrize(
    "columns",
    [
        "effective_at = confirmed_at, state = 'applied', applied_at = confirmed_at",
        "state = 'applied', applied_at = effective_at - interval '1 microsecond'",
        "confirmed_by_id = prepared_by_id",
        "prepared_by_id = asked_by_id",
        "confirmed_by_id = NULL",
        "new_account_id = 'BP-900666'",
        "asked_by_id = confirmed_by_id",
        "broker_id = 1500",
    ],
)
def test_who_writes_rows_by_hand_gets_round_neither_the_people_nor_the_wait(of: People, columns: str) -> None:
    change = make_.waiting(of)
    with (
        pytest.raises(DatabaseError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE account_change SET {columns} WHERE id = %s", [change.pk])


CHANGES = ["a new app", "new recovery codes", "one more passkey"]


@pytest.mark.parametrize("change", CHANGES)
def test_a_session_and_a_password_do_not_make_a_second_factor_that_asks_for_another_account(
    change: str, exchange: AnsweringExchange
) -> None:
    """The password alone changes factors; what it made proves nothing before the owner read the letter."""
    with time_machine.travel(NOW - timedelta(days=30), tick=False):
        olga = make.login()
        make.membership(olga, make_.broker())
    with time_machine.travel(NOW, tick=False):
        thief = Client()
        thief.force_login(olga)
        assert thief.post("/accounts/reauthenticate/?next=/", {"password": PASSWORD}).status_code == 302
        code = own_proof(thief, olga, change)
        assert thief.post("/accounts/2fa/reauthenticate/?next=/", {"code": code}).status_code == 302

        answer = thief.post("/brokers/1400/account/change/", {"account_id": NEW})

        assert answer.status_code == 409, answer.content.decode()
        assert "changed within 24 hours" in answer.content.decode()
        assert (AccountChange.objects.count(), exchange.asked) == (0, [])


def own_proof(thief: Client, olga: Any, change: str) -> str:
    """A code that the thief knows, after a change for which the password was enough."""
    if change == "a new app":
        assert thief.post("/accounts/2fa/totp/deactivate/").status_code == 302
        make.totp(olga)
        session = thief.session
        session.pop("session_before_second_factor", None)
        session.save()
        return make.totp_code(olga, NOW)
    if change == "new recovery codes":
        assert thief.post("/accounts/2fa/recovery-codes/generate/").status_code == 302
        codes = Authenticator.objects.get(user=olga, type="recovery_codes").wrap()
        return str(codes.get_unused_codes()[0])
    Authenticator.objects.create(user=olga, type="webauthn", data={})
    return make.totp_code(olga, NOW)


def test_what_a_new_owner_sets_up_first_asks_at_once(exchange: AnsweringExchange) -> None:
    with time_machine.travel(NOW, tick=False):
        olga = make.login()
        make.membership(olga, make_.broker())
        assert factors.is_settled(olga, now=NOW)


@pytest.mark.parametrize("act", ["remove", "demote"])
def test_who_asked_does_not_put_the_other_owners_out_of_the_way(of: People, act: str) -> None:
    """They get the letters and can cancel; a thief would see to that first, after staff have looked."""
    make_.waiting(of)
    otto = of.otto.memberships.get()
    common: dict[str, Any] = {"broker_code": 1400, "member_id": otto.pk, "by": of.olga, "now": NOW}
    with pytest.raises(members.ChangeUnderWay):
        members.remove(**common) if act == "remove" else members.change_role(role="viewer", **common)
    assert of.otto.memberships.get().role == "owner"


def test_the_others_remove_who_asked_and_with_that_the_change(of: People) -> None:
    change = make_.waiting(of)
    members.remove(broker_code=1400, member_id=of.olga.memberships.get().pk, by=of.otto, now=NOW)
    change.refresh_from_db()
    assert change.state == "cancelled"


def test_after_a_cancelling_owners_come_and_go_again(of: People) -> None:
    change = make_.waiting(of)
    account_change.cancel(reference=change.reference, by=of.otto.pk, why="", now=NOW)
    members.remove(broker_code=1400, member_id=of.otto.memberships.get().pk, by=of.olga, now=NOW)
    assert not of.otto.memberships.exists()
