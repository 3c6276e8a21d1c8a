"""Letters about a change of the exchange account: to every owner, and to who was one until lately."""

import pytest
from django.db import connection

from payouts.desk.models import AccountChange, AccountChangeStep
from portal.letters import rendering
from portal.letters.models import Letter
from portal.notices import accounts
from portal.team import members
from portal.team.models import Membership
from tests import make
from tests.portal.test_notices_standing import ABOUT, DAY, LATER, THEN, member, nordlicht, sweep, written

MASKED = {"old": "•••1400", "new": "•••9999", "asked_by": "olga@example.com", "at": LATER.isoformat()}


def account_change(broker, **changes):
    given = {
        "broker": broker, "old_account_id": "ACC01400", "new_account_id": "ACC09999",
        "asked_by": member("olga"), "asked_at": LATER,
    }  # fmt: skip
    return AccountChange.objects.create(**(given | changes))


def step(change, kind, by=None):
    return AccountChangeStep.objects.create(change=change, kind=kind, at=LATER, by=by)


def confirmed():
    names = ("pia", "quentin")
    pia, quentin = (make.login(email=f"{name}@backpack.exchange", is_staff=True) for name in names)
    return {
        "state": "confirmed", "prepared_by": pia, "prepared_at": LATER, "confirmed_by": quentin,
        "confirmed_at": LATER, "effective_at": LATER + 3 * DAY,
    }  # fmt: skip


@pytest.mark.django_db
class TestAccounts:
    def test_that_one_asked_is_told_to_every_owner_and_to_nobody_else(self):
        step(account_change(nordlicht()), "asked")

        assert [sweep(), sweep()] == [2, 0]
        assert written() == [
            ("account_change_asked", f"{name}@example.com", ABOUT | MASKED) for name in ("olga", "otto")
        ]

    def test_that_one_of_two_has_checked_it_is_no_news(self):
        step(account_change(nordlicht()), "prepared")

        assert sweep() == 0

    def test_the_confirmation_says_from_when_it_holds(self):
        step(account_change(nordlicht(), **confirmed()), "confirmed")
        sweep()

        assert written()[0][::2] == (
            "account_change_confirmed",
            ABOUT | MASKED | {"takes_effect": (LATER + 3 * DAY).isoformat()},
        )

    def test_a_cancelled_one_says_by_whom(self):
        broker = nordlicht()
        ended = {"state": "cancelled", "ended_at": LATER, "ended_why": "That was not us."}
        step(account_change(broker, ended_by=member("otto"), **ended), "cancelled")
        sweep()

        assert written()[0][2] == ABOUT | MASKED | {
            "ended_by": "otto@example.com",
            "why": "That was not us.",
        }

    @pytest.mark.parametrize("by_staff", [True, False])
    def test_staff_and_the_portal_itself_are_called_the_exchange(self, by_staff):
        broker = nordlicht()
        staff = make.login(email="sue@backpack.exchange", is_staff=True) if by_staff else None
        step(account_change(broker, state="cancelled", ended_at=LATER, ended_by=staff), "cancelled")
        sweep()

        assert written()[0][2] == ABOUT | MASKED | {"ended_by": "Backpack"}

    def test_owners_who_were_removed_or_demoted_before_it_was_asked_for_are_told_as_well(self):
        """A thief with one owner's login sends the others away first."""
        broker = nordlicht()
        olga = member("olga")
        Membership.objects.create(
            login=make.login(email="omar@example.com"), broker=broker, role="owner", joined_at=THEN
        )
        for name in ("otto", "fay"):
            seat = Membership.objects.get(login__email=f"{name}@example.com")
            members.remove(broker_code=1400, member_id=seat.pk, by=olga, now=LATER)
        omar = Membership.objects.get(login__email="omar@example.com")
        members.change_role(broker_code=1400, member_id=omar.pk, role="viewer", by=olga, now=LATER)
        before = Letter.objects.count()
        step(account_change(broker), "asked")

        assert [sweep(), sweep()] == [3, 0]
        assert sorted((email, facts.get("was_owner")) for _, email, facts in written()[before:]) == [
            ("olga@example.com", None),
            ("omar@example.com", "yes"),
            ("otto@example.com", "yes"),
        ]

    def test_who_left_or_is_switched_off_or_ceased_long_before_is_not(self):
        broker = nordlicht()
        otto = member("otto")
        members.leave(broker_code=1400, by=otto, now=LATER)
        off = make.membership(make.login(email="off@example.com"), broker)
        members.remove(broker_code=1400, member_id=off.pk, by=member("olga"), now=LATER)
        type(otto).objects.filter(email="off@example.com").update(is_active=False)
        gone = make.membership(make.login(email="gone@example.com"), broker)
        members.remove(broker_code=1400, member_id=gone.pk, by=member("olga"), now=LATER)
        with connection.cursor() as cursor:
            cursor.execute("SELECT now()")
            [today] = cursor.fetchone()
        late = today + 31 * DAY  # the history bears the database's own time
        AccountChangeStep.objects.create(
            change=account_change(broker, asked_at=late), kind="asked", at=late, by=None
        )

        assert {each.login for each in accounts.without_letter(since=LATER, now=late)} == {member("olga").pk}

    def test_a_finance_member_who_is_made_a_viewer_is_not_told(self):
        broker = nordlicht()
        fay = Membership.objects.get(login=member("fay"))
        members.change_role(broker_code=1400, member_id=fay.pk, role="viewer", by=member("olga"), now=LATER)
        before = Letter.objects.count()
        step(account_change(broker), "asked")
        sweep()

        assert [email for _, email, _ in written()[before:]] == ["olga@example.com", "otto@example.com"]

    def test_the_letter_to_a_former_owner_leads_to_no_page_that_it_cannot_open(self):
        change = account_change(nordlicht(), **confirmed())
        for kind in AccountChangeStep.Kind.values:
            step(change, kind)
        sweep()

        for kind, _, facts in written():
            made = rendering.render(kind=kind, facts=facts | {"was_owner": "yes"})
            for text in (" ".join(made.text.split()), made.html):
                assert "/brokers/1400/" not in text
                assert "cancel it on the page" not in text
                assert "You were an owner of this broker until lately" in text
                assert "vip@backpack.exchange" in text

    def test_every_letter_can_be_made_and_leads_to_the_page(self):
        broker = nordlicht()
        change = account_change(broker, **confirmed())
        for kind in AccountChangeStep.Kind.values:
            step(change, kind)
        sweep()

        made = {kind: rendering.render(kind=kind, facts=facts) for kind, _, facts in written()}
        assert sorted(made) == sorted(accounts.LETTERS.values())
        for letter in made.values():
            assert "http://localhost:8000/brokers/1400/account/" in letter.text
            assert "ACC01400" not in letter.text + letter.html
        asked = " ".join(made["account_change_asked"].text.split())
        assert "cancel it on the page of your account at once" in asked

    @pytest.mark.parametrize(
        ("account", "shown"),
        [("ACC01400", "•••1400"), ("1234567890", "•••7890"), ("abcd", "•••cd"), ("ab", "•••b"), ("a", "•••")],
    )
    def test_an_account_is_known_by_its_end_and_never_shown_in_full(self, account, shown):
        assert accounts.masked(account) == shown
