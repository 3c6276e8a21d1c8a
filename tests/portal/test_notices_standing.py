"""Letters about standing, appeals and accounts: to whom, once each, whoever sweeps, killed anywhere."""

from datetime import timedelta

import pytest
from django.db import connection, transaction

from payouts.desk import appeals
from payouts.models import StandingChange
from portal import notices
from portal.letters.models import Letter
from portal.notices import standings
from portal.team.models import Membership
from tests import make
from tests.payouts.monthend.racing import FOR_ANOTHERS_ROW, side_by_side, until_waiting
from tests.payouts.owner import connected as owner_of_database

DAY = timedelta(days=1)
THEN = make.NOW  # everybody of the team joined by then
LATER = THEN + DAY


def team(broker, *, at=THEN):
    for name, role in (("olga", "owner"), ("otto", "owner"), ("fay", "finance"), ("vic", "viewer")):
        login = make.login(email=f"{name}@example.com")
        Membership.objects.create(login=login, broker=broker, role=role, joined_at=at)
    return broker


def member(name):
    return Membership.objects.get(login__email=f"{name}@example.com").login


def nordlicht():
    return team(make.broker(code=1400, name="Nordlicht"))


def sweep(now=LATER):
    return notices.write_due(now=now)


def written():
    return [(each.kind, each.to, each.facts) for each in Letter.objects.order_by("pk")]


def kinds():
    return sorted({kind for kind, _, _ in written()})


def to():
    return sorted({each.partition("@")[0] for _, each, _ in written()})


ABOUT = {"broker": "Nordlicht", "code": 1400}
STOPPED = {
    "since": LATER.isoformat(),
    "reason": "conduct deemed harmful to the platform or its users",
    "message": "Orders were sent that nobody had asked for.",
}


@pytest.mark.django_db
class TestStanding:
    def test_a_suspension_is_told_to_every_member_once(self):
        make.suspended(nordlicht(), LATER)

        assert [sweep(), sweep(), sweep()] == [4, 0, 0]
        assert written() == [
            ("standing_suspended", f"{name}@example.com", ABOUT | STOPPED)
            for name in ("olga", "otto", "fay", "vic")
        ]

    def test_a_termination_that_cancels_a_planned_suspension_is_told_alone(self):
        broker = nordlicht()
        planned = make.suspended(broker, LATER + 9 * DAY, recorded_at=LATER)
        sweep()
        StandingChange.objects.create(
            broker=broker,
            kind="lifted",
            effective_at=planned.effective_at,
            recorded_at=LATER + DAY,
            case=planned.case,
            ends=planned,
        )
        make.terminated(broker, LATER + DAY)

        assert sweep(LATER + DAY) == 4
        assert kinds() == ["standing_planned", "standing_terminated"]

    def test_a_lifting(self):
        suspension = make.suspended(nordlicht(), LATER)
        sweep()
        make.lifted(suspension, LATER + DAY)

        assert sweep(LATER + DAY) == 4
        assert written()[-1] == (
            "standing_lifted", "vic@example.com", ABOUT | {"since": (LATER + DAY).isoformat()},
        )  # fmt: skip

    def test_a_termination(self):
        make.terminated(nordlicht(), LATER)
        sweep()

        assert written()[0][::2] == (
            "standing_terminated",
            ABOUT
            | {
                "since": LATER.isoformat(),
                "reason": "violation of the User Agreement",
                "message": "The User Agreement was violated.",
            },
        )

    def test_what_is_planned_is_told_when_it_is_decided_and_when_it_begins(self):
        make.suspended(nordlicht(), LATER + DAY, recorded_at=LATER)

        assert [sweep(LATER), sweep(LATER + DAY - timedelta(microseconds=1))] == [4, 0]
        assert kinds() == ["standing_planned"]
        assert written()[0][2]["what"] == "suspended"
        assert [sweep(LATER + DAY), sweep(LATER + 2 * DAY)] == [4, 0]
        assert kinds() == ["standing_planned", "standing_suspended"]

    def test_what_was_cancelled_before_it_began_never_begins(self):
        planned = make.suspended(nordlicht(), LATER + DAY, recorded_at=LATER)
        sweep(LATER)
        StandingChange.objects.create(
            broker=planned.broker, kind="lifted", effective_at=LATER + DAY, recorded_at=LATER,
            case=planned.case, ends=planned,
        )  # fmt: skip

        assert [sweep(LATER), sweep(LATER + 2 * DAY)] == [4, 0]
        assert kinds() == ["standing_cancelled", "standing_planned"]

    def test_who_was_no_member_then_or_is_none_now_or_is_switched_off_gets_none(self):
        broker = nordlicht()
        late = make.login(email="late@example.com")
        Membership.objects.create(login=late, broker=broker, role="owner", joined_at=LATER + DAY)
        Membership.objects.filter(login=member("vic")).delete()
        fay = member("fay")
        fay.is_active = False
        fay.save()
        make.login(email="stranger@example.com")
        make.suspended(broker, LATER)
        sweep(LATER + 2 * DAY)

        assert to() == ["olga", "otto"]

    def test_an_enrolment_needs_none(self):
        nordlicht()

        assert sweep() == 0

    def test_a_letter_that_is_missing_is_found_behind_later_ones(self):
        """Its fact has a lower number than one that was told of: "id > last seen" would never find it."""
        other = make.broker(code=1500)
        early = make.suspended(other, LATER)
        later = make.suspended(nordlicht(), LATER)
        assert sweep() == 4
        login = make.login(email="zoe@example.com")
        Membership.objects.create(login=login, broker=other, role="viewer", joined_at=THEN)

        assert early.pk < later.pk
        assert sweep() == 1

    def test_what_is_older_than_a_month_is_history(self):
        make.suspended(nordlicht(), LATER)

        assert sweep(LATER + notices.LATEST) == 0


def appealed(broker):
    suspension = make.suspended(broker, LATER)
    return appeals.open_appeal(
        broker_code=1400, change_id=suspension.pk, text="You are wrong.", files=[],
        by=member("otto").pk, now=LATER,
    )  # fmt: skip


def answer(appeal, by, *, exchange, text="Send the orders."):
    appeals.answer(
        reference=appeal.reference, text=text, files=[], by=by.pk, is_from_exchange=exchange, now=LATER
    )


@pytest.mark.django_db
class TestAppeals:
    def test_an_answer_of_the_exchange_is_told_to_owners(self):
        appeal, staff = appealed(nordlicht()), make.login(email="sue@backpack.exchange")
        sweep()
        before = Letter.objects.count()
        answer(appeal, staff, exchange=True)
        answer(appeal, member("olga"), exchange=False, text="Here.")

        assert [sweep(), sweep()] == [2, 0]
        assert written()[before:] == [
            ("appeal_answered", f"{name}@example.com",
             ABOUT | {"text": "Send the orders.", "at": LATER.isoformat()})
            for name in ("olga", "otto")
        ]  # fmt: skip

    def test_who_wrote_in_it_is_told_even_when_no_owner_any_more(self):
        appeal, staff = appealed(nordlicht()), make.login(email="sue@backpack.exchange")
        Membership.objects.filter(login=member("otto")).update(role="viewer")
        sweep()
        before = Letter.objects.count()
        answer(appeal, staff, exchange=True)
        sweep()

        assert [email for _, email, _ in written()[before:]] == ["olga@example.com", "otto@example.com"]

    @pytest.mark.parametrize("state", ["granted", "refused"])
    def test_a_decision_is_told_to_owners_in_its_own_words(self, state):
        broker = nordlicht()
        staff = make.login(email="sue@backpack.exchange")
        termination = make.terminated(broker, LATER)
        appeal = appeals.open_appeal(
            broker_code=1400, change_id=termination.pk, text="No!", files=[],
            by=member("otto").pk, now=LATER,
        )  # fmt: skip
        sweep()
        before = Letter.objects.count()
        appeals.decide(
            reference=appeal.reference, granted=state == "granted", decision="We looked.", by=staff.pk,
            now=LATER,
        )  # fmt: skip

        assert [sweep(), sweep()] == [2, 0]
        assert written()[before][::2] == (
            "appeal_decided",
            ABOUT | {"outcome": state, "decision": "We looked.", "at": LATER.isoformat()},
        )

    def test_what_the_broker_withdraws_itself_needs_none(self):
        appeal = appealed(nordlicht())
        sweep()
        appeals.withdraw(reference=appeal.reference, by=member("otto").pk, now=LATER)

        assert sweep() == 0


def two_sweeps_at_once():
    """The second begins when the first has written its letter and not committed."""
    broker = make.broker(code=1400, name="Nordlicht")
    make.membership(make.login(), broker)
    make.suspended(broker, LATER)
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
    with owner_of_database() as hand:
        found = hand.execute("SELECT count(*) FROM pg_constraint WHERE conname = 'letter_key_key'")
        return found.fetchone() == (1,)


def test_two_sweeps_at_once_write_one_letter(committed_db):
    assert two_sweeps_at_once() == (1, 0)
    assert Letter.objects.count() == 1


def test_twin_without_the_unique_key_they_write_two(committed_db):
    with owner_of_database() as hand:
        hand.execute("ALTER TABLE letter DROP CONSTRAINT letter_key_key")

    assert two_sweeps_at_once() == (1, 1)
    assert Letter.objects.count() == 2


def test_a_sweep_that_dies_midway_leaves_the_rest_to_the_next(committed_db, monkeypatch):
    make.suspended(nordlicht(), LATER)
    facts, left = standings._facts, iter([True, True, False])

    def dies_at_the_third(*given):
        if not next(left):
            raise SystemExit  # as if the process were gone: nobody handles it
        return facts(*given)

    with monkeypatch.context() as patch:
        patch.setattr(standings, "_facts", dies_at_the_third)
        with pytest.raises(SystemExit):
            sweep()
    connection.close()

    assert Letter.objects.count() == 2
    assert sweep() == 2
    assert to() == ["fay", "olga", "otto", "vic"]


@pytest.mark.django_db
def test_one_letter_that_cannot_be_written_keeps_no_other_from_being_written():
    broker = nordlicht()
    with connection.cursor() as cursor:  # an address that nobody can give on the site
        cursor.execute("UPDATE portal_user SET email = 'nobody' WHERE email = 'fay@example.com'")
    make.suspended(broker, LATER)

    with pytest.raises(ExceptionGroup, match="letters that could not be written"):
        sweep()
    assert to() == ["olga", "otto", "vic"]
