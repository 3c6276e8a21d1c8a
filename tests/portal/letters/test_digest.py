"""The letter of the day: everything in it, once, one a login, each morning from 08:00 UTC."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from portal.letters import digest
from portal.letters.models import Letter
from tests.payouts.monthend.racing import FOR_ANOTHERS_ROW, side_by_side, until_waiting
from tests.payouts.owner import connected as owner
from tests.portal.letters.conftest import WISHES, a_letter, news

DAY = timedelta(days=1)
EVENING = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
MORNING = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def gathered(key, *, login=7, at=EVENING, **changes):
    return news(key, login=login, daily=True, now=at, **changes)


def joined(key, *, at=EVENING):
    return gathered(
        key,
        at=at,
        kind="member_joined",
        facts={
            "broker": "Nordlicht", "code": 1400, "member": "mia@nordlicht.example", "role": "finance",
            "at": at.isoformat(),
        },
        unsubscribe={"login": 7, "broker": 1400, "topic": "team"},
    )  # fmt: skip


def rows(*names):
    return list(Letter.objects.order_by("pk").values_list(*names))


@pytest.mark.django_db
class TestGathering:
    def test_one_letter_tells_of_all_and_they_are_told(self):
        gathered("one")
        joined("two")

        assert [digest.gather_due(now=MORNING), digest.gather_due(now=MORNING)] == [1, 0]
        assert rows("key", "state", "gathered_into__key") == [
            ("one", "told", "digest:7:2026-11-23"),
            ("two", "told", "digest:7:2026-11-23"),
            ("digest:7:2026-11-23", "written", None),
        ]
        letter = Letter.objects.get(kind="digest")
        assert (letter.to, letter.facts, letter.unsubscribe) == (
            "olga@example.com",
            {"day": "2026-11-23"},
            {"login": 7, "broker": None, "topic": "digest"},
        )

    def test_each_login_has_its_own(self):
        gathered("one", login=7)
        gathered("two", login=8, to="otto@example.com")

        assert digest.gather_due(now=MORNING) == 2
        assert sorted(Letter.objects.filter(kind="digest").values_list("key", "to")) == [
            ("digest:7:2026-11-23", "olga@example.com"),
            ("digest:8:2026-11-23", "otto@example.com"),
        ]

    def test_not_before_eight(self):
        gathered("one")

        assert digest.gather_due(now=MORNING - timedelta(seconds=1)) == 0

    def test_what_is_gathered_in_the_day_waits_for_the_next_morning(self):
        gathered("one", at=MORNING + timedelta(hours=1))

        assert digest.gather_due(now=MORNING + timedelta(hours=6)) == 0
        assert digest.gather_due(now=MORNING + DAY) == 1

    def test_nothing_gathered_is_no_letter(self):
        a_letter()

        assert digest.gather_due(now=MORNING) == 0

    def test_after_days_without_a_sweep_one_letter_tells_of_everything(self):
        for number in range(3):
            gathered(f"{number}", at=EVENING + number * DAY)

        assert digest.gather_due(now=MORNING + 5 * DAY + timedelta(hours=9)) == 1
        assert Letter.objects.filter(gathered_into__key="digest:7:2026-11-28").count() == 3

    def test_a_letter_that_commits_late_waits_for_the_next_morning(self):
        gathered("one")
        digest.gather_due(now=MORNING)
        gathered("late")

        assert digest.gather_due(now=MORNING + timedelta(minutes=1)) == 0
        assert Letter.objects.get(key="late").state == "gathered"
        assert digest.gather_due(now=MORNING + DAY) == 1

    def test_a_login_whose_address_was_changed_gets_one_letter_at_the_newer(self):
        gathered("one", to="old@example.com")
        gathered("two", to="new@example.com", at=EVENING + timedelta(hours=1))

        assert digest.gather_due(now=MORNING) == 1
        assert Letter.objects.get(kind="digest").to == "new@example.com"
        assert Letter.objects.filter(state="told").count() == 2


@pytest.mark.django_db
class TestSending:
    def test_it_names_what_happened_oldest_first_with_the_page_of_each(self, office, sweep, clock):
        gathered("one")
        joined("two", at=EVENING - timedelta(hours=1))
        clock.now = MORNING
        digest.gather_due(now=clock.now)

        assert sweep() == 1
        [letter] = office.arrived
        assert letter["Subject"] == "Your day on the broker portal: 2 news"
        text = " ".join(letter.get_body(("plain",)).get_content().split())
        first = text.index("mia@nordlicht.example joined the team of Nordlicht")
        second = text.index("Nordlicht: 12.30 USD credited for October 2026")
        assert first < second
        assert "http://localhost:8000/brokers/1400/statements/2026-10/" in text
        assert "http://localhost:8000/brokers/1400/team/" in text
        assert letter["List-Unsubscribe"] == "<http://localhost:8000/letters/7-digest/>"

    def test_what_was_stopped_meanwhile_is_left_out_and_nothing_left_is_no_letter(self, office, sweep, clock):
        gathered("one")
        clock.now = MORNING
        digest.gather_due(now=clock.now)
        WISHES[7] = "never"

        assert sweep() == 0
        assert office.arrived == []
        assert Letter.objects.get(kind="digest").last_error == "no longer needed"

    def test_what_is_wanted_daily_is_told_there(self, office, sweep, clock, settings):
        settings.LETTER_UNSUBSCRIBE = "tests.portal.letters.test_digest.daily_but_for_the_day_itself"
        gathered("one")
        clock.now = MORNING
        digest.gather_due(now=clock.now)

        assert sweep() == 1


def daily_but_for_the_day_itself(unsubscribe):
    from portal.letters.stops import Stop

    return Stop("http://localhost:8000/letters/x/", is_daily=unsubscribe["topic"] != "digest")


# -- the key: two sweeps at once, and a letter that commits between them ------------------------------


def two_sweeps_and_a_letter_between_them():
    """The second begins when the first has written its letter of the day and not committed."""
    gathered("one")
    with side_by_side() as start:
        with transaction.atomic():
            first = digest.gather_due(now=MORNING)
            start(lambda: gathered("late")).result()
            second = start(lambda: digest.gather_due(now=MORNING))
            # For the key; without it for the row of the letter that both tell of.
            until_waiting(1, FOR_ANOTHERS_ROW)
        return first, second.result()


def test_two_sweeps_at_once_write_one_letter_of_the_day(committed_db):
    assert two_sweeps_and_a_letter_between_them() == (1, 0)
    assert Letter.objects.filter(kind="digest").count() == 1
    assert Letter.objects.get(key="late").state == "gathered"


def test_twin_without_the_unique_key_there_are_two_in_a_day(committed_db):
    with owner() as hand:
        hand.execute("ALTER TABLE letter DROP CONSTRAINT letter_key_key")

    assert two_sweeps_and_a_letter_between_them()[0] == 1
    assert Letter.objects.filter(kind="digest").count() == 2


def test_a_sweep_that_dies_midway_tells_of_nothing(committed_db, monkeypatch):
    gathered("one")

    def dies(**_given):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(digest.actions, "write", dies)
        with pytest.raises(SystemExit):
            digest.gather_due(now=MORNING)

    assert rows("key", "state") == [("one", "gathered")]
    assert digest.gather_due(now=MORNING) == 1
