"""What is approved and not sent is forfeited by two people with a reason, held or not."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from payouts import books
from payouts.desk import forfeit, hold
from payouts.desk.forfeit import NoSuchPayout, NotForfeitable
from payouts.desk.proposals import Changed
from payouts.desk.standing import one_at_a_time
from payouts.desk.void import Selection
from payouts.desk.wording import NotSaid
from payouts.models import Attempt, Broker, Payout, PayoutRelease, WorkItem
from payouts.month import Month
from tests import make
from tests.payouts import owner
from tests.payouts.desk.money_acts import (
    LATER,
    NOON,
    accounts,
    approved,
    booked,
    calculated,
    confirm,
    done,
    earned,
    entries_of,
    prepare,
    quentin,
    row,
)
from tests.payouts.desk.test_standing_races import outcomes, without_waiting
from tests.payouts.monthend.racing import (
    AT_THE_GATE,
    FOR_ITS_TURN,
    gate_before_writing,
    side_by_side,
    until_waiting,
)

DECEMBER_2 = datetime(2026, 12, 2, tzinfo=UTC)


@pytest.fixture
def broker() -> Broker:
    return make.broker()


@pytest.mark.django_db
class TestForfeiting:
    def test_what_nothing_holds_is_taken_from_what_is_owed(self, broker: Broker) -> None:
        payout = row(broker, "30.50")

        done("forfeit", payout_id=payout.pk)

        payout.refresh_from_db()
        assert payout.state == "forfeited"
        assert booked(broker)[-1] == (
            "forfeit",
            f"payout:{payout.pk}",
            {"owed": Decimal("-30.50"), "rebates": Decimal("30.50")},
        )
        assert accounts(broker) == {}

    def test_what_cases_hold_is_taken_from_there_and_every_hold_ends(self, broker: Broker) -> None:
        payout = row(broker, "30.50")
        suspension = make.suspended(broker, NOON)
        hold.hold_due(now=NOON)
        end = make.terminated(broker, LATER)
        hold.hold_due(now=LATER)

        done("forfeit", payout_id=payout.pk)

        assert booked(broker)[-1][2] == {"held": Decimal("-30.50"), "rebates": Decimal("30.50")}
        assert accounts(broker) == {}
        releases = PayoutRelease.objects.order_by("pk").values_list("hold__case", "mode", "withheld")
        assert list(releases) == [
            (suspension.case_id, "forfeited", 0),
            (end.case_id, "forfeited", 0),
        ]
        for case in (suspension.case_id, end.case_id):
            assert entries_of(case)[-1] == ("forfeited", "2026-10: 30.50 USD.\nseen by two of us")
        assert (hold.held(1400), hold.hold_due(now=LATER)) == ([], 0)

    def test_what_the_broker_reads_is_kept(self, broker: Broker) -> None:
        made = prepare("forfeit", payout_id=row(broker, "1.00").pk, text=" Forfeited under § 7. ")

        assert made.text == "Forfeited under § 7."
        with pytest.raises(NotSaid, match="Shorten"):
            prepare("forfeit", payout_id=row(broker, "1.00", "2026-11").pk, text="x" * 301)

    def test_a_draft_is_approved_first(self, broker: Broker) -> None:
        payout = make.payout(broker, amount="30.50")

        with pytest.raises(NotForfeitable, match="have it approved first"):
            prepare("forfeit", payout_id=payout.pk)

    @pytest.mark.parametrize(("corrections", "says"), [("0.00", "nothing to pay"), ("-5.00", "carried")])
    def test_nothing_is_not_forfeited(self, broker: Broker, corrections: str, says: str) -> None:
        payout = make.payout(broker, amount="0.00")
        Payout.objects.filter(pk=payout.pk).update(corrections=corrections)

        with pytest.raises(NotForfeitable, match=f"This payout is {says}"):
            prepare("forfeit", payout_id=make.approved(payout).pk)

    def test_once(self, broker: Broker) -> None:
        payout = row(broker, "30.50")
        done("forfeit", payout_id=payout.pk)

        with pytest.raises(NotForfeitable, match="is forfeited"):
            prepare("forfeit", payout_id=payout.pk)
        with pytest.raises(NoSuchPayout):
            prepare("forfeit", payout_id=payout.pk + 1)

    def test_a_case_that_begins_to_hold_it_meanwhile_makes_it_another_act(self, broker: Broker) -> None:
        made = prepare("forfeit", payout_id=row(broker, "30.50").pk)
        make.suspended(broker, NOON)
        hold.hold_due(now=NOON)

        with pytest.raises(Changed, match="prepare it anew"):
            confirm(made)


# -- against the sending ----------------------------------------------------------------------


def send(payout: Payout) -> Attempt:
    """The first transaction of sending, as settlement makes it."""
    with transaction.atomic():
        one_at_a_time(payout.broker_id)
        found = Payout.objects.select_for_update().get(pk=payout.pk)
        made = Attempt.objects.create(
            payout=found, number=1, account_id=found.account_id, amount=found.due, created_at=LATER
        )
        found.state = "sending"
        found.save(update_fields=["state"])
    return made


@pytest.fixture
def payout(committed_db: str) -> Payout:
    return earned(make.broker(), "30.50")


def test_what_is_being_sent_is_not_forfeited(payout: Payout) -> None:
    made = prepare("forfeit", payout_id=payout.pk)
    send(payout)

    with pytest.raises(NotForfeitable, match="is being sent"):
        confirm(made)
    with pytest.raises(NotForfeitable, match="is being sent"):
        prepare("forfeit", payout_id=payout.pk)


def test_forfeiting_and_sending_at_once_are_one_of_them(payout: Payout) -> None:
    begun = _at_once(payout)

    assert outcomes(begun) == [IntegrityError, Payout]  # "only an approved payout is sent"
    payout.refresh_from_db()
    assert payout.state == "forfeited"
    assert Attempt.objects.count() == 0
    assert accounts(payout.broker) == {}
    assert books.breaches() == []


def _at_once(payout: Payout) -> list[Any]:
    """The forfeiture has begun to write when the sending begins."""
    made = prepare("forfeit", payout_id=payout.pk)
    shown, by = forfeit.shown(made.pk), quentin()
    with side_by_side() as begin, gate_before_writing("money_proposal"):
        begun = [begin(lambda: forfeit.confirm(proposal_id=made.pk, shown=shown, by=by, now=LATER))]
        until_waiting(1, AT_THE_GATE)
        begun.append(begin(lambda: send(payout)))
        until_waiting(1, FOR_ITS_TURN)
    return begun


def test_without_lock_and_trigger_what_is_forfeited_would_be_sent(payout: Payout) -> None:
    """Twin."""
    made = prepare("forfeit", payout_id=payout.pk)
    shown, by = forfeit.shown(made.pk), quentin()
    without_waiting()
    with owner.connected() as hand:
        hand.execute("DROP TRIGGER credit_attempt_may_be_made ON credit_attempt")
        hand.execute("DROP TRIGGER payout_goes_its_way ON payout")

    def send_without_looking() -> None:
        Attempt.objects.create(
            payout=payout, number=1, account_id=payout.account_id, amount=payout.due, created_at=LATER
        )
        Payout.objects.filter(pk=payout.pk).update(state="sending")

    with side_by_side() as begin, gate_before_writing("money_proposal"):
        ending = begin(lambda: forfeit.confirm(proposal_id=made.pk, shown=shown, by=by, now=LATER))
        until_waiting(1, AT_THE_GATE)
        sending = begin(send_without_looking)
    ending.result()
    sending.result()

    assert Attempt.objects.count() == 1
    assert accounts(payout.broker) == {}
    assert books.breaches() != []


@pytest.mark.django_db
def test_a_forfeited_month_is_corrected_no_more() -> None:
    """Its fills are voided after a draft of the next month had carried the correction."""
    broker = make.broker()
    payout = earned(broker, "100.00")
    done("void", broker_code=1400, selection=Selection(trader=7))
    november = calculated(broker, Month(2026, 11), now=DECEMBER_2)
    assert november.corrections == Decimal("-100.00")

    done("forfeit", payout_id=payout.pk)
    asked_again = WorkItem.objects.get(run__month=november.run.month).state
    november = calculated(broker, Month(2026, 11), now=DECEMBER_2)

    assert (asked_again, november.corrections) == ("due", Decimal("0.00"))
    assert accounts(broker) == {}


@pytest.mark.django_db
def test_a_later_draft_is_calculated_again_when_its_earlier_month_is_approved() -> None:
    broker = make.broker()
    make.fills(make.record(price="500000", timestamp="2026-10-05T12:00:00Z"))
    october = calculated(broker)
    make.fills(make.record(price="500000", timestamp="2026-10-06T12:00:00Z"))
    november = calculated(broker, Month(2026, 11), now=DECEMBER_2)
    assert november.corrections == Decimal("0.00")

    approved(october)

    assert WorkItem.objects.get(run__month=november.run.month).state == "due"
    assert calculated(broker, Month(2026, 11), now=DECEMBER_2).corrections == Decimal("100.00")
