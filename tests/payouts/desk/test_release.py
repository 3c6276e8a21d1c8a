"""A held payout is released in full or without its suspended days, to the cent, case by case."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from payouts.desk import hold, release
from payouts.desk.hold import to_be_sent
from payouts.desk.proposals import Changed
from payouts.desk.release import (
    AlreadyReleased,
    NoSuchHold,
    NotAMode,
    NotApprovedYet,
    NothingToWithhold,
    SuspensionGoesOn,
)
from payouts.desk.void import Selection
from payouts.models import Broker, Fill, Payout, PayoutHold, PayoutRelease, StandingChange, WorkItem
from payouts.month import Month
from tests import make
from tests.payouts.desk.money_acts import (
    LATER,
    NOON,
    OCTOBER,
    accounts,
    approved,
    booked,
    calculated,
    confirm,
    done,
    entries_of,
    prepare,
    quentin,
    row,
)
from tests.payouts.desk.standing_acts import DAY, HOUR, TICK

OCTOBER_20 = datetime(2026, 10, 20, tzinfo=UTC)
NOVEMBER_5 = datetime(2026, 11, 5, tzinfo=UTC)


def fill(at: datetime, dollars: str, **changes: Any) -> dict[str, Any]:
    """A fill of so many dollars at a tenth of a percent."""
    written = at.isoformat().replace("+00:00", "Z")
    return make.record(timestamp=written, price=dollars, quantity="1", **changes)


def suspended_over_the_month_end(broker: Broker, *fills: dict[str, Any]) -> Payout:
    """Suspended from 20 October to 5 November; October's payout was calculated, held and then approved."""
    make.fills(*fills)
    suspension = make.suspended(broker, OCTOBER_20)
    payout = calculated(broker, now=datetime(2026, 11, 1, 1, tzinfo=UTC))
    assert hold.hold_due(now=datetime(2026, 11, 2, tzinfo=UTC)) == 1
    make.lifted(suspension, NOVEMBER_5)
    return approved(payout)


#: 4 M before the suspension and 2 M in it: BKR 1 (30 %) by all volume, BKR 0 (20 %) by the first alone.
SIX_MILLION = (fill(OCTOBER_20 - TICK, "4000000"), fill(OCTOBER_20, "2000000"))


def the_hold() -> PayoutHold:
    return PayoutHold.objects.get()


@pytest.fixture
def broker() -> Broker:
    return make.broker()


@pytest.mark.django_db
class TestInFull:
    def test_what_was_held_is_owed_again(self, broker: Broker) -> None:
        payout = suspended_over_the_month_end(broker, *SIX_MILLION)
        assert accounts(broker) == {"held": Decimal("1800.00"), "rebates": Decimal("-1800.00")}

        made = done("release", hold_id=the_hold().pk, mode="in full")

        assert (made.mode, made.withheld, made.suspended, made.released_at) == ("in full", 0, 0, LATER)
        assert accounts(broker) == {"owed": Decimal("1800.00"), "rebates": Decimal("-1800.00")}
        assert booked(broker)[-1] == (
            "release",
            f"payout:{payout.pk}:hold:{the_hold().pk}",
            {"held": Decimal("-1800.00"), "owed": Decimal("1800.00")},
        )
        payout.refresh_from_db()
        assert (payout.state, to_be_sent(payout)) == ("approved", Decimal("1800.00"))
        assert hold.held(1400) == []
        assert hold.holds_of([payout.pk]) == {}
        assert hold.held_months(1400) == {}
        assert entries_of(the_hold().case_id)[-1] == (
            "released",
            "2026-10: 1800.00 USD, in full.\nseen by two of us",
        )

    def test_what_was_released_the_same_case_never_holds_again(self, broker: Broker) -> None:
        row(broker, "30.50")
        first = make.suspended(broker, NOON)
        hold.hold_due(now=NOON)
        make.lifted(first, LATER)
        done("release", hold_id=the_hold().pk, mode="in full", now=LATER)
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
        assert hold.held(1400) == []

    def test_another_case_that_holds_it_keeps_its_money(self, broker: Broker) -> None:
        payout = row(broker, "30.50")
        suspension = make.suspended(broker, NOON)
        hold.hold_due(now=NOON)
        end = make.terminated(broker, LATER)
        hold.hold_due(now=LATER)
        first, second = PayoutHold.objects.order_by("pk")

        assert release.preview(hold_id=first.pk, mode="in full").still_held_by == [end.case_id]
        done("release", hold_id=first.pk, mode="in full", now=LATER + HOUR)

        assert accounts(broker)["held"] == Decimal("30.50")
        assert [each.case_id for each in hold.holds_of([payout.pk])[payout.pk]] == [end.case_id]
        assert suspension.case_id != end.case_id
        # A termination's hold is released while the broker is terminated.
        done("release", hold_id=second.pk, mode="in full", now=LATER + HOUR)
        assert accounts(broker) == {"owed": Decimal("30.50"), "rebates": Decimal("-30.50")}

    def test_what_is_only_carried_is_released_without_moving_money(self, broker: Broker) -> None:
        payout = make.payout(broker, amount="0.00")
        Payout.objects.filter(pk=payout.pk).update(corrections="-5.00")
        suspension = make.suspended(broker, NOON)
        hold.hold_due(now=NOON)
        make.lifted(suspension, LATER)
        make.approved(payout)

        with pytest.raises(NothingToWithhold):
            prepare("release", hold_id=the_hold().pk, mode="without suspended days", now=LATER)
        done("release", hold_id=the_hold().pk, mode="in full", now=LATER)

        assert (booked(broker), hold.holds_of([payout.pk])) == ([], {})


@pytest.mark.django_db
class TestWithoutTheSuspendedDays:
    def test_what_they_earned_is_forfeited_and_the_tier_stays(self, broker: Broker) -> None:
        payout = suspended_over_the_month_end(broker, *SIX_MILLION)

        found = release.preview(hold_id=the_hold().pk, mode="without suspended days")
        assert (found.due, found.withheld, found.remains) == (
            Decimal("1800.00"),
            Decimal("600.00"),
            Decimal("1200.00"),
        )
        assert (found.fills, found.volume, found.fees, found.suspended) == (1, 2_000_000, 2_000, 600)
        made = done("release", hold_id=the_hold().pk, mode="without suspended days")

        assert (made.withheld, made.suspended) == (found.withheld, found.suspended)
        payout.refresh_from_db()
        assert (payout.state, payout.withheld, to_be_sent(payout)) == (
            "approved",
            Decimal("600.00"),
            Decimal("1200.00"),
        )
        reference = f"payout:{payout.pk}:hold:{the_hold().pk}"
        assert booked(broker)[-2:] == [
            ("forfeit", reference, {"held": Decimal("-600.00"), "rebates": Decimal("600.00")}),
            ("release", reference, {"held": Decimal("-1200.00"), "owed": Decimal("1200.00")}),
        ]
        assert accounts(broker) == {"owed": Decimal("1200.00"), "rebates": Decimal("-1200.00")}
        assert entries_of(the_hold().case_id)[-1] == (
            "released",
            "2026-10: 1800.00 USD, without suspended days, 600.00 USD withheld for 1 fills of suspended days."
            "\nseen by two of us",
        )

    @pytest.mark.parametrize(
        ("at", "fills"),
        [(OCTOBER_20 - TICK, 0), (OCTOBER_20, 1), (OCTOBER.ends_at - TICK, 1), (OCTOBER.ends_at, 0)],
    )
    def test_the_days_are_the_suspensions_to_the_microsecond_and_of_the_month(
        self, broker: Broker, at: datetime, fills: int
    ) -> None:
        suspended_over_the_month_end(broker, fill(OCTOBER_20 - DAY, "50000"), fill(at, "20000"))

        assert release.preview(hold_id=the_hold().pk, mode="without suspended days").fills == fills

    def test_each_affiliate_rate_has_its_own_applied_rate(self, broker: Broker) -> None:
        suspended_over_the_month_end(
            broker,
            fill(OCTOBER_20 - DAY, "10000"),
            fill(OCTOBER_20, "10000"),
            fill(OCTOBER_20, "10000", affiliateRate="0.35"),
            fill(OCTOBER_20, "10000", affiliateRate="0.5"),
            fill(OCTOBER_20, "10000", feeRate="-0.0001"),
        )

        found = release.preview(hold_id=the_hold().pk, mode="without suspended days")

        # 10 × 20 % + 10 × 15 % + 10 × 0 % + 0
        assert (found.fills, found.fees, found.suspended) == (4, 30, Decimal("3.5"))
        assert (found.due, found.withheld, found.remains) == (
            Decimal("5.50"),
            Decimal("3.50"),
            Decimal("2.00"),
        )

    def test_both_amounts_are_rounded_once_as_a_whole(self, broker: Broker) -> None:
        """0.0152 rounds to 0.02, and so does 0.015; what the suspended days earned, 0.0002, is no cent."""
        suspended_over_the_month_end(broker, fill(OCTOBER_20 - DAY, "75"), fill(OCTOBER_20, "1"))

        found = release.preview(hold_id=the_hold().pk, mode="without suspended days")

        assert (found.suspended, found.withheld, found.remains) == (
            Decimal("0.0002"),
            Decimal("0.00"),
            Decimal("0.02"),
        )
        done("release", hold_id=the_hold().pk, mode="without suspended days")
        assert [kind for kind, _, _ in booked(broker)] == ["accrual", "hold", "release"]

    def test_fills_and_voids_after_the_calculation_are_not_in_it(self, broker: Broker) -> None:
        suspended_over_the_month_end(broker, *SIX_MILLION)
        make.fills(fill(OCTOBER_20, "100000"))  # late
        number = Fill.objects.get(executed_at=OCTOBER_20, price=2_000_000).pk
        done("void", broker_code=1400, selection=Selection(ids=(number,)))

        found = release.preview(hold_id=the_hold().pk, mode="without suspended days")

        assert (found.fills, found.withheld) == (1, Decimal("600.00"))

    def test_a_fill_voided_before_the_calculation_is_not_in_it(self, broker: Broker) -> None:
        make.fills(fill(OCTOBER_20, "50000"))
        done("void", broker_code=1400, selection=Selection(ids=(Fill.objects.get().pk,)))
        suspended_over_the_month_end(broker, fill(OCTOBER_20 - DAY, "50000"), fill(OCTOBER_20, "20000"))

        found = release.preview(hold_id=the_hold().pk, mode="without suspended days")

        assert (found.fills, found.withheld, found.due) == (1, Decimal("4.00"), Decimal("14.00"))

    def test_two_cases_withhold_together_what_both_suspended(self, broker: Broker) -> None:
        make.fills(fill(OCTOBER_20 - DAY, "50000"), fill(OCTOBER_20, "27"), fill(OCTOBER_20 + 2 * DAY, "27"))
        first = make.suspended(broker, OCTOBER_20)
        make.lifted(first, OCTOBER_20 + DAY)
        second = make.suspended(broker, OCTOBER_20 + DAY)
        payout = calculated(broker, now=datetime(2026, 11, 1, 1, tzinfo=UTC))
        hold.hold_due(now=OCTOBER_20)
        hold.hold_due(now=datetime(2026, 11, 2, tzinfo=UTC))
        make.lifted(second, NOVEMBER_5)
        approved(payout)
        one, two = PayoutHold.objects.order_by("pk")

        # 10.0108 → 10.01; without one 10.0054 → 10.01; without both 10.00.
        done("release", hold_id=one.pk, mode="without suspended days")
        done("release", hold_id=two.pk, mode="without suspended days")

        rows = PayoutRelease.objects.order_by("pk").values_list("withheld", "suspended")
        assert list(rows) == [(Decimal("0.00"), Decimal("0.0054")), (Decimal("0.01"), Decimal("0.0108"))]
        payout.refresh_from_db()
        assert payout.withheld == Decimal("0.01")
        assert accounts(broker) == {"owed": Decimal("10.00"), "rebates": Decimal("-10.00")}

    def test_a_payout_of_suspended_days_alone_is_carried_at_nothing(self, broker: Broker) -> None:
        payout = suspended_over_the_month_end(broker, fill(OCTOBER_20, "50000"))

        done("release", hold_id=the_hold().pk, mode="without suspended days")

        payout.refresh_from_db()
        assert (payout.state, payout.withheld, to_be_sent(payout)) == ("carried", Decimal("10.00"), 0)
        assert accounts(broker) == {}

    def test_what_is_withheld_beyond_what_is_due_is_carried(self, broker: Broker) -> None:
        """5.00 of it had been carried against the broker: 10.00 earned, 5.00 due, 10.00 withheld."""
        done("adjust", broker_code=1400, amount=Decimal("-5.00"), now=NOON)
        payout = suspended_over_the_month_end(broker, fill(OCTOBER_20, "50000"))
        assert (payout.due, accounts(broker)["held"]) == (Decimal("5.00"), Decimal("5.00"))

        done("release", hold_id=the_hold().pk, mode="without suspended days")

        payout.refresh_from_db()
        assert (payout.state, to_be_sent(payout)) == ("carried", Decimal("-5.00"))
        assert accounts(broker) == {"owed": Decimal("-5.00"), "rebates": Decimal("5.00")}

    def test_a_draft_of_a_later_month_is_calculated_again(self, broker: Broker) -> None:
        suspended_over_the_month_end(broker, *SIX_MILLION)
        calculated(broker, Month(2026, 11), now=datetime(2026, 12, 2, tzinfo=UTC))

        done("release", hold_id=the_hold().pk, mode="without suspended days")

        states = WorkItem.objects.order_by("run__month").values_list("run__month", "state")
        assert [(f"{month:%Y-%m}", state) for month, state in states] == [
            ("2026-10", "done"),
            ("2026-11", "due"),
        ]

    def test_a_suspended_fill_that_a_correction_has_taken_back_is_not_withheld_again(
        self, broker: Broker
    ) -> None:
        """1,800.00 at 30 %. Without the voided fill the tier is lower: 4,000 of fees at 20 % are 800.00."""
        suspended_over_the_month_end(broker, *SIX_MILLION)
        suspended = Fill.objects.get(executed_at=OCTOBER_20)
        done("void", broker_code=1400, selection=Selection(ids=(suspended.pk,)))
        november = approved(calculated(broker, Month(2026, 11), now=datetime(2026, 12, 2, tzinfo=UTC)))
        assert november.corrections == Decimal("-1000.00")

        preview = release.preview(hold_id=the_hold().pk, mode="without suspended days")

        assert (preview.fills, preview.suspended, preview.withheld) == (0, Decimal(0), Decimal("0.00"))
        assert preview.remains == Decimal("1800.00")


@pytest.mark.django_db
class TestWhatIsRefused:
    def test_a_payout_that_is_not_approved(self, broker: Broker) -> None:
        make.payout(broker, amount="30.50")
        make.suspended(broker, NOON)
        hold.hold_due(now=NOON)

        with pytest.raises(NotApprovedYet, match="have it approved first"):
            prepare("release", hold_id=the_hold().pk, mode="in full")

    @pytest.mark.parametrize("mode", ["in full", "without suspended days"])
    def test_while_the_suspension_goes_on(self, broker: Broker, mode: str) -> None:
        row(broker, "30.50")
        suspension = make.suspended(broker, NOON)
        hold.hold_due(now=NOON)

        with pytest.raises(SuspensionGoesOn, match="lift it first"):
            prepare("release", hold_id=the_hold().pk, mode=mode)

        make.lifted(suspension, LATER)
        with pytest.raises(SuspensionGoesOn):
            prepare("release", hold_id=the_hold().pk, mode=mode, now=LATER - TICK)
        assert prepare("release", hold_id=the_hold().pk, mode=mode, now=LATER).mode == mode

    def test_a_suspension_of_the_case_that_was_planned_meanwhile(self, broker: Broker) -> None:
        row(broker, "30.50")
        suspension = make.suspended(broker, NOON)
        hold.hold_due(now=NOON)
        make.lifted(suspension, LATER)
        made = prepare("release", hold_id=the_hold().pk, mode="in full", now=LATER)
        StandingChange.objects.create(
            broker=broker,
            kind="suspended",
            effective_at=LATER + DAY,
            recorded_at=LATER,
            reason="fraud",
            message="Again.",
            case=suspension.case,
        )

        with pytest.raises(SuspensionGoesOn):
            confirm(made, now=LATER)

    def test_a_hold_that_has_ended(self, broker: Broker) -> None:
        row(broker, "30.50")
        suspension = make.suspended(broker, NOON)
        hold.hold_due(now=NOON)
        make.lifted(suspension, LATER)
        number = the_hold().pk
        done("release", hold_id=number, mode="in full", now=LATER)

        with pytest.raises(AlreadyReleased, match="in full on 2026-11-22"):
            prepare("release", hold_id=number, mode="in full", now=LATER)
        with pytest.raises(NoSuchHold):
            release.preview(hold_id=number + 1, mode="in full")

    def test_another_mode(self, broker: Broker) -> None:
        with pytest.raises(NotAMode):
            release.preview(hold_id=1, mode="by half")

    def test_what_another_case_has_done_meanwhile(self, broker: Broker) -> None:
        row(broker, "30.50")
        suspension = make.suspended(broker, NOON)
        hold.hold_due(now=NOON)
        make.lifted(suspension, LATER)
        made = prepare("release", hold_id=the_hold().pk, mode="in full", now=LATER)
        shown = release.shown(made.pk)
        make.suspended(broker, LATER)
        hold.hold_due(now=LATER)

        with pytest.raises(Changed, match="prepare it anew"):
            release.confirm(proposal_id=made.pk, shown=shown, by=quentin(), now=LATER)

        assert accounts(broker)["held"] == Decimal("30.50")
