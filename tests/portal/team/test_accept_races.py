"""Two take up an invitation in the same moment: one membership, one owner; and what happens unguarded."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.db.models import QuerySet

from payouts.exchange.port import Account
from payouts.refusal import Refusal
from portal.letters.models import Letter
from portal.team import first_owner, links
from portal.team.models import Invitation, Membership
from tests.payouts import owner
from tests.payouts.monthend.racing import gate_before_writing, side_by_side, until_waiting
from tests.portal.team.conftest import NOW, imported, person, staff

ACCOUNT = Account("BP-1400", is_business=True, is_affiliate=False)


def accepting(token: str, login: Any) -> Callable[[], str]:
    def accept() -> str:
        try:
            first_owner.accept(
                token=token,
                login=login,
                account=ACCOUNT,
                terms_version="2025-09",
                is_no_affiliate=True,
                address="192.0.2.7",
                now=NOW,
            )
        except Refusal as refusal:
            return type(refusal).__name__
        return "owner"

    return accept


def both(first: Callable[[], str], second: Callable[[], str], *, waiting_for: tuple[str, ...]) -> list[str]:
    """Both accept at once: neither writes a membership before both stand at the gate, or behind a guard."""
    with side_by_side() as start:
        with gate_before_writing("portal_membership"):
            running = [start(first), start(second)]
            for what in set(waiting_for):
                until_waiting(waiting_for.count(what), what)
        return sorted(each.result() for each in running)


def one_invitation_twice() -> tuple[Callable[[], str], Callable[[], str]]:
    imported()
    invitation = first_owner.invite_owner(broker_code=1400, email="olga@example.com", by=staff(), now=NOW)
    accept = accepting(links.token_of(invitation), person())
    return accept, accept


def two_invitations_to_one_broker() -> tuple[Callable[[], str], Callable[[], str]]:
    """Past the door that lets only one be open."""
    broker, rita = imported(), staff()
    found = []
    for email in ("olga@example.com", "pia@example.com"):
        invitation = Invitation.objects.create(
            broker=broker,
            email=email,
            role="owner",
            invited_by=rita,
            invited_at=NOW,
            expires_at=NOW + first_owner.OPEN_FOR,
        )
        found.append(accepting(links.token_of(invitation), person(email)))
    return found[0], found[1]


def without_the_advisory_lock() -> None:
    with owner.connected() as hand:
        hand.execute(
            "CREATE FUNCTION public.pg_advisory_xact_lock(integer, integer) RETURNS void"
            " LANGUAGE sql AS 'SELECT'"
        )
        name = connections["default"].settings_dict["NAME"]
        hand.execute(f"ALTER DATABASE {name} SET search_path = public, pg_catalog")
    connections.close_all()


def test_one_invitation_accepted_twice_at_once_makes_one_membership(committed_db: str) -> None:
    done = both(*one_invitation_twice(), waiting_for=("relation", "advisory"))

    assert done == ["UsedAlready", "owner"]
    assert Membership.objects.values_list("broker_id", "role").get() == (1400, "owner")


def test_without_lock_and_constraint_it_would_make_two(
    committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = one_invitation_twice()
    without_the_advisory_lock()
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **_: self)
    with owner.connected() as hand:
        hand.execute("ALTER TABLE portal_membership DROP CONSTRAINT one_membership_per_login_and_broker")

    done = both(*pair, waiting_for=("relation", "relation"))

    assert done == ["owner", "owner"]
    assert Membership.objects.count() == 2


def test_two_invited_to_one_broker_at_once_make_one_owner(committed_db: str) -> None:
    done = both(*two_invitations_to_one_broker(), waiting_for=("relation", "advisory"))

    assert done == ["HasOwner", "owner"]
    assert Membership.objects.count() == 1


def test_without_the_lock_there_would_be_two_first_owners(committed_db: str) -> None:
    pair = two_invitations_to_one_broker()
    without_the_advisory_lock()

    done = both(*pair, waiting_for=("relation", "relation"))

    assert done == ["owner", "owner"]
    assert Membership.objects.count() == 2


def inviting(by: Any, email: str) -> Callable[[], str]:
    def invite() -> str:
        try:
            first_owner.invite_owner(broker_code=1400, email=email, by=by, now=NOW)
        except Refusal as refusal:
            return type(refusal).__name__
        return "invited"

    return invite


def test_two_staff_invite_at_once_and_one_letter_goes_out(committed_db: str) -> None:
    imported()
    pair = [
        inviting(staff("rita@exchange.example"), "olga@example.com"),
        inviting(staff("sam@exchange.example"), "pia@example.com"),
    ]

    with side_by_side() as start:
        with gate_before_writing("portal_invitation"):
            running = [start(each) for each in pair]
            until_waiting(1, "relation")
            until_waiting(1, "advisory")
        assert sorted(each.result() for each in running) == ["InvitedAlready", "invited"]
    assert Invitation.objects.count() == 1
    assert Letter.objects.count() == 1
