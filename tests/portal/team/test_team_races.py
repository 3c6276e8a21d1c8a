"""Two change one team in the same moment: it keeps an owner, and nobody gets in behind a removal."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import QuerySet

from payouts.models import AccountChange
from payouts.refusal import Refusal
from portal.exchange_account import actions as exchange_account
from portal.letters.models import Letter
from portal.team import colleagues, links, members
from portal.team.models import Activity, Invitation, Membership
from tests import make
from tests.payouts import owner
from tests.payouts.desk.changing_account import Scripted
from tests.payouts.monthend.racing import gate_before_writing, side_by_side, until_waiting
from tests.portal.team.conftest import NOW, imported, person
from tests.portal.team.test_accept_races import without_the_advisory_lock


def told(act: Callable[[], object]) -> Callable[[], str]:
    def run() -> str:
        try:
            act()
        except Refusal as refusal:
            return type(refusal).__name__
        return "done"

    return run


def race(gate: str, *acts: Callable[[], object], waiting_for: tuple[str, ...]) -> list[str]:
    """Nobody writes to the table before each of them stands at the gate, or behind a guard."""
    with side_by_side() as start:
        with gate_before_writing(gate):
            running = [start(told(each)) for each in acts]
            for what in set(waiting_for):
                until_waiting(waiting_for.count(what), what)
        return sorted(each.result() for each in running)


def in_turn(gate: str, first: Callable[[], object], second: Callable[[], object]) -> list[str]:
    """The first stands at the gate when the second comes and has to wait for its turn."""
    with side_by_side() as start:
        with gate_before_writing(gate):
            one = start(told(first))
            until_waiting(1, "relation")
            two = start(told(second))
            until_waiting(1, "advisory")
        return [one.result(), two.result()]


def two_owners() -> tuple[Membership, Membership]:
    broker = imported()
    first, second = (make.membership(person(f"{name}@altair.example"), broker) for name in ("olga", "pia"))
    return first, second


def leaving(member: Membership) -> Callable[[], object]:
    return lambda: members.leave(broker_code=1400, by=member.login, now=NOW)


def demoting(member: Membership) -> Callable[[], object]:
    return lambda: members.change_role(
        broker_code=1400, member_id=member.pk, role="viewer", by=member.login, now=NOW
    )


@pytest.mark.parametrize(("one", "other"), [(leaving, leaving), (leaving, demoting), (demoting, demoting)])
def test_of_two_last_owners_who_go_at_once_one_stays(committed_db: str, one: Any, other: Any) -> None:
    first, second = two_owners()

    done = race("portal_membership", one(first), other(second), waiting_for=("relation", "advisory"))

    assert done == ["LastOwner", "done"]
    assert Membership.objects.filter(role="owner").count() == 1


@pytest.mark.parametrize(("one", "other"), [(leaving, leaving), (leaving, demoting), (demoting, demoting)])
def test_the_trigger_alone_keeps_one_too(committed_db: str, one: Any, other: Any) -> None:
    """Past the lock of the code, as from a shell: both look, both may, and the database has the last word."""
    first, second = two_owners()
    without_the_advisory_lock()

    done = race("portal_membership", one(first), other(second), waiting_for=("relation", "relation"))

    assert done == ["LastOwner", "done"]
    assert Membership.objects.filter(role="owner").count() == 1
    assert Activity.objects.count() == 1


def test_without_lock_and_trigger_nobody_would_be_left(committed_db: str) -> None:
    first, second = two_owners()
    without_the_advisory_lock()
    with owner.connected() as hand:
        hand.execute("DROP TRIGGER team_keeps_an_owner_when_one_leaves ON portal_membership")

    done = race("portal_membership", leaving(first), leaving(second), waiting_for=("relation", "relation"))

    assert done == ["done", "done"]
    assert not Membership.objects.exists()


def invited() -> tuple[Membership, Membership, str]:
    """Two owners, and Nora's link that the second of them sent."""
    first, second = two_owners()
    invitation = colleagues.invite(
        broker_code=1400, email="nora@altair.example", role="viewer", by=second.login, now=NOW
    )
    person("nora@altair.example")
    return first, second, links.token_of(invitation)


def accepting(token: str) -> Callable[[], object]:
    from portal.accounts.models import User

    nora = User.objects.get(email="nora@altair.example")
    return lambda: colleagues.accept(token=token, login=nora, now=NOW)


def test_one_link_accepted_twice_at_once_makes_one_member_and_one_letter(committed_db: str) -> None:
    _, _, token = invited()

    done = race("portal_membership", accepting(token), accepting(token), waiting_for=("relation", "advisory"))

    assert done == ["UsedAlready", "done"]
    assert Membership.objects.filter(login__email="nora@altair.example").count() == 1
    assert Letter.objects.filter(kind="member_joined").count() == 2  # one to each owner
    assert Activity.objects.filter(kind="joined").count() == 1


def test_without_lock_and_constraint_it_would_make_two(
    committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, token = invited()
    without_the_advisory_lock()
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **_: self)
    with owner.connected() as hand:
        hand.execute("ALTER TABLE portal_membership DROP CONSTRAINT one_membership_per_login_and_broker")

    done = race("portal_membership", accepting(token), accepting(token), waiting_for=("relation", "relation"))

    assert done == ["done", "done"]
    assert Membership.objects.filter(login__email="nora@altair.example").count() == 2


def removing(first: Membership, second: Membership) -> Callable[[], object]:
    return lambda: members.remove(broker_code=1400, member_id=second.pk, by=first.login, now=NOW)


def inviting(by: Membership) -> Callable[[], object]:
    return lambda: colleagues.invite(
        broker_code=1400,
        email="friend@altair.example",
        role="owner",
        by=by.login,
        now=NOW + timedelta(minutes=1),
    )


def test_who_is_removed_while_inviting_invites_nobody(committed_db: str) -> None:
    first, second = two_owners()

    done = in_turn("portal_membership", removing(first, second), inviting(second))

    assert done == ["done", "NotYourTeam"]
    assert not Invitation.objects.exists()


def test_whom_it_invited_a_moment_before_finds_the_link_dead(committed_db: str) -> None:
    first, second = two_owners()

    done = in_turn("portal_invitation", inviting(second), removing(first, second))

    assert done == ["done", "done"]
    assert Invitation.objects.get().state == "withdrawn"


def test_an_invitation_is_not_taken_up_behind_the_removal_of_who_sent_it(committed_db: str) -> None:
    first, second, token = invited()

    done = in_turn("portal_membership", removing(first, second), accepting(token))

    assert done == ["done", "NoLongerOpen"]
    assert not Membership.objects.filter(login__email="nora@altair.example").exists()


def test_without_the_lock_a_removed_owner_leaves_an_invitation_behind(committed_db: str) -> None:
    first, second = two_owners()
    without_the_advisory_lock()

    with side_by_side() as start:
        with gate_before_writing("portal_invitation"):
            late = start(told(inviting(second)))
            until_waiting(1, "relation")
            gone = start(told(removing(first, second)))
            assert gone.result() == "done"
        assert late.result() == "done"
    assert Invitation.objects.get().state == "open"


def asking(by: Membership) -> Callable[[], object]:
    """For another account, of an exchange that answers at once."""
    return lambda: exchange_account.ask(
        broker_code=1400,
        account_id="BP-900001",
        by=by.login,
        address="203.0.113.9",
        exchange=Scripted(),
        clock=lambda: NOW,
    )


def test_who_could_stop_a_change_of_account_is_not_removed_while_it_is_asked_for(committed_db: str) -> None:
    first, second = two_owners()

    done = in_turn("account_change", asking(first), removing(first, second))

    assert done == ["done", "ChangeUnderWay"]
    assert Membership.objects.filter(role="owner").count() == 2


def test_without_the_lock_the_change_would_be_asked_for_and_the_owner_gone(committed_db: str) -> None:
    first, second = two_owners()
    without_the_advisory_lock()

    with side_by_side() as start:
        with gate_before_writing("account_change"):
            asked = start(told(asking(first)))
            until_waiting(1, "relation")
            gone = start(told(removing(first, second)))
            assert gone.result() == "done"
        assert asked.result() == "done"
    assert AccountChange.objects.get().state == "asked"
    assert Membership.objects.get().login == first.login


def test_two_owners_who_invite_one_address_at_once_write_one_letter(committed_db: str) -> None:
    first, second = two_owners()

    done = race("portal_invitation", inviting(first), inviting(second), waiting_for=("relation", "advisory"))

    assert done == ["InvitedAlready", "done"]
    assert Letter.objects.filter(kind="invitation").count() == 1
