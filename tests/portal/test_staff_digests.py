"""The letter of the day to staff: what waits for their roles, each working day, unless nothing does."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction

from payouts.models import BooksCheck, Payout
from portal.letters import rendering
from portal.letters.models import Letter
from portal.notices import staff_digests
from portal.preferences import actions
from tests import make
from tests.payouts.feed.waiting import discard, replay
from tests.payouts.monthend.racing import FOR_ANOTHERS_ROW, side_by_side, until_waiting
from tests.payouts.owner import connected as owner
from tests.portal.preferences.people import staff
from tests.portal.test_notices import application

DAY = timedelta(days=1)
MONDAY = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
EMAIL = "{}@backpack.exchange"


def sweep(now=MONDAY):
    return staff_digests.write_due(now=now)


def written():
    return {each.to.partition("@")[0]: each.facts for each in Letter.objects.order_by("pk")}


def everyone():
    for role in ("reviewer", "operations", "finance preparer", "finance approver", "auditor"):
        staff(role, email=EMAIL.format(role.split()[-1]))


def one_waits():
    return application()


def breached():
    BooksCheck.objects.create(
        checked_at=MONDAY, occasion="nightly", took_ms=1,
        breaches=[{"invariant": "every payout has a statement", "rows": 2, "examples": [], "helps": "x"}],
    )  # fmt: skip


def prepared(broker, month="2026-10", *, by):
    payout = make.payout(broker, month)
    Payout.objects.filter(pk=payout.pk).update(
        state="prepared", prepared_by=by, prepared_at=MONDAY, adjustments=0, carried=0, due=payout.payout,
        digest="0" * 64, input_digest="0" * 64,
    )  # fmt: skip


@pytest.mark.django_db
class TestWhatWaits:
    def test_applications_are_told_to_reviewers(self):
        everyone()
        one_waits()

        assert [sweep(), sweep()] == [1, 0]
        assert written() == {
            "reviewer": {
                "day": "2026-11-23",
                "applications": 1,
                "applications_oldest": make.NOW.isoformat(),
            }
        }

    def test_months_awaiting_approval_to_finance_but_for_what_one_prepared_oneself(self):
        everyone()
        pia = staff("finance preparer", email=EMAIL.format("pia"))
        for code in (1400, 1500):
            prepared(make.broker(code=code), by=pia)
        prepared(make.broker(code=1600), "2026-09", by=pia)
        make.payout(make.broker(code=1700))  # calculated: nobody can approve it yet
        sweep()

        waiting = {
            "day": "2026-11-23", "months": 3, "months_waiting": "September 2026: 1\nOctober 2026: 2",
        }  # fmt: skip
        assert written() == {"preparer": waiting, "approver": waiting}

    def test_payouts_of_ones_own_broker_are_not_counted(self):
        approver = staff("finance approver", email=EMAIL.format("approver"))
        broker = make.broker()
        make.membership(approver, broker, role="viewer")
        prepared(broker, by=staff("finance preparer", email=EMAIL.format("pia")))
        sweep()

        assert written() == {}

    def test_what_came_to_quarantine_and_what_waits_there_is_told_to_finance(self):
        everyone()
        make.fills(make.record(brokerId="x"), make.record(tradeId=None), now=MONDAY - 30 * DAY)
        # Since Friday 07:00, because nobody is told of anything on a weekend.
        make.fills(make.record(brokerId="y"), make.record(brokerId=1500), now=MONDAY - 3 * DAY)
        sweep()

        assert set(written()) == {"preparer", "approver"}
        told = written()["approver"]
        assert told["quarantine_came"] == 2
        assert told["quarantine_came_reasons"].split("\n") == ["malformed: 1", "unknown_broker: 1"]
        assert told["quarantine"] == 4
        assert told["quarantine_reasons"].split("\n") == [
            "malformed: 2", "missing_trade_id: 1", "unknown_broker: 1",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("came", "now"),
        [
            (MONDAY - 3 * DAY, MONDAY),
            (MONDAY - timedelta(seconds=1), MONDAY + timedelta(hours=4)),
            (MONDAY, MONDAY + DAY),
            (MONDAY + DAY - timedelta(seconds=1), MONDAY + DAY),
        ],
    )
    def test_each_record_came_on_one_morning(self, came, now):
        everyone()
        make.fills(make.record(brokerId="x"), now=came)
        sweep(now)

        assert written()["approver"]["quarantine_came"] == 1

    @pytest.mark.parametrize(
        ("came", "now"),
        [
            (MONDAY - 3 * DAY - timedelta(seconds=1), MONDAY),
            (MONDAY, MONDAY + timedelta(hours=4)),
            (MONDAY - timedelta(seconds=1), MONDAY + DAY),
        ],
    )
    def test_and_on_no_other(self, came, now):
        everyone()
        make.fills(make.record(brokerId="x"), now=came)
        sweep(now)

        assert "quarantine_came" not in written()["approver"]
        assert written()["approver"]["quarantine"] == 1

    def test_records_that_were_discarded_or_replayed_wait_no_more(self):
        everyone()
        make.fills(make.record(brokerId="x"), make.record(brokerId=1500), now=MONDAY - 4 * DAY)
        discard(reason="malformed")
        make.broker(code=1500)
        replay()

        assert sweep() == 0

    def test_what_came_and_waits_no_more_came_all_the_same(self):
        everyone()
        make.fills(make.record(brokerId="x"), now=MONDAY - DAY)
        discard(reason="malformed")
        sweep()

        assert written()["approver"] == {
            "day": "2026-11-23", "quarantine_came": 1, "quarantine_came_reasons": "malformed: 1",
        }  # fmt: skip
        made = rendering.render(kind="staff_digest", facts=written()["approver"])
        assert "Came since the last working day, 07:00 UTC" in made.text
        assert "Records that wait" not in made.text

    def test_books_that_do_not_hold_are_told_to_everybody(self):
        everyone()
        breached()

        assert sweep() == 5
        assert set(written()) == {"reviewer", "operations", "preparer", "approver", "auditor"}
        assert written()["auditor"] == {
            "day": "2026-11-23",
            "books": 1,
            "books_breaches": "every payout has a statement: not so for 2 rows",
        }

    def test_books_that_hold_again_are_not_told(self):
        everyone()
        breached()
        BooksCheck.objects.create(
            checked_at=MONDAY + timedelta(minutes=1), occasion="x", took_ms=1, breaches=[]
        )

        assert sweep() == 0

    def test_a_superuser_hears_of_everything(self):
        make.login(email=EMAIL.format("boss"), is_staff=True, is_superuser=True)
        one_waits()
        breached()
        sweep()

        assert set(written()["boss"]) == {
            "day", "applications", "applications_oldest", "books", "books_breaches",
        }  # fmt: skip

    def test_the_letter_can_be_made_and_stopped(self):
        reviewer = staff("reviewer", email=EMAIL.format("reviewer"))
        one_waits()
        breached()
        sweep()

        letter = Letter.objects.get()
        assert letter.unsubscribe == {"login": reviewer.pk, "broker": None, "topic": "staff"}
        made = rendering.render(kind=letter.kind, facts=letter.facts)
        assert made.subject == "What waits for staff on 2026-11-23"
        assert "every payout has a statement" in made.text


@pytest.mark.django_db
class TestWhen:
    @pytest.mark.parametrize(
        ("now", "letters"),
        [
            (MONDAY - timedelta(seconds=1), 0),
            (MONDAY, 1),
            (MONDAY + timedelta(hours=4, minutes=59), 1),
            (MONDAY + timedelta(hours=5), 0),
            (MONDAY + 4 * DAY, 1),  # Friday
            (MONDAY + 5 * DAY, 0),
            (MONDAY + 6 * DAY, 0),
        ],
    )
    def test_on_working_days_from_seven_until_noon(self, now, letters):
        staff("reviewer")
        one_waits()

        assert sweep(now) == letters

    def test_each_working_day_anew(self):
        staff("reviewer")
        one_waits()

        assert [sweep(MONDAY + number * DAY) for number in range(7)] == [1, 1, 1, 1, 1, 0, 0]

    def test_not_while_nothing_waits(self):
        everyone()

        assert sweep() == 0


@pytest.mark.django_db
class TestToWhom:
    def test_not_to_who_does_not_want_it(self):
        reviewer = staff("reviewer")
        one_waits()
        breached()
        actions.wish(login=reviewer.pk, broker=None, topic="applications", delivery="never", now=make.NOW)
        sweep()
        assert set(written()["sue"]) == {"day", "books", "books_breaches"}
        actions.wish(login=reviewer.pk, broker=None, topic="books", delivery="never", now=make.NOW)

        assert sweep(MONDAY + DAY) == 0

    def test_not_to_who_is_switched_off_or_has_no_role_or_is_no_staff(self):
        off = staff("reviewer", email=EMAIL.format("off"), is_active=False)
        staff(email=EMAIL.format("nothing"))
        one_waits()
        assert off.is_active is False

        assert sweep() == 0

    def test_one_that_fails_keeps_nobody_else_from_theirs(self):
        staff("reviewer", email=EMAIL.format("first"))
        staff("reviewer", email=EMAIL.format("second"))
        with connection.cursor() as cursor:  # an address that nobody can give on the site
            cursor.execute("UPDATE portal_user SET email = 'nobody' WHERE email LIKE 'first@%%'", [])
        application(reference=UUID(int=1))

        with pytest.raises(ExceptionGroup, match="letters of the day that could not be written"):
            sweep()
        assert set(written()) == {"second"}


def two_sweeps_at_once():
    staff("reviewer")
    one_waits()
    with side_by_side() as start:
        with transaction.atomic():
            first = sweep()
            second = start(sweep)
            if _key_is_unique():
                until_waiting(1, FOR_ANOTHERS_ROW)
            else:
                second.result()
        return first, second.result()


def _key_is_unique():
    with owner() as hand:
        found = hand.execute("SELECT count(*) FROM pg_constraint WHERE conname = 'letter_key_key'")
        return found.fetchone() == (1,)


def test_two_sweeps_at_once_write_one_letter(committed_db):
    assert two_sweeps_at_once() == (1, 0)
    assert Letter.objects.count() == 1


def test_twin_without_the_unique_key_they_write_two(committed_db):
    with owner() as hand:
        hand.execute("ALTER TABLE letter DROP CONSTRAINT letter_key_key")

    assert two_sweeps_at_once() == (1, 1)
    assert Letter.objects.count() == 2
