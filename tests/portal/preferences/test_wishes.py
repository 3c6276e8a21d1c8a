"""What a login wants: the newest word counts, and only letters that it may get are sent."""

from datetime import timedelta

import pytest
from django.db import transaction

from portal.preferences import actions, queries
from portal.preferences.actions import NoSuchDelivery, NoSuchTopic
from portal.preferences.models import LetterPreference
from portal.team.models import Membership
from tests import make
from tests.payouts.monthend.racing import FOR_ANOTHERS_ROW, side_by_side, until_waiting
from tests.payouts.owner import connected as owner
from tests.portal.preferences.people import rows, staff, team


def wish(login, topic="statements", delivery="never", broker=1400, now=make.NOW):
    actions.wish(login=login.pk, broker=broker, topic=topic, delivery=delivery, now=now)


def wanted(login, topic="statements", broker=1400):
    return queries.wanted(login=login.pk, broker=broker, topic=topic)


@pytest.mark.django_db
class TestWishes:
    def test_without_a_word_a_topic_comes_as_usual(self):
        login = team()["owner"]

        assert queries.delivery(login=login.pk, broker=1400, topic="statements") == "at once"
        assert queries.delivery(login=login.pk, broker=None, topic="books") == "daily"
        assert queries.delivery(login=login.pk, broker=1400, topic="no such") == "never"

    def test_the_newest_word_counts(self):
        login = team()["owner"]
        for number, delivery in enumerate(("never", "daily", "at once", "daily")):
            wish(login, delivery=delivery, now=make.NOW + timedelta(minutes=number))

        assert rows() == [("owner@example.com", 1400, "statements", "daily")]
        assert LetterPreference.objects.get().changed_at == make.NOW + timedelta(minutes=3)

    def test_of_staff_too_there_is_one_word_a_topic(self):
        login = staff("auditor")
        for delivery in ("never", "daily", "never"):
            wish(login, "books", delivery, broker=None)

        assert rows() == [("sue@backpack.exchange", None, "books", "never")]

    def test_each_broker_and_each_login_has_its_own(self):
        one, other = team(), team(1500, "Altair", "a.")
        wish(one["owner"])

        assert wanted(one["viewer"]) == "at once"
        assert wanted(other["owner"], broker=1500) == "at once"
        assert wanted(one["owner"]) == "never"

    @pytest.mark.parametrize(
        ("broker", "topic", "delivery", "refusal"),
        [
            (1400, "security", "never", NoSuchTopic),
            (1400, "books", "never", NoSuchTopic),
            (None, "statements", "never", NoSuchTopic),
            (1400, "digest", "never", NoSuchTopic),
            (1400, "statements", "hourly", NoSuchDelivery),
            (None, "books", "at once", NoSuchDelivery),
        ],
    )
    def test_what_there_is_not_is_refused(self, broker, topic, delivery, refusal):
        login = team()["owner"]

        with pytest.raises(refusal):
            wish(login, topic, delivery, broker=broker)
        assert rows() == []

    def test_several_at_once_are_all_or_none(self):
        login = team()["owner"]
        wishes = [((1400, "statements"), "never"), ((1400, "credits"), "hourly")]

        with pytest.raises(NoSuchDelivery, match="at once or daily or never: choose one"):
            actions.wish_all(login=login.pk, wishes=wishes, now=make.NOW)
        assert rows() == []


@pytest.mark.django_db
class TestWhoMayGetThem:
    def test_by_role(self):
        found = {
            role: [wanted(login, topic) for topic in ("statements", "credits", "team")]
            for role, login in team().items()
        }

        assert found == {
            "owner": ["at once", "at once", "at once"],
            "finance": ["at once", "at once", "never"],
            "viewer": ["at once", "at once", "never"],
            "developer": ["never", "never", "never"],
        }

    def test_not_who_left_or_was_switched_off_or_never_belonged(self):
        logins = team()
        Membership.objects.filter(login=logins["viewer"]).delete()
        logins["finance"].is_active = False
        logins["finance"].save()

        assert [wanted(logins["viewer"]), wanted(logins["finance"])] == ["never", "never"]
        assert wanted(make.login(email="stranger@example.com")) == "never"
        assert wanted(staff("auditor")) == "never"

    def test_the_letter_of_the_day_goes_to_who_may_log_in(self):
        logins = team()
        logins["viewer"].is_active = False
        logins["viewer"].save()

        assert wanted(logins["owner"], "digest", None) == "at once"
        assert wanted(logins["viewer"], "digest", None) == "never"

    def test_that_to_staff_goes_to_who_has_a_role_and_wants_something(self):
        sue, nobody = staff("auditor"), staff(email="no@backpack.exchange")
        assert [wanted(sue, "staff", None), wanted(nobody, "staff", None)] == ["at once", "never"]
        wish(sue, "books", "never", broker=None)

        assert wanted(sue, "staff", None) == "never"
        assert wanted(team()["owner"], "staff", None) == "never"

    def test_topics_of_staff_by_role(self):
        roles = ("reviewer", "operations", "finance preparer", "finance approver", "auditor")
        found = {
            role: queries.staff_topics_of(staff(role, email=f"{number}@backpack.exchange"))
            for number, role in enumerate(roles)
        }

        assert found == {
            "reviewer": ["applications", "books"],
            "operations": ["books"],
            "finance preparer": ["months", "quarantine", "books"],
            "finance approver": ["months", "quarantine", "books"],
            "auditor": ["books"],
        }
        boss = make.login(email="boss@backpack.exchange", is_staff=True, is_superuser=True)
        assert queries.staff_topics_of(boss) == ["applications", "months", "quarantine", "books"]
        assert queries.staff_topics_of(team()["owner"]) == []


# -- the constraint: said twice at once, there is one word -----------------------------------------------


def said_twice_at_once(login):
    with side_by_side() as start:
        with transaction.atomic():
            wish(login, delivery="daily")
            other = start(lambda: wish(login, delivery="never"))
            until_waiting(1, FOR_ANOTHERS_ROW)
        other.result()


def test_two_words_at_once_leave_one_and_the_later_counts(committed_db):
    said_twice_at_once(team()["owner"])

    assert rows() == [("owner@example.com", 1400, "statements", "never")]


def test_twin_without_the_constraint_both_words_stay(committed_db):
    login = team()["owner"]
    with owner() as hand:
        hand.execute("ALTER TABLE letter_preference DROP CONSTRAINT one_wish_a_topic")

    with side_by_side() as start:
        for delivery in ("daily", "never"):
            start(
                lambda delivery=delivery: LetterPreference.objects.create(
                    login=login, broker_id=1400, topic="statements", delivery=delivery, changed_at=make.NOW
                )
            ).result()
    assert len(rows()) == 2


def test_a_wish_is_changed_and_never_moved_or_removed(committed_db):
    from django.db import ProgrammingError

    login = team()["owner"]
    wish(login)

    with pytest.raises(ProgrammingError, match="permission denied"):
        LetterPreference.objects.update(topic="credits")
    with pytest.raises(ProgrammingError, match="permission denied"):
        LetterPreference.objects.all().delete()
