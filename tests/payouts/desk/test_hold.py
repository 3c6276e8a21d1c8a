"""A payout is held by each case under which its broker is stopped; once, and until two people release it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError

from payouts import books, tasks
from payouts.desk import hold
from payouts.desk.hold import HeldPayout, Hold
from payouts.desk.models import Case, PayoutHold
from payouts.models import Broker
from payouts.month import Month
from payouts.monthend import actions
from payouts.monthend.models import Payout
from payouts.program.models import StandingChange
from tests import make
from tests.payouts import owner
from tests.payouts.commands.process import run
from tests.payouts.desk import money_acts
from tests.payouts.desk.case_making import LATER, NOON, told
from tests.payouts.desk.test_standing_races import without_waiting
from tests.payouts.monthend.racing import (
    AT_THE_GATE,
    FOR_ITS_TURN,
    gate_before_writing,
    side_by_side,
    until_waiting,
)

SEPTEMBER, OCTOBER = Month(2026, 9), Month(2026, 10)
SECOND = timedelta(seconds=1)


def calculated(*months: Month) -> None:
    """A fill of 100 dollars at a tenth of a percent in each month: a payout of two cents."""
    for month in months:
        make.fills(make.record(timestamp=f"{month}-15T12:00:00Z"))
        actions.calculate(month=month, now=NOON)


def stands() -> list[tuple[str, int, datetime]]:
    """Which month is held by which case since when."""
    rows = PayoutHold.objects.order_by("pk").values_list("payout__run__month", "case_id", "held_at")
    return [(str(Month.of_date(month)), case, at) for month, case, at in rows]


@pytest.mark.django_db
class TestWhatIsHeld:
    @pytest.fixture
    def broker(self) -> Broker:
        return make.broker()

    def test_nothing_of_an_active_broker_is_held(self, broker: Broker) -> None:
        calculated(OCTOBER)

        assert hold.hold_due(now=NOON) == 0

        assert (hold.held(1400), hold.holds_of([1, 2])) == ([], {})

    def test_every_payout_of_a_suspended_broker_is_held_by_its_case(self, broker: Broker) -> None:
        calculated(SEPTEMBER, OCTOBER)
        suspension = make.suspended(broker, NOON)

        assert hold.hold_due(now=NOON) == 2

        case = suspension.case
        assert stands() == [("2026-09", case.pk, NOON), ("2026-10", case.pk, NOON)]
        [september, october] = Payout.objects.order_by("run__month")
        because = Hold(case.pk, "suspended", "conduct", NOON)
        assert hold.holds_of([september.pk, october.pk, 7]) == {
            september.pk: [because],
            october.pk: [because],
        }
        assert hold.held(1400) == [
            HeldPayout(september.pk, SEPTEMBER.first_date, Decimal("0.02"), "ACC01400", [because]),
            HeldPayout(october.pk, OCTOBER.first_date, Decimal("0.02"), "ACC01400", [because]),
        ]
        assert told(case) == [("held", None, "2026-09: 0.02 USD, 2026-10: 0.02 USD")]

    def test_whoever_holds_again_finds_nothing_to_do(self, broker: Broker) -> None:
        calculated(OCTOBER)
        case = make.suspended(broker, NOON).case
        hold.hold_due(now=NOON)

        assert hold.hold_due(now=LATER) == 0

        assert (stands(), len(told(case))) == ([("2026-10", case.pk, NOON)], 1)

    def test_a_payout_calculated_while_the_case_holds_is_held_too(self, broker: Broker) -> None:
        calculated(SEPTEMBER)
        case = make.suspended(broker, NOON).case
        hold.hold_due(now=NOON)
        calculated(OCTOBER)

        assert hold.hold_due(now=LATER) == 1

        assert stands() == [("2026-09", case.pk, NOON), ("2026-10", case.pk, LATER)]

    def test_a_recalculated_payout_stays_held(self, broker: Broker) -> None:
        calculated(OCTOBER)
        make.suspended(broker, NOON)
        hold.hold_due(now=NOON)
        calculated(OCTOBER)

        assert hold.hold_due(now=LATER) == 0
        assert [(each.amount, len(each.holds)) for each in hold.held(1400)] == [(Decimal("0.04"), 1)]

    def test_a_hold_begins_with_the_suspension_to_the_microsecond(self, broker: Broker) -> None:
        calculated(OCTOBER)
        make.suspended(broker, LATER, recorded_at=NOON)

        assert hold.hold_due(now=LATER - timedelta(microseconds=1)) == 0
        assert hold.hold_due(now=LATER) == 1

    def test_what_is_held_stays_held_after_the_lifting_and_nothing_more_is(self, broker: Broker) -> None:
        calculated(SEPTEMBER)
        suspension = make.suspended(broker, NOON)
        hold.hold_due(now=NOON)
        make.lifted(suspension, LATER)
        calculated(OCTOBER)

        assert hold.hold_due(now=LATER) == 0

        assert stands() == [("2026-09", suspension.case_id, NOON)]

    def test_a_cancelled_suspension_holds_nothing(self, broker: Broker) -> None:
        calculated(OCTOBER)
        planned = make.suspended(broker, LATER, recorded_at=NOON)
        make.lifted(planned, LATER)

        assert hold.hold_due(now=LATER + SECOND) == 0

    def test_a_termination_holds_beside_the_suspension_before_it(self, broker: Broker) -> None:
        calculated(OCTOBER)
        suspension = make.suspended(broker, NOON)
        hold.hold_due(now=NOON)
        end = make.terminated(broker, LATER)

        assert hold.hold_due(now=LATER) == 1

        [payout] = hold.held(1400)
        assert payout.holds == [
            Hold(suspension.case_id, "suspended", "conduct", NOON),
            Hold(end.case_id, "terminated", "agreement", LATER),
        ]

    def test_a_second_suspension_in_the_same_case_adds_no_hold(self, broker: Broker) -> None:
        calculated(OCTOBER)
        first = make.suspended(broker, NOON)
        hold.hold_due(now=NOON)
        make.lifted(first, NOON + SECOND)
        StandingChange.objects.create(
            broker=broker,
            kind="suspended",
            effective_at=LATER,
            recorded_at=LATER,
            reason="fraud",
            message="Again.",
            case=first.case,
        )

        assert hold.hold_due(now=LATER) == 0
        assert [each.holds for each in hold.held(1400)] == [
            [Hold(first.case_id, "suspended", "conduct", NOON)]
        ]

    def test_another_brokers_payouts_are_left_alone(self, broker: Broker) -> None:
        other = make.broker(code=1500)
        calculated(OCTOBER)
        case = make.suspended(other, NOON).case

        assert hold.hold_due(now=NOON, broker_code=1400) == 0
        assert hold.hold_due(now=NOON) == 1

        assert [each.case_id for each in PayoutHold.objects.filter(payout__broker=other)] == [case.pk]
        assert hold.held(1400) == []


@pytest.mark.django_db
class TestWhatIsApproved:
    """Approved and not sent: the money moves to `held`, once."""

    @pytest.fixture
    def broker(self) -> Broker:
        return make.broker()

    def test_an_approved_payout_is_held_and_its_money_with_it(self, broker: Broker) -> None:
        payout = money_acts.row(broker, "30.50")
        case = make.suspended(broker, NOON).case

        assert hold.hold_due(now=NOON) == 1

        assert money_acts.accounts(broker) == {"held": Decimal("30.50"), "rebates": Decimal("-30.50")}
        [_, (kind, reference, moved)] = money_acts.booked(broker)
        [made] = PayoutHold.objects.all()
        assert (kind, reference) == ("hold", f"payout:{payout.pk}:hold:{made.pk}")
        assert moved == {"owed": Decimal("-30.50"), "held": Decimal("30.50")}
        assert told(case) == [("held", None, "2026-10: 30.50 USD")]

    def test_its_money_moves_once_however_many_cases_hold_it(self, broker: Broker) -> None:
        money_acts.row(broker, "30.50")
        make.suspended(broker, NOON)
        hold.hold_due(now=NOON)
        make.terminated(broker, LATER)

        assert hold.hold_due(now=LATER) == 1

        assert money_acts.accounts(broker) == {"held": Decimal("30.50"), "rebates": Decimal("-30.50")}
        assert [kind for kind, _, _ in money_acts.booked(broker)] == ["accrual", "hold"]

    def test_two_cases_that_begin_to_hold_at_once_move_it_once(self, broker: Broker) -> None:
        money_acts.row(broker, "30.50")
        suspension = make.suspended(broker, NOON)
        make.lifted(suspension, LATER)
        make.suspended(broker, LATER)
        hold.hold_due(now=NOON)

        assert hold.hold_due(now=LATER) == 1
        assert money_acts.accounts(broker)["held"] == Decimal("30.50")

    def test_what_is_prepared_is_held_and_moves_no_money(self, broker: Broker) -> None:
        payout = make.payout(broker, amount="12.34")
        Payout.objects.filter(pk=payout.pk).update(
            state="prepared",
            prepared_by=money_acts.pia(),
            prepared_at=NOON,
            adjustments=0,
            carried="-2.34",
            due="10.00",
            digest="0" * 64,
        )
        make.suspended(broker, NOON)

        assert hold.hold_due(now=NOON) == 1

        assert [each.amount for each in hold.held(1400)] == [Decimal("10.00")]
        assert money_acts.booked(broker) == []

    @pytest.mark.parametrize("amount", ["0.00", "-5.00"])
    def test_nothing_to_send_is_nothing_to_hold(self, broker: Broker, amount: str) -> None:
        payout = make.payout(broker, amount="0.00")
        Payout.objects.filter(pk=payout.pk).update(corrections=amount)
        make.approved(payout)
        make.suspended(broker, NOON)

        assert hold.hold_due(now=NOON) == 0

    def test_what_was_forfeited_is_past_holding(self, broker: Broker) -> None:
        payout = money_acts.row(broker, "30.50")
        Payout.objects.filter(pk=payout.pk).update(state="forfeited")
        make.suspended(broker, NOON)

        assert hold.hold_due(now=NOON) == 0

    def test_the_database_refuses_a_hold_of_what_is_past_holding(self, broker: Broker) -> None:
        payout = money_acts.row(broker, "30.50")
        Payout.objects.filter(pk=payout.pk).update(state="forfeited")
        case = make.suspended(broker, NOON).case

        with pytest.raises(IntegrityError, match="a payout that is forfeited is past holding"):
            PayoutHold.objects.create(payout=payout, case=case, held_at=NOON)


def test_who_holds_at_once_hold_once(committed_db: str) -> None:
    """One waits for the other's turn, and finds nothing to do."""
    assert _two_at_once(waits=True) == [0, 2]
    assert PayoutHold.objects.count() == 2
    assert books.breaches() == []


def test_who_holds_at_once_without_waiting_hold_once(committed_db: str) -> None:
    without_waiting()

    assert _two_at_once() == [0, 2]
    assert PayoutHold.objects.count() == 2
    assert told(Case.objects.get()) == [("held", None, "2026-09: 0.02 USD, 2026-10: 0.02 USD")]
    assert books.breaches() == []


def test_twin_without_the_constraint_they_hold_twice(committed_db: str) -> None:
    without_waiting()
    with owner.connected() as hand:
        hand.execute("ALTER TABLE payout_hold DROP CONSTRAINT a_case_holds_a_payout_once")

    assert _two_at_once() == [2, 2]
    assert PayoutHold.objects.count() == 4


def _two_at_once(*, waits: bool = False) -> list[int]:
    """Two sweeps have looked for what is not held before either may write; how many holds each made."""
    broker = make.broker()
    calculated(SEPTEMBER, OCTOBER)
    make.suspended(broker, NOON)
    with side_by_side() as start, gate_before_writing("payout_hold"):
        both = [start(lambda: hold.hold_due(now=NOON)) for _ in range(2)]
        until_waiting(1 if waits else 2, AT_THE_GATE)
        if waits:
            until_waiting(1, FOR_ITS_TURN)
    return sorted(each.result() for each in both)


def _suspended_today() -> Any:
    """A broker that has been suspended for a day by the real clock, and traded in October."""
    broker = make.broker()
    make.fills(make.record())
    return make.suspended(broker, datetime.now(UTC) - timedelta(days=1))


def test_a_month_that_closes_by_itself_is_held_at_once(committed_db: str) -> None:
    suspension = _suspended_today()

    tasks.close_due_months()

    assert ("2026-10", suspension.case_id) in [each[:2] for each in stands()]


def test_the_command_holds_what_it_calculated(committed_db: str) -> None:
    suspension = _suspended_today()

    ended = run("month_end", "2026-10", url=committed_db)

    assert ended.returncode == 0, ended.stderr
    assert [each[:2] for each in stands()] == [("2026-10", suspension.case_id)]


def test_the_task_holds_what_is_due(committed_db: str) -> None:
    suspension = _suspended_today()
    actions.calculate(month=OCTOBER, now=NOON)

    tasks.hold_payouts()

    assert [each[:2] for each in stands()] == [("2026-10", suspension.case_id)]
