"""Stories of months whose truth moves after they were approved, worked out by hand from the rules."""

from dataclasses import replace

import pytest

from payouts.month import Month
from payouts.program.terms import terms_for
from tests.scenarios.stories.telling import told

pytestmark = pytest.mark.django_db


def test_late_fills_lift_the_tier_after_approval() -> None:
    """4,000,000 USD at BKR 0, then 1,500,000 more arrive: 5,500,000 USD is BKR 1, for all of September."""
    with told() as story:
        story.fills("09-10", 4_000_000)
        story.on("10-01T00:30")
        story.close("2026-09")
        story.on("10-02T09:00")
        story.approve("2026-09")
        story.send()
        story.on("10-20T09:00")
        story.fills("09-30", 1_500_000)
        story.fills("10-10", 1_000)
        story.on("11-01T00:30")
        story.close("2026-10")
        story.on("11-02T09:00")
        story.approve("2026-10")
        story.send()

        assert story.statement("2026-09") == [
            "7 spot 0.001: 1 fills 4000000 USD, fees 4000 x 0.2 = 800",
            "BKR 0: carried 0.00, adjustments 0.00, month 800.00, corrections 0.00, due 800.00",
        ]
        # 1,500 of fees at 20 %; then all 5,500 of fees move by 10 %: 300 + 550 = 850.
        # The truth is 5,500 x 30 % = 1,650 = 800 + 850.
        assert story.statement("2026-10") == [
            "7 spot 0.001: 1 fills 1000 USD, fees 1 x 0.2 = 0.2",
            "2026-09 late volume: 1 fills, 1500 x 0.2 = 300",
            "2026-09 tier repricing: 0 fills, 5500 x 0.1 = 550",
            "BKR 0: carried 0.00, adjustments 0.00, month 0.20, corrections 850.00, due 850.20",
        ]
        assert story.ledger() == [
            "accrual 2026-09: owed +800.00, rebates -800.00",
            "credit 2026-09: credited +800.00, owed -800.00",
            "accrual 2026-10: owed +0.20, rebates -0.20",
            "correction 2026-09: owed +850.00, rebates -850.00",
            "credit 2026-10: credited +850.20, owed -850.20",
        ]
        assert story.credits() == ["BP-901400 800.00", "BP-901400 850.20"]


def test_a_void_lowers_the_tier_and_the_negative_month_is_carried() -> None:
    """5,000,000 USD is BKR 1; without the 500,000 that are voided it is BKR 0: 1,500.00 becomes 900.00."""
    with told() as story:
        story.fills("09-10", 4_500_000)
        story.fills("09-20", 500_000)
        story.on("10-01T00:30")
        story.close("2026-09")
        story.on("10-02T09:00")
        story.approve("2026-09")
        story.send()
        story.on("10-20T09:00")
        story.void("09-20")
        story.fills("10-10", 1_000_000)
        story.on("11-01T00:30")
        story.close("2026-10")
        story.on("11-02T09:00")
        story.approve("2026-10")
        story.send()
        story.fills("11-02", 3_000_000)
        story.on("12-01T00:30")
        story.close("2026-11")
        story.approve("2026-11")
        story.send()

        # 500 of fees at 30 % go; then the 4,500 that stay lose 10 %: -150 - 450 = -600.
        assert story.statement("2026-10") == [
            "7 spot 0.001: 1 fills 1000000 USD, fees 1000 x 0.2 = 200",
            "2026-09 voided fills: -1 fills, -500 x 0.3 = -150",
            "2026-09 tier repricing: 0 fills, 4500 x -0.1 = -450",
            "BKR 0: carried 0.00, adjustments 0.00, month 200.00, corrections -600.00, due -400.00",
        ]
        assert story.statement("2026-11") == [
            "7 spot 0.001: 1 fills 3000000 USD, fees 3000 x 0.2 = 600",
            "BKR 0: carried -400.00, adjustments 0.00, month 600.00, corrections 0.00, due 200.00",
        ]
        assert [story.state(month) for month in ("2026-09", "2026-10", "2026-11")] == [
            "credited",
            "carried",
            "credited",
        ]
        assert story.ledger() == [
            "accrual 2026-09: owed +1500.00, rebates -1500.00",
            "credit 2026-09: credited +1500.00, owed -1500.00",
            "accrual 2026-10: owed +200.00, rebates -200.00",
            "correction 2026-09: owed -600.00, rebates +600.00",
            "accrual 2026-11: owed +600.00, rebates -600.00",
            "credit 2026-11: credited +200.00, owed -200.00",
        ]
        assert story.credits() == ["BP-901400 1500.00", "BP-901400 200.00"]


def test_with_the_preceding_months_volume_as_basis_a_late_fill_reprices_the_month_after_too() -> None:
    """August is empty, so September is BKR 0 whatever it is; September's 4,000,000 make October BKR 0, until
    1,000,000 more arrive: then October is BKR 1."""
    basis = {
        month: replace(terms_for(Month.parse(month)), tier_basis="preceding_month")
        for month in ("2026-09", "2026-10", "2026-11")
    }
    with told() as story:
        story.fills("09-10", 4_000_000)
        story.on("10-01T00:30")
        story.close("2026-09", terms=basis["2026-09"])
        story.on("10-02T09:00")
        story.approve("2026-09")
        story.fills("10-10", 1_000_000)
        story.on("11-01T00:30")
        story.close("2026-10", terms=basis["2026-10"])
        story.on("11-02T09:00")
        story.approve("2026-10")
        story.send()
        story.on("11-20T09:00")
        story.fills("09-30", 1_000_000)
        story.on("12-01T00:30")
        story.close("2026-11", terms=basis["2026-11"])
        story.approve("2026-11")
        story.send()

        assert story.statement("2026-09") == [
            "7 spot 0.001: 1 fills 4000000 USD, fees 4000 x 0.2 = 800",
            "BKR 0: carried 0.00, adjustments 0.00, month 800.00, corrections 0.00, due 800.00",
        ]
        assert story.statement("2026-11") == [
            "2026-09 late volume: 1 fills, 1000 x 0.2 = 200",
            "2026-10 tier repricing: 0 fills, 1000 x 0.1 = 100",
            "BKR 0: carried 0.00, adjustments 0.00, month 0.00, corrections 300.00, due 300.00",
        ]
        assert story.ledger() == [
            "accrual 2026-09: owed +800.00, rebates -800.00",
            "accrual 2026-10: owed +200.00, rebates -200.00",
            "credit 2026-09: credited +800.00, owed -800.00",
            "credit 2026-10: credited +200.00, owed -200.00",
            "correction 2026-09: owed +200.00, rebates -200.00",
            "correction 2026-10: owed +100.00, rebates -100.00",
            "credit 2026-11: credited +300.00, owed -300.00",
        ]


def test_the_rounding_line_makes_a_correction_tie_to_the_cent() -> None:
    """0.004 + 0.004 exact: September books 0.00, its truth is 0.008, so the late fill books a whole cent."""
    with told() as story:
        story.fills("09-10", 20)
        story.on("10-01T00:30")
        story.close("2026-09")
        story.approve("2026-09")
        story.fills("09-30", 20)
        story.on("11-01T00:30")
        story.close("2026-10")
        story.approve("2026-10")

        assert story.statement("2026-09") == [
            "7 spot 0.001: 1 fills 20 USD, fees 0.02 x 0.2 = 0.004",
            "BKR 0: carried 0.00, adjustments 0.00, month 0.00, corrections 0.00, due 0.00",
        ]
        assert story.statement("2026-10") == [
            "2026-09 late volume: 1 fills, 0.02 x 0.2 = 0.004",
            "2026-09 rounding: 0 fills, 0.006",
            "BKR 0: carried 0.00, adjustments 0.00, month 0.00, corrections 0.01, due 0.01",
        ]
        assert story.ledger() == ["correction 2026-09: owed +0.01, rebates -0.01"]
