"""Staff ask the first owner of an imported broker in: who may, whom, how often, and how it is taken back."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.signing import Signer

from payouts.program.models import Broker
from portal.accounts.actions import NotAnAddress
from portal.accounts.staff_roles import NotYourRole, OwnBroker
from portal.letters.models import Letter
from portal.team import first_owner, guards, invitations, links, queries
from portal.team.actions import NoSuchBroker
from portal.team.models import Invitation, Role
from tests import make
from tests.portal.team.conftest import NOW, imported, person, staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker() -> Broker:
    return imported()


def invite(by: Any, *, email: str = "olga@example.com", now: Any = NOW, code: int = 1400) -> Invitation:
    return first_owner.invite_owner(broker_code=code, email=email, by=by, now=now)


def test_an_invitation_is_open_for_fourteen_days_and_writes_one_letter(broker: Broker) -> None:
    rita = staff()

    invitation = invite(rita, email=" Olga@Example.com ")

    found = Invitation.objects.get()
    assert (found.broker, found.email, found.role, found.state) == (
        broker,
        "olga@example.com",
        "owner",
        "open",
    )
    assert (found.invited_by, found.invited_at) == (rita, NOW)
    assert found.expires_at == NOW + timedelta(days=14)
    letter = Letter.objects.get()
    assert (letter.kind, letter.to, letter.key) == (
        "invitation",
        "olga@example.com",
        f"invitation:{invitation.pk}:1",
    )
    assert letter.link == {"kind": "invite", "invitation": invitation.pk}
    assert letter.facts == {
        "broker": "Altair Terminal",
        "role": "owner",
        "invited_by": "Backpack",
        "expires_at": "2026-12-06T12:00:00+00:00",
    }


@pytest.mark.parametrize("role", ["reviewer", "operations"])
def test_reviewers_and_operations_may_invite(broker: Broker, role: str) -> None:
    assert invite(staff(role=role)).state == "open"


@pytest.mark.parametrize("role", ["finance preparer", "finance approver", "auditor"])
def test_other_staff_may_not_invite_send_again_or_withdraw(broker: Broker, role: str) -> None:
    invitation = invite(staff())
    other = staff("other@exchange.example", role)
    letters = Letter.objects.count()

    with pytest.raises(NotYourRole, match="Your role does not let you invite the first owner of a broker"):
        invite(other, email="new@example.com")
    with pytest.raises(NotYourRole):
        first_owner.send_invitation_again(invitation_id=invitation.pk, by=other, now=NOW + timedelta(hours=1))
    with pytest.raises(NotYourRole):
        first_owner.withdraw_invitation(invitation_id=invitation.pk, by=other, now=NOW)
    assert Invitation.objects.values_list("state", flat=True).get() == "open"
    assert Letter.objects.count() == letters


def test_staff_who_are_members_of_the_broker_do_not_act_on_it_superusers_included(broker: Broker) -> None:
    member = make.login(email="root@exchange.example", is_staff=True, is_superuser=True)
    make.membership(member, broker, role="viewer")
    invitation = invite(staff())

    for act in (
        lambda: invite(member, email="friend@example.com"),
        lambda: first_owner.send_invitation_again(
            invitation_id=invitation.pk, by=member, now=NOW + timedelta(hours=1)
        ),
        lambda: first_owner.withdraw_invitation(invitation_id=invitation.pk, by=member, now=NOW),
    ):
        with pytest.raises(OwnBroker, match="You are a member of this broker's team"):
            act()


def test_staff_do_not_invite_themselves_by_any_address_of_theirs(broker: Broker) -> None:
    from allauth.account.models import EmailAddress

    rita = staff()
    EmailAddress.objects.create(user=rita, email="rita@home.example", verified=True, primary=False)

    for email in ("rita@exchange.example", "RITA@home.example"):
        with pytest.raises(first_owner.YourOwnAddress):
            invite(rita, email=email)


@pytest.mark.parametrize(
    "email", ["", "olga", "olga@example.com\nBcc: all@example.com", "a@b@example.com", "<olga@example.com>"]
)
def test_what_is_no_address_gets_no_invitation(broker: Broker, email: str) -> None:
    with pytest.raises(NotAnAddress, match="is not an e-mail address"):
        invite(staff(), email=email)
    assert Letter.objects.count() == 0


def test_an_unknown_code_is_refused() -> None:
    with pytest.raises(NoSuchBroker, match="No broker has the code 1999"):
        invite(staff(), code=1999)


def test_a_broker_with_an_owner_gets_no_first_one(broker: Broker) -> None:
    make.membership(make.login(), broker)

    with pytest.raises(first_owner.HasOwner, match=r"Altair Terminal \(1400\) has an owner already"):
        invite(staff())


def test_a_broker_with_other_members_may_still_get_its_first_owner(broker: Broker) -> None:
    make.membership(make.login(), broker, role="developer")

    assert invite(staff(), email="boss@example.com").role == Role.OWNER


def test_a_terminated_broker_gets_no_owner(broker: Broker) -> None:
    make.terminated(broker, NOW)

    with pytest.raises(guards.OutOfProgram):
        invite(staff())


@pytest.mark.parametrize("email", ["olga@example.com", "other@example.com"])
def test_one_invitation_is_open_at_a_time(broker: Broker, email: str) -> None:
    rita = staff()
    invite(rita)

    with pytest.raises(
        invitations.InvitedAlready, match=r"olga@example\.com is invited until 2026-12-06 12:00"
    ):
        invite(rita, email=email)


def test_one_that_ran_out_makes_place_for_the_next(broker: Broker) -> None:
    rita = staff()
    first = invite(rita)

    second = invite(rita, now=NOW + timedelta(days=14))

    first.refresh_from_db()
    assert (first.state, second.state) == ("withdrawn", "open")


def test_sent_again_is_a_second_letter_and_no_new_time(broker: Broker) -> None:
    rita = staff()
    invitation = invite(rita)

    with pytest.raises(invitations.SentJustNow, match="A letter was written at 12:00:00 UTC: wait 5 minutes"):
        first_owner.send_invitation_again(
            invitation_id=invitation.pk, by=rita, now=NOW + timedelta(minutes=4, seconds=59)
        )
    first_owner.send_invitation_again(invitation_id=invitation.pk, by=rita, now=NOW + timedelta(minutes=5))

    assert list(Letter.objects.order_by("pk").values_list("key", "to")) == [
        (f"invitation:{invitation.pk}:1", "olga@example.com"),
        (f"invitation:{invitation.pk}:2", "olga@example.com"),
    ]
    invitation.refresh_from_db()
    assert invitation.expires_at == NOW + timedelta(days=14)


def test_withdrawn_it_is_neither_sent_again_nor_withdrawn_twice_and_another_may_be_made(
    broker: Broker,
) -> None:
    rita = staff()
    invitation = invite(rita)
    first_owner.withdraw_invitation(invitation_id=invitation.pk, by=rita, now=NOW)

    with pytest.raises(queries.NoLongerOpen, match="This invitation was withdrawn"):
        first_owner.send_invitation_again(invitation_id=invitation.pk, by=rita, now=NOW + timedelta(hours=1))
    with pytest.raises(queries.NoLongerOpen):
        first_owner.withdraw_invitation(invitation_id=invitation.pk, by=rita, now=NOW)
    assert invite(rita, now=NOW + timedelta(hours=1)).state == "open"


def test_one_that_ran_out_may_be_withdrawn_but_not_sent_again(broker: Broker) -> None:
    rita = staff()
    invitation = invite(rita)
    later = NOW + timedelta(days=14)

    with pytest.raises(queries.NoLongerOpen, match="was open until 2026-12-06 12:00 UTC"):
        first_owner.send_invitation_again(invitation_id=invitation.pk, by=rita, now=later)
    first_owner.withdraw_invitation(invitation_id=invitation.pk, by=rita, now=NOW)

    assert Invitation.objects.values_list("state", flat=True).get() == "withdrawn"


def test_an_unknown_invitation_is_refused() -> None:
    with pytest.raises(invitations.NoSuchInvitation):
        first_owner.withdraw_invitation(invitation_id=999, by=staff(), now=NOW)


# -- the link ---------------------------------------------------------------------------------


def test_the_link_is_absolute_and_names_neither_address_nor_broker(
    broker: Broker, settings: Any, time_machine_at_now: None
) -> None:
    settings.PORTAL_URL = "https://brokers.example.com"
    invitation = invite(staff())

    link = links.invite({"kind": "invite", "invitation": invitation.pk})

    assert link is not None
    assert link.startswith(f"https://brokers.example.com/invitations/{invitation.pk}-")
    assert "olga" not in link
    assert "example.com" not in link.partition("/invitations/")[2]


def test_no_link_is_made_for_what_is_no_longer_open(broker: Broker, time_machine_at_now: None) -> None:
    rita = staff()
    ran_out = invite(rita, now=NOW - timedelta(days=14))
    withdrawn = invite(rita)
    first_owner.withdraw_invitation(invitation_id=withdrawn.pk, by=rita, now=NOW)

    assert links.invite({"kind": "invite", "invitation": ran_out.pk}) is None
    assert links.invite({"kind": "invite", "invitation": withdrawn.pk}) is None
    assert links.invite({"kind": "invite", "invitation": 999}) is None


def test_a_link_opens_its_own_invitation_and_nothing_else(broker: Broker) -> None:
    invitation = invite(staff())
    token = links.token_of(invitation)

    assert links.invitation_of(token) == invitation
    for forged in (
        token[:-1],
        token + "x",
        token.replace(f"{invitation.pk}-", f"{invitation.pk + 1}-"),
        f"{invitation.pk}",
        f"{invitation.pk}-",
        "x",
        "",
        "٣-abc",
        "9" * 400 + "-abc",
        f"{invitation.pk}-{Signer().signature(f'{invitation.pk}:olga@example.com')}",
    ):
        with pytest.raises(links.BrokenLink, match="This link is not complete"):
            links.invitation_of(forged)


def test_a_link_stays_good_when_the_secret_key_is_changed_for_a_new_one(
    broker: Broker, settings: Any
) -> None:
    invitation = invite(staff())
    token = links.token_of(invitation)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key of fifty characters, or even a few more than that"

    assert links.invitation_of(token) == invitation


def test_neither_the_letter_nor_its_history_holds_the_link(broker: Broker) -> None:
    from django.db import connection

    invitation = invite(staff())
    signature = links.token_of(invitation).partition("-")[2]

    with connection.cursor() as cursor:
        for table in ("letter", "portal_invitation", "portal_invitationhistory"):
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE t::text LIKE %s", [f"%{signature}%"])
            assert cursor.fetchone() == (0,)


def test_an_address_is_masked_so_that_only_its_owner_knows_it() -> None:
    assert queries.masked("olga@example.com") == "o•••@example.com"


def test_a_team_is_listed_by_when_it_joined(broker: Broker) -> None:
    first = make.membership(make.login(email="a@example.com"), broker, role="viewer")
    second = make.membership(person("b@example.com"), broker)

    assert list(queries.team(1400)) == [first, second]
    assert queries.has_owner(1400)
    assert not queries.has_owner(1500)
