"""Late fills and voids of approved months: exact lines on the next draft, and Σ booked = round(truth)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from payouts import books
from payouts.desk import hold
from payouts.models import PayoutHold
from payouts.month import Month
from payouts.monthend import actions, correcting, queries
from payouts.monthend.models import Correction, CorrectionLine, Payout
from payouts.program.terms import terms_for
from tests import make
from tests.payouts.desk import money_acts
from tests.payouts.desk.standing_acts import lift, suspend
from tests.payouts.monthend.approving import approve_month
from tests.payouts.monthend.voids import void

pytestmark = pytest.mark.django_db
NOW = make.NOW
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def broker():
    return make.broker()


def fill(month, price="1000", **more):
    """A fill of so many dollars at 0.1 %, so that 1000 dollars are a dollar of fees; its trade number."""
    made = make.record(price=price, timestamp=f"{month}-15T12:00:00Z", **more)
    make.fills(made, now=datetime(2027, 1, 1, tzinfo=UTC))
    return made["tradeId"]


def calculate(month, basis="settled_month", now=datetime(2027, 1, 1, tzinfo=UTC)):
    terms = replace(terms_for(Month.parse(month)), tier_basis=basis)
    actions.calculate(month=Month.parse(month), now=now, terms=terms)


def close(month, at=NOW, **more):
    calculate(month, **more)
    return approve_month(1400, month, at=at)


def carried(month):
    """What a draft carries: month corrected, tiers, cents, and each line as kind, fees, rate, amount."""
    draft = Payout.objects.get(broker=1400, run__month=f"{month}-01")
    found = queries.corrections_of(draft.pk)
    assert draft.corrections == sum(each.cents for each in found)
    for each in found:
        assert sum(line.amount for line in each.lines) == each.cents
    return [
        (
            str(each.month),
            f"{each.tier_before} → {each.tier_after}",
            str(each.cents),
            [
                (line.kind, line.fills, str(line.fees.normalize()), str(line.amount.normalize()))
                for line in each.lines
            ],
        )
        for each in found
    ]


def test_late_fills_that_lift_the_tier_reprice_the_whole_month():
    fill("2026-09", "4999000")
    close("2026-09")
    fill("2026-09", "1000")
    calculate("2026-10")
    assert carried("2026-10") == [
        (
            "2026-09",
            "BKR 0 → BKR 1",
            "500.20",
            [("late volume", 1, "1", "0.2"), ("tier repricing", 0, "5E+3", "5E+2")],
        )
    ]
    assert Payout.objects.get(run__month="2026-09-01").payout == Decimal("999.80")


def test_a_void_that_lowers_the_tier_takes_back():
    fill("2026-09", "4999000")
    last = fill("2026-09", "1000", userId=8)
    close("2026-09")
    void(last)
    calculate("2026-10")
    assert carried("2026-10") == [
        (
            "2026-09",
            "BKR 1 → BKR 0",
            "-500.20",
            [("voided fills", -1, "-1", "-0.3"), ("tier repricing", 0, "4999", "-499.9")],
        )
    ]
    approve_month(1400, "2026-10")
    assert Payout.objects.get(run__month="2026-10-01").state == "carried"


def test_fractions_of_a_cent_are_shown_and_rounded_once_for_the_month():
    fill("2026-09", "12")
    close("2026-09")
    fill("2026-09", "13")
    calculate("2026-10")
    # 0.0024 was booked as 0.00; 0.005 is 0.01.
    assert carried("2026-10") == [
        (
            "2026-09",
            "BKR 0 → BKR 0",
            "0.01",
            [("late volume", 1, "0.013", "0.0026"), ("rounding", 0, "0", "0.0074")],
        )
    ]


def test_what_moves_no_cent_is_told_all_the_same():
    fill("2026-09", "1000")
    close("2026-09")
    fill("2026-09", "1")
    calculate("2026-10")
    assert carried("2026-10") == [
        (
            "2026-09",
            "BKR 0 → BKR 0",
            "0.00",
            [("late volume", 1, "0.001", "0.0002"), ("rounding", 0, "0", "-0.0002")],
        )
    ]


def test_late_and_voided_fills_of_one_line_are_two_lines():
    first = fill("2026-09", "1000")
    close("2026-09")
    fill("2026-09", "3000")
    void(first)
    calculate("2026-10")
    assert carried("2026-10") == [
        (
            "2026-09",
            "BKR 0 → BKR 0",
            "0.40",
            [("late volume", 1, "3", "0.6"), ("voided fills", -1, "-1", "-0.2")],
        )
    ]


def test_a_void_and_a_late_fill_that_are_alike_are_both_told():
    first = fill("2026-09", "1000")
    close("2026-09")
    fill("2026-09", "1000")
    void(first)
    calculate("2026-10")
    assert carried("2026-10") == [
        (
            "2026-09",
            "BKR 0 → BKR 0",
            "0.00",
            [("late volume", 1, "1", "0.2"), ("voided fills", -1, "-1", "-0.2")],
        )
    ]


def test_a_late_fill_that_was_voided_before_it_was_booked_is_nothing():
    fill("2026-09")
    close("2026-09")
    void(fill("2026-09"))
    calculate("2026-10")
    assert carried("2026-10") == []
    assert Payout.objects.get(run__month="2026-10-01").corrections == Decimal("0.00")


def test_what_one_payout_has_corrected_the_next_corrects_no_more():
    fill("2026-09")
    close("2026-09")
    late = fill("2026-09", "2000")
    close("2026-10", at=NOW + DAY)
    calculate("2026-11")
    assert carried("2026-11") == []
    void(late)
    fill("2026-10", "5000")
    calculate("2026-11")
    assert carried("2026-11") == [
        ("2026-09", "BKR 0 → BKR 0", "-0.40", [("voided fills", -1, "-2", "-0.4")]),
        ("2026-10", "BKR 0 → BKR 0", "1.00", [("late volume", 1, "5", "1")]),
    ]


def test_a_month_of_which_everything_is_voided_has_no_line_and_is_taken_back():
    first = fill("2026-09")
    close("2026-09")
    void(first)
    calculate("2026-10")
    assert carried("2026-10") == [
        ("2026-09", "BKR 0 → BKR 0", "-0.20", [("voided fills", -1, "-1", "-0.2")]),
    ]
    second = fill("2026-10")
    void(second)
    calculate("2026-10")
    [october] = queries.calculated(month=Month(2026, 10))
    assert list(queries.calculated_lines(october)) == []
    assert queries.lines_as_they_stand(october) == []
    assert (october.payout.fills, october.payout.payout) == (0, Decimal("0.00"))


def test_a_draft_corrects_no_month_that_is_not_approved():
    fill("2026-09")
    calculate("2026-09")
    fill("2026-09")
    calculate("2026-10")
    assert carried("2026-10") == []


def test_only_the_first_draft_carries_corrections_and_takes_them_from_later_ones():
    fill("2026-08")
    close("2026-08")
    fill("2026-08", "2000")
    calculate("2026-10")
    corrected = [("2026-08", "BKR 0 → BKR 0", "0.40", [("late volume", 1, "2", "0.4")])]
    assert carried("2026-10") == corrected
    calculate("2026-09")
    assert (carried("2026-09"), carried("2026-10")) == (corrected, [])
    calculate("2026-10")
    assert (carried("2026-09"), carried("2026-10")) == (corrected, [])
    approve_month(1400, "2026-09")
    fill("2026-08", "4000")
    calculate("2026-10")
    assert carried("2026-10") == [
        ("2026-08", "BKR 0 → BKR 0", "0.80", [("late volume", 1, "4", "0.8")]),
    ]


def test_by_the_month_before_a_late_fill_reprices_the_next_month_too():
    fill("2026-08", "4999000")
    close("2026-08", basis="preceding_month")
    fill("2026-09", "1000")
    close("2026-09", basis="preceding_month")
    assert Payout.objects.get(run__month="2026-09-01").preceding_volume == Decimal(4_999_000)
    fill("2026-08", "1000")
    calculate("2026-10", basis="preceding_month")
    assert carried("2026-10") == [
        ("2026-08", "BKR 0 → BKR 0", "0.20", [("late volume", 1, "1", "0.2")]),
        ("2026-09", "BKR 0 → BKR 1", "0.10", [("tier repricing", 0, "1", "0.1")]),
    ]
    approve_month(1400, "2026-10")
    calculate("2026-11", basis="preceding_month")
    assert carried("2026-11") == []


def test_a_correction_uses_the_terms_of_its_own_month():
    """September was settled by its own volume; October goes by the month before."""
    fill("2026-08", "9000000")
    close("2026-08")
    fill("2026-09", "1000")
    close("2026-09")
    fill("2026-09", "1000")
    calculate("2026-10", basis="preceding_month")
    assert carried("2026-10") == [
        ("2026-09", "BKR 0 → BKR 0", "0.20", [("late volume", 1, "1", "0.2")]),
    ]


def test_referral_codes_and_markets_are_repriced_each_for_itself():
    fill("2026-09", "4000000")
    fill("2026-09", "990000", affiliateRate="0.25")
    fill("2026-09", "9000", affiliateRate="0.5", symbol="SOL_USDC_PERP", marketType="PERP")
    close("2026-09")
    fill("2026-09", "1000", feeRate="-0.0001")
    calculate("2026-10")
    assert carried("2026-10") == [
        (
            "2026-09",
            "BKR 0 → BKR 1",
            "449.50",
            # A maker rebate is volume and no fee; above 25 % for the affiliate nothing is left to reprice.
            [
                ("late volume", 1, "0", "0"),
                ("tier repricing", 0, "4E+3", "4E+2"),
                ("tier repricing", 0, "9.9E+2", "49.5"),
            ],
        )
    ]


def test_calculating_again_replaces_corrections_and_an_approved_one_is_frozen():
    fill("2026-09")
    close("2026-09")
    fill("2026-09")
    calculate("2026-10")
    fill("2026-09")
    calculate("2026-10")
    assert (Correction.objects.count(), CorrectionLine.objects.count()) == (1, 1)
    approve_month(1400, "2026-10")
    assert Payout.objects.get(run__month="2026-10-01").due == Decimal("0.40")
    fill("2026-09")
    calculate("2026-10")
    assert carried("2026-10") == [("2026-09", "BKR 0 → BKR 0", "0.40", [("late volume", 2, "2", "0.4")])]
    assert correcting.find(month=Month(2026, 11), broker_codes=[1400])[1400][0].cents == Decimal("0.20")


def test_each_broker_has_its_own_corrections():
    make.broker(code=1500)
    fill("2026-09")
    fill("2026-09", brokerId=1500)
    close("2026-09")
    approve_month(1500, "2026-09")
    fill("2026-09", "7000", brokerId=1500)
    calculate("2026-10")
    assert carried("2026-10") == []
    assert list(Payout.objects.filter(run__month="2026-10-01").values_list("broker_id", "corrections")) == [
        (1400, Decimal("0.00")),
        (1500, Decimal("1.40")),
    ]


def test_late_fills_of_suspended_days_stay_unpaid_where_the_month_was_released_without_them(broker):
    """Suspended from the 10th of September: what those days earned was left out, at whatever tier."""
    starts, closes = datetime(2026, 9, 10, tzinfo=UTC), datetime(2026, 10, 1, 0, 30, tzinfo=UTC)
    fill_on("2026-09-05", "1000")
    suspension = suspend(broker, starts_at=starts, now=starts)
    fill_on("2026-09-15", "2000")
    calculate("2026-09", now=closes)
    hold.hold_due(now=closes)
    lift(suspension, now=closes + DAY)
    payout = money_acts.approved(Payout.objects.get())
    released = money_acts.done(
        "release", hold_id=PayoutHold.objects.get(payout=payout).pk, mode="without suspended days"
    )
    assert (payout.payout, released.withheld, released.suspended) == (
        Decimal("0.60"),
        Decimal("0.40"),
        Decimal("0.4"),
    )

    fill_on("2026-09-16", "4000")
    fill_on("2026-09-05", "4994000")
    calculate("2026-10")

    assert carried("2026-10") == [
        (
            "2026-09",
            "BKR 0 → BKR 1",
            # 4,995 dollars of fees at 30 % are paid: 1,498.50 of which 0.20 was.
            "1498.30",
            [
                ("late volume", 2, "4998", "999.6"),
                ("tier repricing", 0, "5001", "500.1"),
                ("suspended days", 0, "0", "-1.4"),
            ],
        )
    ]
    assert Correction.objects.get().suspended == Decimal("1.8")
    money_acts.approved(Payout.objects.get(run__month="2026-10-01"), at=NOW + DAY)
    assert books.breaches() == []
    calculate("2026-11")
    assert carried("2026-11") == []


def fill_on(day, price):
    make.fills(make.record(price=price, timestamp=f"{day}T12:00:00Z"), now=datetime(2027, 1, 1, tzinfo=UTC))
