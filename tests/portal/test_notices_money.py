"""Letters about statements, credits and files: to whom, once each, as each member wants them."""

from decimal import Decimal

import pytest
from django.db import connection, transaction

from payouts.desk import hold
from payouts.models import Attempt, Payout
from portal import notices
from portal.letters import rendering, sending
from portal.letters.models import Letter
from portal.notices import members as told
from portal.notices import statements
from portal.notices.statements import grouped
from portal.preferences import actions
from portal.statements.models import Export
from portal.team import members
from portal.team.models import Membership
from tests import make
from tests.payouts.monthend.racing import FOR_ANOTHERS_ROW, side_by_side, until_waiting
from tests.payouts.owner import connected as owner_of_database
from tests.payouts.statements import issuing
from tests.portal.test_notices_standing import DAY, LATER, THEN, member, nordlicht

SEES = ["fay", "olga", "otto", "vic"]


def sweep(now=LATER):
    return notices.write_due(now=now)


def issued(broker, month="2026-10", *, at=LATER, amount="12.30"):
    make.approved(make.payout(broker, month, amount), at=at)
    return broker


def credited(broker, month="2026-10", *, at=LATER):
    payout = Payout.objects.get(run__month=f"{month}-01", broker=broker)
    Attempt.objects.create(
        payout=payout, number=1, account_id=payout.account_id, amount=payout.due, state="confirmed",
        created_at=at, sent_at=at, decided_at=at, credit_id=f"cr_{payout.pk}",
    )  # fmt: skip
    return payout


def dev():
    login = make.login(email="dev@example.com")
    return Membership.objects.create(login=login, broker_id=1400, role="developer", joined_at=THEN)


def wish(name, topic, delivery, *, now=THEN):
    actions.wish(login=member(name).pk, broker=1400, topic=topic, delivery=delivery, now=now)


def to(kind="statement_ready", state="written"):
    found = Letter.objects.filter(kind=kind, state=state).values_list("to", flat=True)
    return sorted(each.partition("@")[0] for each in found)


@pytest.mark.django_db
class TestStatements:
    def test_each_member_who_may_see_it_is_told_once(self):
        broker = nordlicht()
        dev()
        issued(broker)

        assert [sweep(), sweep()] == [4, 0]
        assert to() == SEES
        letter = Letter.objects.get(to="olga@example.com")
        statement = broker.statements.get()
        olga = member("olga").pk
        assert letter.key == f"statement:{statement.pk}:{olga}"
        assert letter.facts == {
            "broker": "Nordlicht",
            "code": 1400,
            "month": "2026-10",
            "number": 1,
            "due": "12.30",
            "tier": "BKR 0",
            "volume": "1,000.00",
            "status": "it is being credited to the exchange account •••1400",
        }
        assert letter.attachment == {"kind": "statement", "statement": statement.pk}
        assert letter.unsubscribe == {"login": olga, "broker": 1400, "topic": "statements"}

    def test_who_wants_it_in_the_letter_of_the_day_or_not_at_all_gets_it_so(self):
        broker = nordlicht()
        wish("fay", "statements", "daily")
        wish("vic", "statements", "never")
        wish("otto", "credits", "never")  # another topic
        issued(broker)

        assert [sweep(), sweep()] == [3, 0]
        assert (to(), to(state="gathered")) == (["olga", "otto"], ["fay"])

    def test_a_wish_about_another_broker_says_nothing_here(self):
        broker, other = nordlicht(), make.broker(code=1500)
        actions.wish(
            login=member("vic").pk, broker=other.code, topic="statements", delivery="never", now=THEN
        )
        issued(broker)
        sweep()

        assert to() == SEES

    def test_who_joined_later_or_left_or_is_switched_off_is_not_told(self):
        broker = nordlicht()
        late = make.login(email="late@example.com")
        Membership.objects.create(login=late, broker=broker, role="viewer", joined_at=LATER + DAY)
        Membership.objects.filter(login=member("vic")).delete()
        fay = member("fay")
        fay.is_active = False
        fay.save()
        issued(broker)

        assert sweep(LATER + 2 * DAY) == 2
        assert to() == ["olga", "otto"]

    def test_who_lost_the_role_is_not_told(self):
        broker = nordlicht()
        seat = Membership.objects.get(login=member("vic"))
        issued(broker)
        members.change_role(
            broker_code=1400, member_id=seat.pk, role="developer", by=member("olga"), now=LATER
        )
        sweep()

        assert to() == ["fay", "olga", "otto"]

    def test_who_wants_letters_again_is_not_told_of_all_that_was_stopped(self):
        broker = nordlicht()
        wish("vic", "statements", "never")
        issued(broker, "2026-09")
        sweep()
        wish("vic", "statements", "at once", now=LATER + 3 * DAY)
        assert sweep(LATER + 3 * DAY) == 0
        issued(broker, at=LATER + 4 * DAY)

        assert sweep(LATER + 4 * DAY) == 4

    def test_a_changed_wish_loses_no_letter_that_sweeps_stood_still_for(self):
        broker = nordlicht()
        issued(broker)
        wish("vic", "statements", "daily", now=LATER + DAY)

        assert sweep(LATER + DAY) == 4
        assert to(state="gathered") == ["vic"]

    def test_what_is_older_than_a_month_is_history(self):
        issued(nordlicht())

        assert sweep(LATER + told.LATELY) == 0

    def test_a_statement_that_carries_corrections_says_of_which_months(self):
        broker = nordlicht()
        issuing.corrected(broker)
        sweep(THEN + DAY)

        letter = Letter.objects.filter(facts__number=2).first()
        assert letter.facts["corrects"] == "September 2026"
        rendering.render(kind=letter.kind, facts=letter.facts)

    @pytest.mark.parametrize(
        ("state", "status"),
        [
            ("approved", "it is being credited to the exchange account •••1400"),
            ("sending", "it is being credited to the exchange account •••1400"),
            ("credited", "it is credited to the exchange account •••1400"),
            ("nil", "nothing is due, so nothing is credited"),
            ("carried", "nothing is credited: the balance is carried to the next statement"),
            ("forfeited", "it was forfeited and is not credited"),
        ],
    )
    def test_it_says_what_happens_next(self, state, status):
        statement = issued(nordlicht()).statements.get()
        statement.payout.state = state

        assert statements._status(statement) == status

    @pytest.mark.parametrize(
        ("stopped", "status"),
        [
            (make.suspended, "it is held while the broker is suspended"),
            (make.terminated, "it is held because the participation was terminated"),
        ],
    )
    def test_of_a_broker_that_is_stopped_it_says_that_it_is_held(self, stopped, status):
        broker = nordlicht()
        stopped(broker, THEN)
        payout = make.payout(broker, "2026-10", "12.30")
        hold.hold_due(now=LATER)
        make.approved(payout, at=LATER)
        sweep()

        assert Letter.objects.filter(kind="statement_ready").first().facts["status"] == status

    def test_the_pdf_goes_with_the_letter(self, mailoutbox):
        broker = nordlicht()
        issuing.october(broker)
        sweep()
        assert sending.send_due(clock=lambda: LATER) == 4

        [(name, content, media_type)] = mailoutbox[0].attachments
        assert (name, media_type) == ("backpack-broker-1400-2026-10-statement-1.pdf", "application/pdf")
        assert content == issuing.bytes_of(broker.statements.get(), "pdf")
        assert content.startswith(b"%PDF-")


@pytest.mark.django_db
class TestCredits:
    def test_each_member_who_may_see_statements_is_told_of_each_credit_once(self):
        broker = issued(nordlicht(), at=THEN)
        dev()
        payout = credited(broker)
        sweep()

        assert sweep() == 0
        assert to("credit_sent") == SEES
        letter = Letter.objects.get(kind="credit_sent", to="fay@example.com")
        assert letter.key == f"credit:{payout.pk}:{member('fay').pk}"
        assert letter.facts == {
            "broker": "Nordlicht",
            "code": 1400,
            "month": "2026-10",
            "amount": "12.30",
            "account": "•••1400",
            "credit_id": f"cr_{payout.pk}",
            "at": LATER.isoformat(),
        }
        assert rendering.render(kind=letter.kind, facts=letter.facts).subject == (
            "Nordlicht: 12.30 USD credited for October 2026"
        )

    @pytest.mark.parametrize("state", ["pending", "sending", "unknown", "rejected"])
    def test_what_is_not_known_to_be_credited_is_not_told(self, state):
        broker = issued(nordlicht(), at=THEN)
        payout = Payout.objects.get(broker=broker)
        times = {
            "pending": {}, "sending": {"sent_at": LATER}, "unknown": {"sent_at": LATER},
            "rejected": {"decided_at": LATER},
        }[state]  # fmt: skip
        Attempt.objects.create(
            payout=payout,
            number=1,
            account_id="ACC01400",
            amount="12.30",
            state=state,
            created_at=LATER,
            **times,
        )
        sweep()

        assert to("credit_sent") == []

    def test_wishes_hold(self):
        broker = issued(nordlicht(), at=THEN)
        wish("fay", "credits", "daily")
        wish("vic", "credits", "never")
        credited(broker)
        sweep()

        assert to("credit_sent") == ["olga", "otto"]
        assert to("credit_sent", "gathered") == ["fay"]


@pytest.mark.django_db
class TestFiles:
    def ready(self, **changes):
        given = {
            "broker_id": 1400, "asked_by": member("vic"), "asked_at": THEN, "kind": "year", "of": "2026",
            "state": "ready", "ready_at": LATER, "expires_at": LATER + 7 * DAY,
            "file_name": "backpack-broker-1400-2026-statements.zip",
        }  # fmt: skip
        return Export.objects.create(**(given | changes))

    def test_who_asked_is_told_and_nobody_else(self):
        nordlicht()
        export = self.ready()

        assert [sweep(), sweep()] == [1, 0]
        letter = Letter.objects.get()
        assert (letter.key, letter.kind, letter.to, letter.unsubscribe) == (
            f"export:{export.pk}", "file_ready", "vic@example.com", None,
        )  # fmt: skip
        assert letter.facts == {
            "broker": "Nordlicht",
            "code": 1400,
            "name": "backpack-broker-1400-2026-statements.zip",
            "expires_at": (LATER + 7 * DAY).isoformat(),
            "file": str(export.reference),
        }
        assert f"/brokers/1400/statements/files/{export.reference}/" in (
            rendering.render(kind=letter.kind, facts=letter.facts).text
        )

    def test_not_when_it_waits_or_failed_or_has_expired(self):
        nordlicht()
        self.ready(state="due", ready_at=None)
        self.ready(state="failed", ready_at=None)
        self.ready(state="expired")
        self.ready(expires_at=LATER)

        assert sweep() == 0

    def test_not_to_who_may_not_fetch_it_any_more(self):
        nordlicht()
        self.ready()
        self.ready(asked_by=member("fay"), kind="all", of="")
        Membership.objects.filter(login=member("vic")).update(role="developer")
        Membership.objects.filter(login=member("fay")).delete()

        assert sweep() == 0


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("0", "0.00"),
        ("12.3", "12.30"),
        ("-3.5", "−3.50"),
        ("48200000", "48,200,000.00"),
        ("1234.56789", "1,234.56789"),
        ("-1234567.01", "−1,234,567.01"),
    ],
)
def test_amounts_are_grouped_and_never_rounded(amount, said):
    assert grouped(Decimal(amount)) == said


def test_who_got_the_role_after_it_was_issued_is_not_told_of_the_past(committed_db):
    broker = nordlicht()
    seat = dev()
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        [then] = cursor.fetchone()  # the history bears the database's own time
    issued(broker, at=then)
    members.change_role(broker_code=1400, member_id=seat.pk, role="viewer", by=member("olga"), now=then)
    assert sweep(then) == 4
    assert to() == SEES
    issued(broker, "2026-11", at=then + DAY)

    assert sweep(then + DAY) == 5


def two_sweeps_at_once():
    """The second begins when the first has written its letter and not committed."""
    broker = make.broker(code=1400, name="Nordlicht")
    make.membership(make.login(), broker)
    issued(broker)
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
